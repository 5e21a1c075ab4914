"""One run per VM."""
