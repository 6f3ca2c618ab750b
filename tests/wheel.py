"""Check the distributions and test the wheel as a user installs it: `python -m tests.wheel dist`, in some minutes.

The wheel is installed into an environment of its own and run in an empty folder, so that a file that exists only in the
checkout, or a dependency that only the development tools bring, is missed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
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


def main() -> None:
    """Check, install and run; the first command that fails ends it."""
    dist = Path(sys.argv[1])
    (wheel,), (archive,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    for file, names, expected in (
        (wheel, names_of_wheel(wheel), files_of_wheel()),
        (archive, names_of_archive(archive), files_of_archive()),
    ):
        if faults := differences(names, expected):
            sys.exit(f"{file.name}: {'; '.join(faults)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = install(wheel.resolve(), folder)
        command = python.parent / "fwibench"
        run(command, "--version", folder=folder)
        run(command, "list", "methods", folder=folder)
        run(command, *RUN, folder=folder)
        run(python, "-c", PYTHON, folder=folder)
    sys.stdout.write("1 passed, 0 failed\n")


def names_of_wheel(path: Path) -> set[str]:
    """Return the files of a wheel, without its metadata."""
    with zipfile.ZipFile(path) as wheel:
        return {name for name in wheel.namelist() if ".dist-info/" not in name}


def names_of_archive(path: Path) -> set[str]:
    """Return the files of a source distribution, relative to its folder, without its metadata."""
    with tarfile.open(path) as archive:
        return {name.split("/", 1)[1] for name in archive.getnames()} - {"PKG-INFO"}


def files_of_wheel() -> set[str]:
    """Return the files of the packages that pyproject.toml lists, as the wheel names them."""
    packages = hatch()["wheel"]["packages"]
    return {str(path.relative_to(Path(package).parent)) for package in packages for path in files_below(package)}


def files_of_archive() -> set[str]:
    """Return the files that the source distribution must hold: what the wheel is built from."""
    build = hatch()
    files = [path for name in build["sdist"]["only-include"] for path in files_below(name)]
    left_out = [path for name in build["sdist"]["exclude"] for path in files_below(name)]
    return {str(path) for path in files if path not in left_out} | {"pyproject.toml", "LICENSE", ".gitignore"}


def differences(names: set[str], expected: set[str]) -> list[str]:
    """Return what is missing and what should not be there, one sentence each."""
    missing, foreign = sorted(expected - names), sorted(names - expected)
    return [f"lacks {', '.join(missing)}"] * bool(missing) + [f"should not hold {', '.join(foreign)}"] * bool(foreign)


def files_below(name: str) -> list[Path]:
    """Return the files of this checkout below a path that git does not ignore, relative to the checkout."""
    words = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", name)
    listed = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [Path(one) for one in listed.split("\0") if one and (ROOT / one).is_file()]


def hatch() -> dict[str, dict[str, list[str]]]:
    """Return what pyproject.toml says about wheel and source distribution."""
    settings: dict[str, dict[str, list[str]]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"][
        "build"
    ]["targets"]
    return settings


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
