"""Signatures and timestamps: makes them, and says whose are trusted."""
