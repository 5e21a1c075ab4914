"""Find and mask the texts that must not be written anywhere. Writers and scanners use the same definition.

Its modules, from the ground up:

    spellings        every form in which a known secret can turn up
    secret_patterns  what a credential looks like that nobody told us
    scrubber         texts and data without either; the one place that cuts
    known_secrets    every secret that this process has read, and the doors' functions over them

It imports nothing of ours, so that even an error can be masked when it is made.
"""

from vergeos_nb.masking.known_secrets import (
    cut,
    forget,
    masked,
    masked_data,
    register,
    register_url,
    secrets_of_url,
    state_of_masking,
)
from vergeos_nb.masking.scrubber import Scrubber
from vergeos_nb.masking.spellings import MASK, SHORTEST_SEARCHED, is_maskable, spellings

__all__ = [
    "MASK",
    "SHORTEST_SEARCHED",
    "Scrubber",
    "cut",
    "forget",
    "is_maskable",
    "masked",
    "masked_data",
    "register",
    "register_url",
    "secrets_of_url",
    "spellings",
    "state_of_masking",
]
