"""Options of pretrained; reading them imports no torch."""

from __future__ import annotations

from pydantic import Field

from fwibench.problem import Frozen, Problem
from fwibench.specs.dataset_options import DataPath
from fwibench.specs.method import Origin


class PretrainedOptions(Frozen):
    """Options of pretrained."""

    file: DataPath | None = Field(default=None, description="model file, see fwibench export")
    finetune: bool = Field(default=False, description="train on from its weights on the train split; networks only")
    epochs: int | None = Field(
        default=None, ge=1, description="passes over the train split of finetune; None: as many as the file's options"
    )
    learning_rate: float | None = Field(
        default=None, gt=0, description="highest learning rate of finetune; None: that of the file's options"
    )

    def changes(self) -> dict[str, object]:
        """Return the options of the model's method that are replaced."""
        length = {"epochs": self.epochs, "min_batches": None, "max_batches": None} if self.epochs else {}
        rate = {"learning_rate": self.learning_rate} if self.learning_rate else {}
        return {**length, **rate}

    def refusal(self, problem: Problem) -> str:
        """See `fwibench.specs.method.SelectiveOptions`."""
        from fwibench.plugins.registry import load_registry
        from fwibench.runs.models.model import read_model
        from fwibench.runs.planning.transfers import problem_mismatch
        from fwibench.specs.options import validate_options

        if self.file is None:
            return "no model file is given, expected pretrained[file=NAME.fwib]"
        model = read_model(self.file)
        cell, name = model.record.cell, self.file.name
        spec = model.spec(load_registry())
        if reason := problem_mismatch(spec, model.problem, problem, "this dataset"):
            return f"{name} holds {model.label}, {reason}"
        if not self.finetune:
            ignored = [option for option in ("epochs", "learning_rate") if getattr(self, option) is not None]
            return f"{ignored[0]} has an effect only with finetune=true" if ignored else ""
        if not spec.trains:
            return f"{name} holds {cell.method}, which is not trained by gradient descent: leave finetune out"
        validate_options(cell.method, spec.options, cell.options, self.changes())
        return ""

    def origin(self) -> Origin | None:
        """See `fwibench.specs.method.FittedOptions`."""
        from fwibench.runs.models.model import read_model

        if self.file is None:
            return None
        model = read_model(self.file)
        cell = model.record.cell
        # a model that was fine-tuned on a dataset has seen other samples before
        own = model.record.track == "standard"
        return Origin(label=model.label, fingerprint=cell.fingerprint if own else "", split=cell.split)
