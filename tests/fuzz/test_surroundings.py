"""Closed and full streams, folders without read permission, a missing home folder, and interrupts at the start."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fwibench.runs.artefacts.record import Record

PYTHON = [sys.executable, "-m", "fwibench"]
WEAK = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
"""Runs a command as root without the capability to bypass file permissions."""
NOBODY = [
    *("setpriv", "--reuid=54321", "--clear-groups"),
    *("--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"),
]
"""Runs a command as a user without name and home folder who may read the interpreter."""
CACHED = ["run", "-m", "mean-map", "-d", "salt", "--profile", "smoke"]


def works(words: Sequence[str]) -> bool:
    try:
        return subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


needs_weak = pytest.mark.skipif(not works(WEAK), reason="setpriv cannot take rights from this user here")
needs_nobody = pytest.mark.skipif(not works(NOBODY), reason="setpriv cannot become another user here")


def shell(line: str, folder: Path, *before: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `fwibench` is the command line."""
    command = " ".join([*before, *PYTHON])
    variables = {name: value for name, value in {**os.environ, **environment}.items() if value is not None}
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; fwibench() {{ {command} "$@"; }}; {line}'],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert "Exception ignored" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("command", ["list methods", "list methods --json", "--help"])
def test_full_standard_output_is_one_error(command: str, tmp_path: Path) -> None:
    done = shell(f"fwibench {command} > /dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output cannot be written: No space left on device\nhint: ")


@pytest.mark.parametrize("tail", ["| head -1", "| true", ">&-", "2>&-", ">&- 2>&-", "<&-", "2> /dev/full"])
def test_closed_streams_do_not_change_the_exit_code(tail: str, tmp_path: Path) -> None:
    assert shell(f"fwibench list methods {tail}", tmp_path).returncode == 0


def test_run_without_a_reader_finishes(fresh_folder: Callable[[], Path]) -> None:
    here = fresh_folder()
    assert shell(f"fwibench {' '.join(CACHED)} | true", here).returncode == 0
    full = shell(f"fwibench {' '.join(CACHED)} --export t.csv > /dev/full", here)
    assert full.returncode == 1
    assert (here / "t.csv").exists(), "the command finishes though its output cannot be written"


@pytest.mark.slow
def test_arguments_that_are_not_utf8_are_reported(fresh_folder: Callable[[], Path]) -> None:
    here = fresh_folder()
    for line in ("info $'\\xff'", "status --results $'a\\xff'", "list $'\\xfe\\xff'", "show $'\\xff\\x1b[31m'"):
        done = shell(f"fwibench {line}", here)
        assert done.returncode in (1, 2)
        assert "\x1b" not in done.stderr
    path = shell("fwibench plan -m mean-map -d $'salt[path=a\\xff]'", here)
    assert path.returncode == 2
    assert "holds bytes that are not UTF-8" in path.stderr
    os.rename(here / "results", os.fsencode(here) + b"/r\xff")
    assert shell(f"fwibench {' '.join(CACHED)} --results $'r\\xff'", here).returncode == 0
    again = shell("fwibench rescore mean-map --metrics rmse --results $'r\\xff'", here)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("delay", [0.01, 0.15, 0.4])
def test_interrupt_during_start_prints_no_traceback(delay: float, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "fwibench", "list", "methods"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # a shell ignores the signal for tests that it runs in the background
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    ) as child:
        assert child.stderr is not None
        while "fwibench.cli.start" not in child.stderr.readline():
            assert child.poll() is None
        time.sleep(delay)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read()
    assert child.returncode in (-signal.SIGINT, 130, 0)
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said


@needs_nobody
def test_data_folder_is_temporary_without_a_home_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    homeless: dict[str, str | None] = {"HOME": None, "FWIBENCH_DATA": None, "TMPDIR": str(tmp_path)}
    done = shell("fwibench list datasets && fwibench doctor --json", tmp_path, *NOBODY, **homeless)
    assert "salt" in done.stdout
    assert f"{tmp_path}/fwibench-54321/data" in done.stdout
    (tmp_path / "fwibench-54321").mkdir()
    taken = shell("fwibench info salt", tmp_path, *NOBODY, **homeless)
    assert "belongs to another user" in taken.stdout + taken.stderr


@pytest.mark.slow
@needs_weak
def test_folders_without_read_permission_are_reported(
    fresh_folder: Callable[[], Path], finished: tuple[Path, list[Record]]
) -> None:
    here = fresh_folder()
    runs = sorted((here / "results" / "runs").iterdir())
    runs[0].chmod(0)
    done = shell("fwibench status --json", here, *WEAK)
    assert done.returncode == 0, done.stderr
    assert {row["run"] for row in json.loads(done.stdout)} == {path.name for path in runs[1:]}
    assert f"{runs[0].name}/record.json cannot be read as a record: Permission denied" in done.stderr
    for line in ("leaderboard", "report -o r.html", "merge results -o joined", "diff results other", "rescore"):
        assert shell(f"fwibench {line}", here, *WEAK).returncode in (0, 1)
    runs[0].chmod(0o755)
    (here / "data").chmod(0)
    for line in (
        "list datasets",
        "info salt",
        " ".join(["plan", *CACHED[1:]]),
        "data verify salt",
        "rescore",
        "doctor",
    ):
        shell(f"fwibench {line}", here, *WEAK)
    assert "cannot be read" in shell("fwibench list datasets", here, *WEAK).stderr
    (here / "data").chmod(0o755)
    (here / "results" / "runs").chmod(0)
    assert "cannot be read: Permission denied" in shell("fwibench status", here, *WEAK).stderr


@pytest.mark.slow
@needs_weak
def test_data_folder_without_write_permission_is_an_error(fresh_folder: Callable[[], Path], tmp_path: Path) -> None:
    here = fresh_folder()
    shutil.rmtree(here / "data")
    (here / "data").mkdir()
    (here / "data").chmod(0o555)
    done = shell("fwibench data prepare salt --profile smoke", here, *WEAK)
    assert done.returncode == 1
    assert "error: " in done.stderr
    run = shell(f"fwibench {' '.join(CACHED)} --results new --json", here, *WEAK)
    assert json.loads(run.stdout)["rows"][0]["status"] == "failed"


@pytest.mark.slow
def test_figures_are_drawn_with_any_matplotlib_backend(fresh_folder: Callable[[], Path]) -> None:
    here = fresh_folder()
    backend = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    lines = (
        "figures -o drawn --kind errors --kind cost",
        "report -o page.html --max-samples 1",
        "data card salt --profile smoke -o card.html",
        "predict pixel-ridge u.npy -o maps.npy --png maps.png",
    )
    for line in lines:
        done = shell(f"fwibench {line}", here, **backend)
        assert done.returncode == 0, done.stderr
        assert "cannot be drawn" not in done.stderr
