"""What each layer of a torch computation costs.

Invariant: nothing is lost between the layers. Arithmetic and parameters that belong to no layer stand in a
row of the module that owns them, so that the rows add up to the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fwibench.methods.complexity import Layer
from fwibench.methods.flops import plain_kernels


def measure_layers(parts: Mapping[str, nn.Module], forward: Callable[[], Any]) -> tuple[Layer, ...]:
    """Runs `forward` once, without gradients, and measures every module that it calls.

    Args:
        parts: The modules that compute, by the name that the names of their layers begin with.
        forward: The computation, on one sample.

    Returns:
        Layers in the order in which they finish. A module that calls none of its own is a layer, and so is
        what any other holds or computes itself. One that is called again adds to its row.
    """
    with plain_kernels(), FlopCounterMode(display=False) as counter:
        ledger = _Ledger(counter)
        with ledger.watching(parts):
            forward()
    parameters = _parameters(parts, ledger.shapes)
    return tuple(
        Layer(
            name=name,
            kind=ledger.kinds[name] + (" (rest)" if name in ledger.callers else ""),
            shape=shape,
            parameters=parameters[name],
            macs=ledger.flops[name] // 2,
        )
        for name, shape in ledger.shapes.items()
        if name not in ledger.callers or parameters[name] or ledger.flops[name]
    )


class _Ledger:
    """Charges arithmetic to the innermost module that is running when it happens."""

    def __init__(self, counter: FlopCounterMode) -> None:
        self.counter = counter
        self.charged = 0
        self.running: list[str] = []
        self.flops: Counter[str] = Counter()
        self.callers: set[str] = set()
        self.kinds: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}

    @contextmanager
    def watching(self, parts: Mapping[str, nn.Module]) -> Iterator[None]:
        """Hooks into every module of `parts`."""
        with ExitStack() as hooks:
            for part, root in parts.items():
                for name, module in root.named_modules(prefix=part):
                    self.kinds[name] = type(module).__name__
                    hooks.enter_context(module.register_forward_pre_hook(partial(self.enter, name)))
                    hooks.enter_context(module.register_forward_hook(partial(self.leave, name)))
            yield

    def enter(self, name: str, module: nn.Module, inputs: Any) -> None:
        """Before a module's forward."""
        self._charge()
        self.callers.update(self.running[-1:])
        self.running.append(name)

    def leave(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        """After it."""
        self._charge()
        self.running.pop()
        first = output[0] if isinstance(output, tuple | list) and output else output
        self.shapes[name] = tuple(first.shape[1:]) if isinstance(first, Tensor) else ()

    def _charge(self) -> None:
        total = int(self.counter.get_total_flops())
        self.flops.update(dict.fromkeys(self.running[-1:], total - self.charged))
        self.charged = total


def _parameters(parts: Mapping[str, nn.Module], called: Container[str]) -> Counter[str]:
    """Trained parameters by module; those of one that is never called belong to the nearest above it that is.

    `nn.MultiheadAttention`, for one, uses the weights of its last layer without calling it.
    """
    counts: Counter[str] = Counter()
    for part, root in parts.items():
        for path, parameter in root.named_parameters(prefix=part):
            owner = path.rpartition(".")[0]
            while owner not in called and "." in owner:
                owner = owner.rpartition(".")[0]
            counts[owner] += parameter.numel() if parameter.requires_grad else 0
    return counts
