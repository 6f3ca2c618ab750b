"""Start-up of `fwibench list methods` with 20 installed third-party plugins against without.

Twenty distributions are laid out as pip lays them out: a dist-info folder with metadata, a long description and entry
points, beside a package whose entry module offers one method with options. Runs with and without take turns in this one
process, so that drift of the machine meets both; each is a new Python process, its bytecode warm.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import Benchmark

PLUGINS = 20
ROUNDS = 15
COMMAND = [sys.executable, "-P", "-m", "fwibench", "list", "methods", "--json"]

ENTRY = """
from fwibench import Frozen, MethodSpec, hookimpl
from pydantic import Field


class Options(Frozen):
    depth: int = Field(default=4, ge=1, description="levels")
    width: int = Field(default=32, ge=1, description="channels of the first level")


@hookimpl
def fwibench_methods():
    return [
        MethodSpec(
            name="bench-{number}",
            summary="for the benchmark",
            target="bench_plugin_{number}.method:Method",
            kind="learned",
            options=Options,
            profiles={{"quick": {{"depth": 3}}}},
        )
    ]
"""


def lay_out(folder: Path) -> None:
    """Writes the distributions."""
    for number in range(PLUGINS):
        package = folder / f"bench_plugin_{number}"
        package.mkdir()
        (package / "__init__.py").write_text(ENTRY.format(number=number))
        info = folder / f"bench_plugin_{number}-1.0.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: bench-plugin-{number}\nVersion: 1.0\nRequires-Dist: fwibench\n"
        (info / "METADATA").write_text(head + "\n" + "A long description, as most packages have one.\n" * 200)
        (info / "entry_points.txt").write_text(f"[fwibench]\nplugin-{number} = bench_plugin_{number}\n")
        (info / "RECORD").write_text("")


def seconds(path: str) -> tuple[float, int]:
    """Time of the command, and how many methods it lists."""
    start = time.perf_counter()
    done = subprocess.run(COMMAND, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": path})
    return time.perf_counter() - start, len(json.loads(done.stdout))


def main() -> None:
    own = os.environ.get("PYTHONPATH", "")
    with tempfile.TemporaryDirectory() as folder:
        lay_out(Path(folder))
        extended = os.pathsep.join(filter(None, (own, folder)))
        listed = [seconds(path)[1] for path in (own, extended)]  # warms the bytecode
        without, with_ = zip(*((seconds(own)[0], seconds(extended)[0]) for _ in range(ROUNDS)), strict=True)
    if listed[1] - listed[0] != PLUGINS:
        raise SystemExit(f"{listed[1] - listed[0]} plugins were found, expected {PLUGINS}")
    more = [b - a for a, b in zip(without, with_, strict=True)]
    low, middle, high = statistics.quantiles(more, n=4)
    with Benchmark("plugins", f"`list methods` with {PLUGINS} more plugins") as bench:
        bench.note("without them", statistics.median(without), "s")
        bench.note("with them", statistics.median(with_), "s")
        bench.note("difference, lower quartile", low, "s")
        bench.note("difference, median", middle, "s")
        bench.note("difference, upper quartile", high, "s")


if __name__ == "__main__":
    main()
