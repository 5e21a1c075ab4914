"""Performance claims as ratios, each measured side by side in one run: ``python -m bench``.

A module of this folder that has ``CLAIMS``, a tuple of ``bench.claim.Claim``, takes part.
"""
