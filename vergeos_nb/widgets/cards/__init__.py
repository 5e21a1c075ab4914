"""One card per kind of step."""
