"""Parameters and MACs of each layer of a torch computation.

Invariant: the layers add up to the whole. Arithmetic and parameters outside of the innermost modules have a row of the
module that owns them.
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
    """Measure every module that a computation calls.

    Args:
        parts: Modules by name; the paths of their layers begin with it.
        forward: Computation of one sample; called once, without gradients.

    Returns:
        Layers in the order in which they finish: the modules without submodules that are called, and a row for what
        other modules compute or hold themselves. Calls of the same module are added up.
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
    """Assigns FLOPs to the innermost running module."""

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
        """Within the block, observe every module of `parts`."""
        with ExitStack() as hooks:
            for part, root in parts.items():
                for name, module in root.named_modules(prefix=part):
                    self.kinds[name] = type(module).__name__
                    hooks.enter_context(module.register_forward_pre_hook(partial(self.enter, name)))
                    hooks.enter_context(module.register_forward_hook(partial(self.leave, name)))
            yield

    def enter(self, name: str, module: nn.Module, inputs: Any) -> None:
        """Begin the forward pass of a module; a forward pre-hook.

        Args:
            name: Path of the module.
            module: The module.
            inputs: Inputs of its forward pass.
        """
        self._charge()
        self.callers.update(self.running[-1:])
        self.running.append(name)

    def leave(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        """End the forward pass of a module; a forward hook.

        Args:
            name: Path of the module.
            module: The module.
            inputs: Inputs of its forward pass.
            output: Output of its forward pass.
        """
        self._charge()
        self.running.pop()
        first = output[0] if isinstance(output, tuple | list) and output else output
        self.shapes[name] = tuple(first.shape[1:]) if isinstance(first, Tensor) else ()

    def _charge(self) -> None:
        total = int(self.counter.get_total_flops())
        self.flops.update(dict.fromkeys(self.running[-1:], total - self.charged))
        self.charged = total


def _parameters(parts: Mapping[str, nn.Module], called: Container[str]) -> Counter[str]:
    """Count trained parameters by module path; those of a module that is never called go to its nearest called parent.

    `nn.MultiheadAttention` uses the weights of its last layer without calling it.
    """
    counts: Counter[str] = Counter()
    for part, root in parts.items():
        for path, parameter in root.named_parameters(prefix=part):
            owner = path.rpartition(".")[0]
            while owner not in called and "." in owner:
                owner = owner.rpartition(".")[0]
            counts[owner] += parameter.numel() if parameter.requires_grad else 0
    return counts
