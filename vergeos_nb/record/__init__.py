"""The sealed folder of one run: what is written into it, and how it reads."""
