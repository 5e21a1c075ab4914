"""The effect of each request, and its answer."""
