"""Studies in the page: tables, claims, figures and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fwibench.boards.rows import Columns
from fwibench.plugins.registry import Registry
from fwibench.report.page.figures import Picture, draw_pictures
from fwibench.report.sources import Sources
from fwibench.report.study.document import Document, claims_table, notes_of
from fwibench.report.study.figures import study_drawings
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.request import Request
from fwibench.specs.dataset import PROFILES
from fwibench.specs.study import StudySpec
from fwibench.studies.planning import find_studies, plan_studies
from fwibench.studies.results import StudyResults, read_results
from fwibench.studies.tables import make_tables
from fwibench.text.tables import TextTable


@dataclass(frozen=True)
class StudySection:
    """A study in the page.

    Attributes:
        study: Spec of the study.
        command: Command that runs it.
        notes: What to know before its results are read.
        tables: Its tables.
        claims: Its judged claims.
        pictures: Its figures.
        gaps: A line for each case with missing results.
    """

    study: StudySpec
    command: str
    notes: Sequence[str]
    tables: Sequence[TextTable]
    claims: TextTable
    pictures: Sequence[Picture] = field(repr=False)
    gaps: Sequence[str]


def find_sections(sources: Sources, names: Iterable[str]) -> list[StudySection]:
    """Return studies and collections with the profile in which they have most results, the larger one first.

    Args:
        sources: The results; figures that cannot be drawn are added to its faults.
        names: Names of studies and collections.

    Raises:
        UnknownNameError: There is no such study.
    """
    specs = {spec.name: spec for name in names for spec in find_studies(sources.registry, name)}
    return [
        _section(sources, _read(sources.results, sources.registry, sources.columns, spec)) for spec in specs.values()
    ]


def _read(results: Results, registry: Registry, columns: Columns, spec: StudySpec) -> StudyResults:
    found = []
    for profile in reversed(PROFILES):
        request = Request(methods=(), datasets=(), profile=profile, results=results.root)
        (plan,) = plan_studies([spec], request, registry)
        found.append(read_results(plan, results, columns))
    return max(found, key=lambda study: len(study.records))


def _section(sources: Sources, study: StudyResults) -> StudySection:
    document = Document(study)
    for fault in study.faults:
        sources.add_fault(fault)
    return StudySection(
        study=study.plan.study,
        command=document.command,
        notes=notes_of(study),
        tables=make_tables(study),
        claims=claims_table(document.verdicts),
        pictures=list(draw_pictures(sources, study_drawings(study, sources.results, sources.registry))),
        gaps=study.gaps,
    )
