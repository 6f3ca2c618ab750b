"""Studies on the console."""

from __future__ import annotations

from collections.abc import Sequence

from fwibench.cli.console.output import errors, print_line, print_table
from fwibench.studies.claims import judge
from fwibench.studies.results import StudyResults
from fwibench.studies.tables import make_tables
from fwibench.text.readable import printable, shorten


def print_studies(found: Sequence[StudyResults]) -> None:
    """Print the tables of studies, then their judged claims, then what is missing on standard error."""
    for number, study in enumerate(found):
        if number:
            print_line("")
        spec = study.plan.study
        print_line(f"{spec.title}{f' ({spec.reference})' if spec.reference else ''}")
        for table in make_tables(study):
            print_table(table.title, table.header, table.rows, right=table.right, optional=table.optional)
        if verdicts := judge(study):
            rows = [[one.outcome, one.claim.text, one.evidence] for one in verdicts]
            print_table("claims", ("here", "claim", "evidence"), rows)
        for note in (*spec.notes, *(f"missing: {gap}" for gap in study.gaps)):
            errors().print(f"note: {printable(shorten(note))}", markup=False, soft_wrap=True)
