"""Export of a finished run as a model file.

Invariant: the run is not changed. The file needs neither the results folder nor the dataset: a method that builds on
another one travels with it, and so do the files that its options name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.errors import DataError, MethodError, UsageError
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.models.archive import KIND, SUFFIX, Manifest, pack
from fwibench.runs.models.card import make_card
from fwibench.runs.models.layout import CARD, PROBLEM, SPEC, files_of, run_folder
from fwibench.runs.opening.datasets import load_problem
from fwibench.runs.opening.methods import load_fitted
from fwibench.specs.method import FittedOptions, MethodSpec


def export_run(run: Path, output: Path, registry: Registry) -> Manifest:
    """Write the fitted method of a finished run as a model file.

    Args:
        run: Folder of the run, in the folder of the runs.
        output: The model file; an existing one is replaced.
        registry: Registry of method and dataset.

    Returns:
        The manifest of the file.

    Raises:
        UsageError: The run has no model of its own that can predict new measurements.
        DataError: A file is absent or cannot be written.
        MethodError: The method saves files that may hold code.
        FwibenchError: The dataset has changed since the run.
    """
    record = read_record(RunFiles(run).record)
    spec = registry.method(record.cell.method).spec
    _check(record, spec)
    if missing := Results(run.parent.parent).missing_run_reason(record.cell):
        raise DataError(f"{record.run_id} {missing}", "fwibench merge joins the folders that hold both")
    problem, missing_traces, _ = load_problem(record, registry)
    # a copy of a run may have another name than its record says
    names = [run.name, *(record.cell.members or filter(None, [record.cell.base]))]
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        members = describe(record, problem, spec)
        for name in names:
            folder = run.parent / name
            members |= dict(_members(folder, registry, problem, Path(scratch) / name))
        return pack(output, run.name, missing_traces, members)


def describe(record: Record, problem: Problem, spec: MethodSpec) -> dict[str, Path | str]:
    """Return the members that describe a model: problem, spec and card.

    Args:
        record: Record of its run.
        problem: Problem that the method is built for.
        spec: Spec of the method.
    """
    return {
        PROBLEM: problem.model_dump_json(indent=1),
        SPEC: spec.model_dump_json(indent=1, exclude={"options"}),
        CARD: make_card(record, problem, spec),
    }


def _check(record: Record, spec: MethodSpec) -> None:
    """Raise `UsageError` if a run has no model of its own, or one that cannot predict new measurements."""
    run, cell = record.run_id, record.cell
    if record.status != "ok":
        raise UsageError(f"{run} is {record.status} and has no model: {record.reason}", "choose a finished run")
    if cell.model:
        raise UsageError(f"{run} applies the model of {cell.model}", f"export {cell.model}")
    if "oracle-start" in (record.track, spec.track):
        raise UsageError(
            f"{cell.method} starts from the truth (track oracle-start), which new measurements do not have",
            "choose a run of another method",
        )
    options = spec.options.model_validate(cell.options)
    if isinstance(options, FittedOptions) and not spec.learns(cell.options):
        raise UsageError(f"{run} applies a model file and does not change the model", "use that file")


def _members(run: Path, registry: Registry, problem: Problem, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a run that its method needs, by their names in a model file."""
    files, inside = RunFiles(run), RunFiles(Path(run_folder(run.name)))
    yield inside.record.as_posix(), files.record
    cell = read_record(files.record).cell
    for option, name in files_of(cell).items():
        yield f"{run_folder(run.name)}/{name}", Path(cell.options[option])
    model = _without_code(run, registry, problem, scratch)
    for path in sorted(path for path in model.rglob("*") if path.is_file()):
        yield (inside.model / path.relative_to(model)).as_posix(), path


def _without_code(run: Path, registry: Registry, problem: Problem, scratch: Path) -> Path:
    """Return the folder of a run's model; a copy if an earlier version of the method saved a file that may hold code.

    Raises:
        MethodError: The installed version saves such a file.
    """
    model = RunFiles(run).model
    if not model.is_dir():
        raise DataError(f"{model} is missing", "run the cell with --force, which fits the method again")
    if not _suspicious(model):
        return model
    work, copy = scratch / "work", scratch / "model"
    for folder in (work, copy):
        folder.mkdir(parents=True)
    method = load_fitted(run, registry, problem, RunContext(workdir=work))
    method.save(copy)
    if suspicious := _suspicious(copy):
        raise MethodError(
            f"{type(method).__name__} saves {', '.join(suspicious)}, which may hold code and is not read from model "
            f"files, expected {', '.join(suffix for suffix in KIND.suffixes if suffix != SUFFIX)}",
            "let its save write numpy.savez(path / 'arrays.npz', **arrays)",
        )
    return copy


def _suspicious(model: Path) -> list[str]:
    return sorted(path.name for path in model.rglob("*") if path.is_file() and not KIND.holds_no_code(path))
