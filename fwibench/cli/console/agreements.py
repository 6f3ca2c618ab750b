"""Tables that compare recorded samples with simulations of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fwibench.cli.console.output import print_table

if TYPE_CHECKING:
    from fwibench.datasets.agreement import Agreement


def print_agreements(title: str, agreements: Sequence[Agreement]) -> None:
    """Print a row for each sample that was compared with a simulation; nothing if there are none."""
    if not agreements:
        return
    header = ("sample", "correlation", "scale", "delay [samples]", "residual")
    rows = [
        [
            str(one.number),
            f"{one.correlation:.5f}",
            f"{one.scale:.5g}",
            "" if one.delay is None else f"{one.delay:+.2f}",
            f"{one.residual:.1e}",
        ]
        for one in agreements
    ]
    print_table(title, header, rows, right=header)
