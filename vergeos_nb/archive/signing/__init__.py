"""Signatures and timestamps: who makes them, whose count, and how far they reach."""
