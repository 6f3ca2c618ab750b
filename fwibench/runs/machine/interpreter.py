"""Interpreter-wide settings that change the results of numpy and torch.

Invariant: a fit starts from the state of a fresh interpreter, whatever the plugins of the cell changed when they were
loaded. Changed settings are reported; states of random generators are not, since libraries use them at import.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Setting = tuple[str, Callable[[], Any], Callable[[Any], object]]
"""Name in reports, empty for settings that are restored silently; getter; setter."""


class InterpreterState:
    """Snapshot of the settings at its creation. Imports torch."""

    def __init__(self) -> None:
        self._settings = list(_settings())
        self._before = [read() for _, read, _ in self._settings]

    def restore(self) -> list[str]:
        """Restore the settings that have changed; return a line for each."""
        lines = []
        for (name, read, write), before in zip(self._settings, self._before, strict=True):
            now = read()
            if _same(now, before):
                continue
            write(before)
            if name:
                change = f"{name}: {now} instead of {before}"
                lines.append(f"loading the plugins of this cell changed {change}; it was set back before the fit")
        return lines


def _settings() -> Iterator[Setting]:
    import torch

    def deterministic(value: tuple[bool, bool]) -> None:
        torch.use_deterministic_algorithms(value[0], warn_only=value[1])

    yield "torch's default dtype", torch.get_default_dtype, torch.set_default_dtype
    yield "torch's default device", torch.get_default_device, lambda value: torch.set_default_device(None)
    yield "torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled
    yield (
        "torch's deterministic algorithms",
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        deterministic,
    )
    for owner, name in (
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.cudnn, "benchmark"),
        (torch.backends.mkldnn, "enabled"),
    ):
        yield f"{owner.__name__}.{name}", _reader(owner, name), _writer(owner, name)
    yield (
        "torch's precision of matrix products",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    )
    yield "torch's number of threads", torch.get_num_threads, torch.set_num_threads
    yield "numpy's handling of floating-point errors", np.geterr, lambda value: np.seterr(**value)
    yield "", torch.get_rng_state, torch.set_rng_state
    yield "", lambda: np.random.get_state(legacy=False), np.random.set_state
    yield "", random.getstate, random.setstate


def _reader(owner: Any, name: str) -> Callable[[], Any]:
    return lambda: getattr(owner, name)


def _writer(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if hasattr(one, "shape"):
        return bool((one == other).all())
    return bool(one == other)
