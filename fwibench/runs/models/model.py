"""Reading of model files: what they hold, and the fitted method itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.errors import DataError, RecordError, UnknownNameError
from fwibench.files.archives import HINT
from fwibench.files.atomic import reading, sha256
from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.models.archive import read_texts, unpack
from fwibench.runs.models.layout import CARD, PROBLEM, RECORD, files_of
from fwibench.runs.opening.methods import load_model
from fwibench.specs.method import MethodSpec


@dataclass(frozen=True)
class ModelFile:
    """Description of a model file; its weights are not read.

    Attributes:
        path: The file.
        run: Name of the run that fitted the model.
        record: Record of that run.
        problem: Problem that the method is built for.
        missing_traces: Share of traces that were set to zero in the training data.
        card: Description in Markdown.
    """

    path: Path
    run: str
    record: Record
    problem: Problem
    missing_traces: float
    card: str

    @property
    def label(self) -> str:
        """Method and training data in words, such as `invlint on salt`."""
        cell = self.record.cell
        return f"{cell.method} on {cell.fitted_on.variant}"

    def remark(self) -> str:
        """Return a sentence that identifies the model; reads the whole file for its SHA-256."""
        cell, trained = self.record.cell, self.record.n_train
        samples = "" if trained is None else f", {trained} train samples"
        return (
            f"{self.path.name} holds {cell.method} (version {cell.method_version}) trained on "
            f"{cell.fitted_on.variant}, split {cell.split}, profile {cell.profile}, seed {cell.seed}{samples}; "
            f"SHA-256 {sha256(self.path)}"
        )

    def spec(self, registry: Registry) -> MethodSpec:
        """Return the spec of the installed method.

        Raises:
            UnknownNameError: The method is not installed.
        """
        try:
            return registry.method(self.record.cell.method).spec
        except UnknownNameError as error:
            hint = f"install {self.record.plugin}, whose plugin offers it" if self.record.plugin else error.hint
            raise UnknownNameError(f"{self.path} needs a method that is not here: {error.message}", hint) from error

    def load(self, registry: Registry, context: RunContext, **changes: object) -> Method:
        """Return the fitted method, ready to predict.

        Args:
            registry: Registry of the methods.
            context: Device, seeds and working folder of the method.
            changes: Options of the method that replace those of the file.

        Raises:
            DataError: See `unpack`.
        """
        self.spec(registry)
        with self.unpacked() as run:
            cell = read_record(RunFiles(run).record).cell
            cell = cell.model_copy(update={"options": {**cell.options, **changes}})
            return load_model(RunFiles(run).model, cell, run.parent, registry, self.problem, context)

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """Unpack the file during the block; yields the folder of its run, in a folder of runs."""
        with TemporaryDirectory(prefix="fwibench-model-", ignore_cleanup_errors=True) as scratch:
            unpack(self.path, Path(scratch))
            runs = Path(scratch) / "runs"
            for run in runs.iterdir():
                # a method without a state saves no file
                RunFiles(run).model.mkdir(exist_ok=True)
                _point_to_files(run)
            yield runs / self.run


def read_model(path: Path) -> ModelFile:
    """Read the description of a model file.

    Args:
        path: The file.

    Raises:
        DataError: The file or its record is absent, damaged, hostile or of a newer format.
    """
    manifest, texts = read_texts(path, (RECORD, PROBLEM, CARD))
    with TemporaryDirectory() as scratch:
        record_file = Path(scratch) / "record.json"
        record_file.write_text(texts[RECORD], encoding="utf-8")
        try:
            record = read_record(record_file)
        except RecordError as error:
            message = error.message.replace(str(record_file), f"the record of {path}")
            raise DataError(message, error.hint) from error
    with reading(path, "a model file", HINT):
        problem = Problem.model_validate_json(texts[PROBLEM])
    return ModelFile(path, manifest.run, record, problem, manifest.missing_traces, texts[CARD])


def _point_to_files(run: Path) -> None:
    """Let options that name files name the ones beside an unpacked run."""
    record = read_record(RunFiles(run).record)
    if not (files := files_of(record.cell)):
        return
    options = {**record.cell.options, **{option: str(run / name) for option, name in files.items()}}
    for option in files:
        if not Path(options[option]).is_file():
            raise DataError(f"the model file lacks the file of option {option} of {run.name}", HINT)
    cell = record.cell.model_copy(update={"options": options})
    write_record(record.model_copy(update={"cell": cell}), RunFiles(run).record)
