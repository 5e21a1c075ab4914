"""Find and mask the texts that must not be written anywhere. Writers and scanners use the same definition.

It imports no other module of this package, so that even an error can be masked when it is made.
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
