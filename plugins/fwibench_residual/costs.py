"""Cost model of residual; planning imports this module, so it imports nothing heavy."""

from __future__ import annotations

from fwibench.methods.costs import Probing, TrainingCosts, Work


class ResidualCosts(TrainingCosts):
    """A training after simulations of every sample; it is scaled from finished cells.

    A probe has no fitted base to start from.
    """

    encodes = True

    def probe(self, probing: Probing) -> Work | None:
        """Return None."""
        return None
