"""The plugin of the shipped studies: the InvLINT paper's tables and figures, and questions beyond them."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench import StudySpec, hookimpl


@hookimpl
def fwibench_studies() -> Iterable[StudySpec]:
    """Return the specs of all studies."""
    # imported when the hook is called: only the commands of studies need them
    from fwibench_studies.beyond import further_studies
    from fwibench_studies.paper import paper_studies

    return [*paper_studies(), *further_studies()]
