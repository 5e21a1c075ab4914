"""Whole tables in few calls, as columns."""
