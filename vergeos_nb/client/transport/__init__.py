"""How one request travels: login, TLS, proxies, time limit, retries, decoding, failures.

httpx is first loaded here, without rich: only httpx's own command line uses rich, and it takes a third of
the time to load httpx.
"""

from vergeos_nb.imports import absent

with absent("rich"):
    import httpx  # noqa: F401 - loaded for the modules of this room
