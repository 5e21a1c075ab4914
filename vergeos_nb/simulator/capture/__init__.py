"""Recording and replaying of requests."""
