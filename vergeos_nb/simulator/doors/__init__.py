"""The two doors of a simulator: TLS on loopback, and calls within this process. And its control prefix."""
