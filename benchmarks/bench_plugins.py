"""Start-up of `fwibench list methods` with 20 installed third-party plugins against without, and with more of them.

The distributions are laid out as pip lays them out: a dist-info folder with metadata, a long description and entry
points, beside a package whose entry module offers one method with options. Runs with and without take turns in this one
process, so that drift of the machine meets both; each is a new Python process, its bytecode warm.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import Benchmark, clock

PLUGINS = 20
SIZES = (10, 20, 40, 80)
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


def lay_out(folder: Path, plugins: int) -> None:
    """Writes the distributions."""
    for number in range(plugins):
        package = folder / f"bench_plugin_{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(ENTRY.format(number=number))
        info = folder / f"bench_plugin_{number}-1.0.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: bench-plugin-{number}\nVersion: 1.0\nRequires-Dist: fwibench\n"
        (info / "METADATA").write_text(head + "\n" + "A long description, as most packages have one.\n" * 200)
        (info / "entry_points.txt").write_text(f"[fwibench]\nplugin-{number} = bench_plugin_{number}\n")
        (info / "RECORD").write_text("")


def listed(path: str) -> int:
    """How many methods the command lists."""
    done = subprocess.run(COMMAND, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": path})
    return len(json.loads(done.stdout))


def main() -> None:
    own = os.environ.get("PYTHONPATH", "")
    with tempfile.TemporaryDirectory() as folder:
        paths = {0: own}
        for plugins in SIZES:
            lay_out(Path(folder, str(plugins)), plugins)
            paths[plugins] = os.pathsep.join(filter(None, (own, str(Path(folder, str(plugins))))))
        built_in = listed(own)
        # warms the bytecode, too
        for plugins, path in paths.items():
            if (found := listed(path) - built_in) != plugins:
                raise SystemExit(f"{found} plugins were found, expected {plugins}")
        pairs = [[clock(lambda path=paths[n]: listed(path)).wall for n in (0, PLUGINS)] for _ in range(ROUNDS)]
        with Benchmark("plugins", f"`list methods` with {PLUGINS} more plugins, in turns with none") as bench:
            bench.note("without them", statistics.median(without for without, _ in pairs), "s")
            low, middle, high = statistics.quantiles((more - without for without, more in pairs), n=4)
            bench.note("difference, lower quartile", low, "s")
            bench.note("difference, median", middle, "s")
            bench.note("difference, upper quartile", high, "s")
            bench.grow("list methods", "plugins", SIZES, lambda plugins: lambda: listed(paths[plugins]))


if __name__ == "__main__":
    main()
