"""A training step of InversionNet, batch of 8: channels last against PyTorch's own layout, and bf16 on top.

bf16 pays on CPUs with matrix units for it (AMX) and costs on others.
"""

import time

import torch
from fwibench_baselines.inversionnet import build_network

from fwibench.plugins.registry import load_registry
from fwibench.problem import Problem
from fwibench.runs.opening.datasets import open_dataset

BATCH, STEPS = 8, 3


def step_seconds(problem: Problem, layout: torch.memory_format, *, bf16: bool) -> float:
    """Fastest of some steps."""
    torch.manual_seed(0)
    network = build_network(problem).to(memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters())
    inputs, target = torch.randn(BATCH, *problem.measurement_shape), torch.randn(BATCH, *problem.property_shape)
    clocks = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = torch.nn.functional.l1_loss(network(inputs).float(), target)
        loss.backward()
        optimizer.step()
        clocks.append(time.perf_counter() - start)
    return min(clocks[1:])


def main() -> None:
    registry = load_registry()
    for name in ("salt", "marmousi", "kimberlina-leakage", "kimberlina-reservoir"):
        problem = open_dataset(registry, name, "quick").problem
        plain = step_seconds(problem, torch.contiguous_format, bf16=False)
        last = step_seconds(problem, torch.channels_last, bf16=False)
        mixed = step_seconds(problem, torch.channels_last, bf16=True)
        print(
            f"{name}: {plain:.2f} s a step; channels last {plain / last:.2f} times faster, "
            f"with bf16 {plain / mixed:.2f} times",
            flush=True,
        )


if __name__ == "__main__":
    main()
