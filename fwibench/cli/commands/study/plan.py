"""`study plan`: the cells, time, memory and disk space of a study."""

from __future__ import annotations

from fwibench.cli.commands.plan import Timed, print_plan
from fwibench.cli.console.output import warn
from fwibench.cli.options import Json, with_options
from fwibench.cli.studies import ChosenStudies, choose_studies
from fwibench.plugins.registry import Registry
from fwibench.studies.planning import all_cells


@with_options(choose_studies)
def plan(chosen: ChosenStudies, registry: Registry, probe: Timed = False, json: Json = False) -> None:
    """List the cells of a study, their state, and estimates of time, memory and disk space."""
    for one in chosen.plans:
        for case in one.cases:
            if case.reason:
                warn(f"{one.study.name}: {' / '.join(filter(None, case.case.place))} is left out: {case.reason}")
    print_plan(all_cells(chosen.plans), chosen.request, registry, probe=probe, json=json)
