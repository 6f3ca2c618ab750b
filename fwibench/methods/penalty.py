"""Notes on a penalty that was chosen from a list."""

from __future__ import annotations

from collections.abc import Sequence


def penalty_notes(chosen: float, compared: Sequence[float]) -> list[str]:
    """Return a note if a penalty is the smallest or largest of those compared; see `Method.notes`.

    Args:
        chosen: Penalty with the smallest error on val.
        compared: Penalties that were compared.
    """
    for extreme, end, beyond in (
        (min(compared), "smallest", "smaller"),
        (max(compared), "largest", "larger"),
    ):
        if chosen == extreme:
            return [f"alpha={chosen:g}, chosen on val, is the {end} that was compared: a {beyond} one may be better"]
    return []
