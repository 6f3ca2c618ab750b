"""Questions that the paper does not ask."""

from __future__ import annotations

from fwibench import StudySpec
from fwibench_studies.beyond.controls import control_studies
from fwibench_studies.beyond.effort import effort_studies
from fwibench_studies.beyond.robustness import robustness_studies
from fwibench_studies.beyond.transfer import transfer_studies


def further_studies() -> list[StudySpec]:
    """Return the studies beyond the paper."""
    return [*control_studies(), *robustness_studies(), *effort_studies(), *transfer_studies()]
