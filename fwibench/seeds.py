"""Where randomness comes from.

Invariant: a random stream depends on what it is for and on nothing else, so adding a method, a sample
or a repetition never changes the numbers that another one draws.
"""

from __future__ import annotations

import hashlib

BASE_SEED = 2022
STREAMS = ("init", "data", "augment")


def derive_seed(*parts: object) -> int:
    """Hashes `parts` to a seed in [0, 2**63).

    SHA-256 rather than `hash`, so that the seed is the same in every process and Python version.
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
