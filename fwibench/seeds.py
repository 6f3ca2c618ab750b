"""Random seeds.

Invariant: the seed of a random stream depends on the purpose of the stream only, so that adding a method, a sample or a
repetition never changes the random numbers of another one.
"""

from __future__ import annotations

import hashlib

BASE_SEED = 2022
"""Seed from which all others are derived."""
STREAMS = ("init", "data", "augment")
"""Random streams of a method: initial weights, order of the samples, and random operations of training."""


def derive_seed(*parts: object) -> int:
    """Hash `parts` to a seed in [0, 2**63) by SHA-256, which is the same in every process and Python version."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
