"""Files of a study: exports, and figures beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fwibench.errors import DataError, UsageError
from fwibench.files.atomic import atomic_write, check_folder, write_text
from fwibench.plugins.registry import Registry
from fwibench.report.figures.drawing import Drawing, Format, render
from fwibench.report.study.document import FORMATS, Document
from fwibench.report.study.figures import study_drawings
from fwibench.runs.artefacts.results import Results
from fwibench.studies.results import StudyResults

PICTURES: dict[str, Format] = {".png": "png", ".svg": "svg"}
WITH_FIGURES = (".md", ".html")


def write_exports(study: StudyResults, paths: Sequence[Path], results: Results, registry: Registry) -> list[Path]:
    """Write a study to files; the suffix says the format. A Markdown page gets its figures as PNG files beside it.

    Args:
        study: The results of the study.
        paths: The files.
        results: The results folder.
        registry: Registry of datasets and metrics.

    Returns:
        All files that were written.
    """
    written: list[Path] = []
    drawings: list[Drawing] | None = None
    for path in paths:
        images: list[Path] = []
        if path.suffix in WITH_FIGURES and drawings is None:
            drawings = study_drawings(study, results, registry)
        if path.suffix == ".md":
            images = _write_pictures(drawings or [], path.with_suffix(".png"))
        document = Document(study, drawings or (), tuple(image.name for image in images))
        write_text(path, FORMATS[path.suffix](document))
        written += [path, *images]
    return written


def write_figures(study: StudyResults, path: Path, results: Results, registry: Registry) -> list[Path]:
    """Draw the figures of a study; with several, all but the first have a number in their names.

    Args:
        study: The results of the study.
        path: A `.png` or `.svg` file.
        results: The results folder.
        registry: Registry of datasets and metrics.

    Raises:
        UsageError: Another suffix.
        DataError: Nothing can be drawn.
    """
    if path.suffix not in PICTURES:
        raise UsageError(f"{path} ends in '{path.suffix}', expected .png or .svg", "--figure study.png")
    check_folder(path.parent)
    drawings = study_drawings(study, results, registry)
    if not drawings:
        raise DataError(f"{study.plan.study.name} has nothing to draw yet", "run the study first")
    return _write_pictures(drawings, path)


def _write_pictures(drawings: Sequence[Drawing], path: Path) -> list[Path]:
    written = []
    for number, drawing in enumerate(drawings):
        own = path if not number else path.with_stem(f"{path.stem}-{number + 1}")
        with atomic_write(own) as stream:
            stream.write(render(drawing, PICTURES[own.suffix]))
        written.append(own)
    return written
