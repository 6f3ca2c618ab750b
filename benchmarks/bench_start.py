"""Start of commands: help texts and lists against importing typer and rich alone.

Every run is a new process with its bytecode warm. Processor time counts too, since a machine at work stretches the wall
time of so short runs by the luck of scheduling.
"""

import subprocess
import sys
from collections.abc import Callable

from measuring import Benchmark

COMMANDS = {"--help": ["--help"], "list methods": ["list", "methods"], "--version": ["--version"]}
ROUNDS = 11


def running(*arguments: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-P", *arguments], capture_output=True, check=True)


def main() -> None:
    least = running("-c", "import typer, rich.console, rich.table")
    with Benchmark("start", "Start of commands against importing typer and rich alone") as bench:
        for name, arguments in COMMANDS.items():
            bench.compare(name, {"ours": running("-m", "fwibench", *arguments), "imports": least}, rounds=ROUNDS)


if __name__ == "__main__":
    main()
