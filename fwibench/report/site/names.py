"""Names of the pages.

Invariant: a name is made of letters, digits, dots, hyphens and a tilde, so no text of a bundle names a file outside of
the site, and different texts have different names.
"""

from __future__ import annotations

import hashlib

from fwibench.report.figures.drawing import stem

DIGITS = 16
"""Digits of a SHA-256 in a name."""


def page_name(text: str) -> str:
    """Return the name of a page for a text: the text itself if it can be one, else what can be kept of it and a hash.

    Args:
        text: Name of a method or dataset, or words that distinguish a leaderboard.
    """
    short = stem(text)
    # no text that can be a name has a tilde
    return short if short == text else f"{short}~{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"
