"""``vergeos-nb audit``."""
