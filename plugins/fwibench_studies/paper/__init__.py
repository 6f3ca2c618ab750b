"""The tables and figures of *An Intriguing Property of Geophysics Inversion* (InvLINT, ICML 2022)."""

from __future__ import annotations

from fwibench import StudySpec
from fwibench_studies.paper.ablations import ablation_studies
from fwibench_studies.paper.costs import cost_studies
from fwibench_studies.paper.linearity import linearity_studies
from fwibench_studies.paper.main import main_studies


def paper_studies() -> list[StudySpec]:
    """Return the studies of the paper, in the order in which it prints them."""
    return [*main_studies(), *cost_studies(), *ablation_studies(), *linearity_studies()]
