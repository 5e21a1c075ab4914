"""Situations to rehearse on, by name."""
