"""Scenarios by name."""
