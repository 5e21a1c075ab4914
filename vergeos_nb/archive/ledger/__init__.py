"""The file that chains the records."""
