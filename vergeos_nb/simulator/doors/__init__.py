"""How a request gets in: over TLS on loopback, or in this process."""
