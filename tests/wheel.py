"""Test the wheel as a user installs it: `python -m tests.wheel`, in some minutes.

The wheel is built, installed into an environment of its own and run in an empty folder, so that a file that exists
only in the checkout, or a dependency that only the development tools bring, is missed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
RUN = ("run", "--methods", "mean-map,invlint", "--dataset", "salt", "--profile", "smoke")
PYTHON = """
import sys
import fwibench as fb
assert "torch" not in sys.modules, "import fwibench imports torch"
names = {spec.name for spec in fb.list_methods()}
assert {"mean-map", "gauss-newton", "invlint", "latent-unet", "refine", "residual"} <= names, names
table = fb.leaderboard("results")
assert list(table["status"]) == ["ok", "ok"], table
print(table[["rank", "method", "mae", "status"]].to_string(index=False))
"""
SHIPPED = (
    "fwibench/py.typed",
    "fwibench_invlint/__init__.py",
    "fwibench_auto_linear/__init__.py",
    "fwibench_gauss_newton/__init__.py",
    "fwibench_hybrid/__init__.py",
    "fwibench_latent_unet/__init__.py",
    "fwibench_residual/__init__.py",
)


def main() -> None:
    """Build, install and run; the first command that fails ends it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        python = install(wheel, folder)
        command = python.parent / "fwibench"
        run(command, "--version", folder=folder)
        run(command, *RUN, folder=folder)
        run(python, "-c", PYTHON, folder=folder)
    sys.stdout.write("1 passed, 0 failed\n")


def build(folder: Path) -> Path:
    """Return the wheel, with everything that must be in it and nothing that must not."""
    pip(Path(sys.executable), "--no-deps", "--no-build-isolation", ROOT, folder=folder, command="wheel")
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    missing = [name for name in SHIPPED if name not in names]
    foreign = [name for name in names if name.split("/")[0] in {"tests", "docs", "benchmarks", "results"}]
    if missing or foreign:
        sys.exit(f"{wheel.name} lacks {missing} and should not contain {foreign}")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Return the Python of a new environment that has the wheel and what it requires."""
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    python = folder / "environment" / "bin" / "python"
    # first and pinned, as in the Makefile: without a GPU its CPU build is enough
    torch = next(line for line in CONSTRAINTS.read_text().splitlines() if line.startswith("torch=="))
    pip(python, torch, folder=folder)
    pip(python, wheel, folder=folder)
    return python


def pip(python: Path, *what: object, folder: Path, command: str = "install") -> None:
    """Run pip, with the tested versions."""
    run(python, "-m", "pip", command, "--quiet", "--constraint", CONSTRAINTS, *what, folder=folder)


def run(*words: object, folder: Path) -> None:
    """Run a command in the folder, without anything of this checkout in its environment."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["FWIBENCH_DATA"] = str(folder / "data")
    start = time.perf_counter()
    sys.stdout.write(f"$ {' '.join(map(str, words))[:120]}\n")
    sys.stdout.flush()
    done = subprocess.run(list(map(str, words)), cwd=folder, env=environment, check=False)
    sys.stdout.write(f"  {time.perf_counter() - start:.0f} s\n")
    if done.returncode:
        sys.exit(f"failed with exit code {done.returncode}")


if __name__ == "__main__":
    main()
