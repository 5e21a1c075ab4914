"""The sealed folder of one run: its files and how they are made."""
