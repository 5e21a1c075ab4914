"""The two ways in: TLS on loopback, and calls within this process."""
