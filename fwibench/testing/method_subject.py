"""A method under test: built, fitted and probed once for all checks."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.specs.method import MethodSpec
from fwibench.testing.probe import Job, Report, construct, predict, run_probe
from fwibench.testing.problems import Kind, Tiny, tiny_data
from fwibench.typing import Array32

GRACE_S = 10.0
"""Longest time from the deadline until a method returns [s]."""
DEADLINE_S = 0.2
"""Time until the deadline in the check that is about it [s]."""


class MethodSubject:
    """A method under test, built for tiny problems with the options of profile smoke.

    Args:
        spec: Spec of the method.
        registry: Registry with the method that it builds on.
        options: Options that differ from those of profile smoke.
        entry: Name of the module with the plugin's hooks; empty if no plugin offers the method.
        grace: See `GRACE_S`.
    """

    def __init__(
        self,
        spec: MethodSpec,
        registry: Registry,
        options: Mapping[str, Any] | None = None,
        entry: str = "",
        grace: float = GRACE_S,
    ) -> None:
        self.spec, self.registry, self.entry, self.grace = spec, registry, entry, grace
        self._chosen = dict(options or {})
        self._fitted: dict[tuple[Kind, int], Method] = {}

    @cached_property
    def folder(self) -> Path:
        """Temporary folder, which is removed with the subject."""
        folder = Path(tempfile.mkdtemp(prefix="fwibench-check-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def options(self) -> Any:
        """Options of profile smoke, with those of the constructor on top."""
        return self.spec.options.model_validate({**self.spec.profiles.get("smoke", {}), **self._chosen})

    @property
    def kind(self) -> Kind:
        """The first kind of measurement that the method accepts."""
        return self.spec.measurements[0]

    @cached_property
    def data(self) -> Tiny:
        """Tiny problem and samples of that kind."""
        return tiny_data(self.kind)

    def values(self) -> tuple[str, str]:
        """Return problem and options as JSON, to detect changes."""
        return self.data.problem.model_dump_json(), self.options.model_dump_json()

    @cached_property
    def pristine(self) -> tuple[str, str]:
        """Problem and options as JSON before the first method was built."""
        return self.values()

    def build(self, kind: Kind | None = None, repetition: int = 0) -> Method:
        """Return a new method with its own working folder."""
        kind = kind or self.kind
        _ = self.pristine
        below = self.base
        members = (
            tuple(below.fitted(kind, seed, guarded=False) for seed in self._seeds_below(repetition)) if below else ()
        )
        context = RunContext(
            workdir=Path(tempfile.mkdtemp(dir=self.folder)),
            dataset="tiny",
            method=self.spec.name,
            repetition=repetition,
            base=members[0] if members else None,
            members=members,
        )
        return construct(self.spec, tiny_data(kind).problem, self.options, context)

    def _seeds_below(self, repetition: int = 0) -> range:
        """Return the seeds of the fitted models that a repetition builds on."""
        return self.spec.members_of(repetition, self.options.model_dump())

    def fitted(self, kind: Kind | None = None, repetition: int = 0, *, guarded: bool = True) -> Method:
        """Return a fitted method; it is fitted once for each kind and repetition.

        Args:
            kind: Kind of measurement; None: the first one that the method accepts.
            repetition: Number of the repetition, which sets the seed.
            guarded: Whether to fit in this process only if a fit did not kill a child process.
        """
        key = kind or self.kind, repetition
        if key not in self._fitted:
            if guarded:
                self.survived()
            method = self.build(*key)
            data = tiny_data(key[0])
            method.fit(data.train, data.val)
            self._fitted[key] = method
        return self._fitted[key]

    def predict(self, method: Method, rows: Any = slice(None)) -> Array32:
        """Return predictions of some rows of the test split."""
        test = self.data.test
        return np.asarray(predict(self.spec, method, test.measurements[rows], test.properties[rows]))

    @cached_property
    def predictions(self) -> Array32:
        """Predictions of the test split by the fitted method."""
        return self.predict(self.fitted())

    @cached_property
    def base(self) -> MethodSubject | None:
        """The method that this one builds on; None without one."""
        if not self.spec.builds_on:
            return None
        return MethodSubject(self.registry.method(getattr(self.options, self.spec.builds_on)).spec, self.registry)

    @cached_property
    def probe(self) -> Report:
        """Report on the method in a child process."""
        below = None
        if self.base:
            models = tuple(self.folder / f"base-{seed}" for seed in self._seeds_below())
            for seed, model in zip(self._seeds_below(), models, strict=True):
                model.mkdir()
                self.base.fitted(self.kind, seed, guarded=False).save(model)
            below = self.base.spec, self.base.options, models
        data = self.data
        job = Job(
            spec=self.spec,
            options=self.options,
            full_options=self.spec.options.model_validate(self._chosen),
            problem=data.problem,
            arrays={s.name: (s.measurements[:], s.properties[:]) for s in (data.train, data.val, data.test)},
            base=below,
            deadline_s=DEADLINE_S,
            grace_s=self.grace,
        )
        return run_probe(job, self.folder / "probe")

    def survived(self) -> None:
        """Raise `NonconformityError` if a fit kills its process or hangs."""
        for name in ("load", "fit"):
            if name not in self.probe.phases:
                self.probe.phase(name)
