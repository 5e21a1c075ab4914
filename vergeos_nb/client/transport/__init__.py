"""How one request travels: login, TLS, proxies, time limit, retries, decoding, failures."""
