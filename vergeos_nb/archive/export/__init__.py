"""One record as one file, for people elsewhere."""
