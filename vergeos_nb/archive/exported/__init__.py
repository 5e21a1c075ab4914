"""One exported record, checked by itself: what its own files can vouch for."""
