"""Pages of studies, from the records of a results folder: `python -m fwibench_docs.studies [NAME ...]`.

`paper.md` lists every number that the paper prints beside ours, and every claim with its evidence.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from fwibench_docs import markdown
from fwibench_docs.code import StudyResults, judge, printed_numbers, study_results, write_study_page

DOCS = Path(__file__).resolve().parents[2]
FOLDER = DOCS / "studies"
COLLECTION = "paper"
COLOURS = 256
INTRODUCTION = """# Studies

A study is a declared sweep: methods with their options on datasets, the table or figure that shows them, the numbers
that a publication prints, and claims that are judged on the results: [how to run and write
studies](../guide/studies.md).

The pages below are of profile `quick`, on two cores of a CPU without a GPU. `make studies` runs what is missing and
writes them again.
"""
NUMBERS = """# The paper's numbers

Every number that *An Intriguing Property of Geophysics Inversion* (InvLINT, ICML 2022) prints in a table or states in
its text, beside ours of profile `quick`; and every claim of the paper, judged on these runs. {count} numbers and
{claims} claims have a command. Our data are synthetic twins of the paper's, and trainings are short, so errors cannot
be expected to agree; their order can. A claim holds or does not hold only where an interval says so.

Claims that compare networks are judged after the same time of training, which favours small ones: [the study of
budgets](budget.md) shows how far the order depends on the time. Those that compare InvLINT's options are judged after
the same number of gradient steps, and InversionNet in [table 4](paper-table-4.md) after the number that is given there.
"""


def write_pages(results: Path, names: list[str]) -> None:
    """Write the pages of studies, the list of all studies and, with a study of the paper, that of the paper's numbers.

    Args:
        results: Results folder.
        names: Studies whose pages are written; an empty list selects every study with a finished block.
    """
    found = study_results(results)
    FOLDER.mkdir(exist_ok=True)
    written = [one for one in found if (one.plan.study.name in names if names else one.complete_blocks)]
    for study in written:
        _, *pictures = write_study_page(study, FOLDER / f"{study.plan.study.name}.md", results)
        for picture in pictures:
            _shrink(picture)
    # a folder without records of the paper would empty the page
    if any(study.plan.study.collection == COLLECTION for study in written):
        paper = [study for study in found if study.plan.study.collection == COLLECTION]
        (FOLDER / "paper.md").write_text(paper_page(paper), encoding="utf-8")
    (FOLDER / "index.md").write_text(index_page(found), encoding="utf-8")


def _shrink(picture: Path) -> None:
    """Reduce a picture to a palette, a third of its size, as the repository keeps every version of it."""
    with Image.open(picture) as image:
        reduced = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(picture, optimize=True)


def index_page(studies: list[StudyResults]) -> str:
    """Return the list of all studies, with links to those that have a page."""
    specs = [study.plan.study for study in studies]
    pages = {spec.name for spec in specs if (FOLDER / f"{spec.name}.md").exists()}
    rows = [
        [f"[{spec.name}]({spec.name}.md)" if spec.name in pages else spec.name, spec.title, spec.reference]
        for spec in specs
    ]
    links = "\n".join(["paper", *(spec.name for spec in specs if spec.name in pages)])
    tree = f"```{{toctree}}\n:hidden:\n\n{links}\n```\n"
    first = "[Every number of the paper beside ours](paper.md)"
    return f"{INTRODUCTION}\n{first}\n\n{markdown.table(('study', 'shows', 'source'), rows)}\n\n{tree}"


def paper_page(studies: list[StudyResults]) -> str:
    """Return the page of the paper's numbers and claims."""
    rows, claims = [], []
    for study in studies:
        name = study.plan.study.name
        for one in printed_numbers(study):
            place = " / ".join(filter(None, one.published.place))
            ours = "" if one.value.mean is None else f"{one.value.mean:.5g}"
            quantity = one.quantity.title or one.quantity.key
            command = f"`study run {name}`"
            rows.append(
                [one.published.source, place, quantity, f"{one.published.value:.10g}", ours, one.verdict, command]
            )
        claims += [[one.claim.source, one.claim.text, one.outcome, one.evidence] for one in judge(study)]
    head = ("printed in", "where", "quantity", "printed", "ours", "verdict", "fwibench")
    return "\n".join(
        [
            NUMBERS.format(count=len(rows), claims=len(claims)),
            "## Claims\n",
            markdown.table(("source", "claim", "here", "evidence"), claims),
            "\n## Numbers\n",
            markdown.table(head, rows),
            "",
        ]
    )


if __name__ == "__main__":
    write_pages(DOCS.parent / "results", sys.argv[1:])
