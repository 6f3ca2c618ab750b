"""How added data are simulated: order, absorbing layer, Courant number, surface and scale."""

from __future__ import annotations

from typing import Literal, cast

from fwibench.datasets.user.survey import SurveyOptions
from fwibench.errors import UsageError
from fwibench.problem import AcousticPhysics

Order = Literal[2, 4, 6, 8]
ORDER, PML = 4, 20
"""Where nothing is said and nothing can be estimated."""


def make_physics(said: SurveyOptions, frequency: float, high: float) -> AcousticPhysics:
    """Physics as the user says it, with defaults for the rest.

    Args:
        said: Order, absorbing cells, Courant number, free surface and scale.
        frequency: Peak frequency of the source, to which the absorbing layer is tuned [Hz].
        high: Highest velocity, which fixes the inner time step [m/s].

    Raises:
        UsageError: A value cannot be right.
    """
    if said.order not in (None, 2, 4, 6, 8):
        raise UsageError(f"--order is {said.order}, expected 2, 4, 6 or 8", "these are the orders that deepwave has")
    if said.pml is not None and not 0 <= said.pml <= 1000:
        raise UsageError(f"--pml is {said.pml}, expected 0 to 1000 cells", "10 to 20 are usual")
    order = cast("Order", ORDER if said.order is None else said.order)
    if said.courant is not None and not 0 < said.courant < (most := _critical_courant(order)):
        raise UsageError(
            f"--courant is {said.courant:g}, expected more than 0 and less than {most:.3g}, where order {order} "
            "becomes unstable",
            "0.6 is deepwave's own",
        )
    if said.source_scale == 0:
        raise UsageError("--source-scale is 0, which makes every record zero", "leave it out, or give another value")
    return AcousticPhysics(
        accuracy=order,
        pml_width=PML if said.pml is None else said.pml,
        pml_freq=frequency,
        max_velocity=high,
        courant_number=said.courant,
        free_surface=bool(said.free_surface),
        source_scale=1.0 if said.source_scale is None else said.source_scale,
    )


def _critical_courant(order: Order) -> float:
    from deepwave.discretisation import critical_courant_number

    return float(critical_courant_number(order, propagator="scalar"))
