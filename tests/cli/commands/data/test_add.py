import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command

ADD = ("data", "add", "mine", "--measurements", "data*.npy", "--properties", "model*.npy")
SAID = ("--spacing", 10, "--dt", 0.001, "--frequency", 15)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the command, with arrays in it and a data folder below."""
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "home"))
    rng = np.random.default_rng(0)
    for k in (1, 2, 10):
        np.save(tmp_path / f"data{k}.npy", rng.normal(size=(6, 2, 40, 8)).astype(np.float32))
        np.save(tmp_path / f"model{k}.npy", rng.uniform(1500, 4000, (6, 1, 12, 12)).astype(np.float32))
    return tmp_path


@pytest.mark.slow
def test_added_arrays_are_run_ranked_and_removed(fwibench: Command, home: Path) -> None:
    added = fwibench(*ADD, *SAID, "--licence", "CC0", "--val", 2, "--test", 3)
    assert added.returncode == 0, added.stderr
    assert "18 samples in 3 pairs of files, measurements (2, 40, 8), maps (1, 12, 12)" in added.stdout
    assert "13 train, 2 val, 3 test" in added.stdout
    assert "assumed: 8 receivers" in added.stdout
    listed = fwibench("info", "mine")
    assert "CC0" in listed.stdout
    assert "assumed: 8 receivers" in listed.stdout
    ran = fwibench("run", "--methods", "mean-map", "--dataset", "mine", "--profile", "smoke", "--json")
    assert ran.returncode == 0, ran.stderr
    row = json.loads(ran.stdout)["rows"][0]
    assert (row["dataset"], row["source"], row["n_test"], row["status"]) == ("mine", "files", 3, "ok")
    maps = np.concatenate([np.load(home / f"model{k}.npy") for k in (1, 2, 10)])
    assert 0 < row["mae"] < np.ptp(maps)

    again = fwibench(*ADD, *SAID)
    assert again.returncode == 2
    assert "there is a dataset named 'mine' already" in again.stderr
    np.save(home / "data1.npy", np.load(home / "data1.npy")[::-1])
    changed = fwibench("plan", "--methods", "mean-map", "--dataset", "mine")
    assert changed.returncode == 1
    assert "data1.npy was changed after it was added" in changed.stderr
    assert "delete" not in fwibench("data", "verify", "mine").stderr, "nobody is told to delete original files"

    assert fwibench("data", "remove", "mine").returncode == 0
    assert "mine" not in fwibench("list", "datasets").stdout
    assert len(list(home.glob("*.npy"))) == 6
    assert fwibench("data", "remove", "mine").returncode == 2


def test_all_missing_options_are_named_at_once(fwibench: Command, home: Path) -> None:
    done = fwibench("data", "add", "mine")
    assert done.returncode == 2
    assert "missing: --measurements, --properties, --spacing, --dt, --frequency" in done.stderr
    assert "missing: --spacing, --frequencies" in fwibench(*ADD, "--kind", "em").stderr
    segy = fwibench("data", "add", "mine", "--measurements", "*.SGY", "--properties", "a.npy", "--spacing", 5)
    assert "missing: --frequency\n" in segy.stderr, "SEG-Y files have the time step"


def test_missing_options_are_prompted_on_terminal(home: Path) -> None:
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "fwibench", *map(str, ADD), "--dt", "0.001"]
    child = subprocess.Popen(
        command, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=home, text=True, env={**os.environ}
    )
    os.write(leader, b"ten\n10\n15\n")
    out, err = child.communicate(timeout=60)
    os.close(leader)
    os.close(follower)
    assert child.returncode == 0, err
    assert re.search(r"grid spacing \[m\].*peak frequency", out, re.DOTALL)
    assert "18 samples" in out


WRONG = {
    "a taken name": (["data", "add", "salt"], "there is a dataset named 'salt' already", 2),
    "a method's name": (["data", "add", "invlint"], "there is a method named 'invlint' already", 2),
    "a bad name": (["data", "add", "My_Data"], "'My_Data' cannot be a name", 2),
    "no files": (
        ["data", "add", "mine", "--measurements", "x*.npy", "--properties", "model*.npy", *SAID],
        "no file fits",
        2,
    ),
    "a path as a name": (["data", "remove", "../salt"], "no added dataset named '../salt'", 2),
    "a typo": (["data", "remove", "minee"], "no added dataset named 'minee'", 2),
}


@pytest.mark.parametrize(("arguments", "message", "code"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_print_error_and_hint(
    arguments: list[str], message: str, code: int, fwibench: Command, home: Path
) -> None:
    done = fwibench(*arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "hint:" in done.stderr or "cannot be a name" in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_description_is_reported_and_removable(fwibench: Command, home: Path) -> None:
    folder = home / "home" / "added"
    folder.mkdir(parents=True)
    (folder / "hurt.json").write_text('{"name": ')
    listed = fwibench("list", "datasets")
    assert listed.returncode == 0
    assert "salt" in listed.stdout
    assert len(listed.stderr.splitlines()) == 1
    assert "added dataset hurt is skipped" in listed.stderr
    assert fwibench("data", "remove", "hurt").returncode == 0
    assert fwibench("list", "datasets").stderr == ""


def test_options_file_is_overridden_by_command_line(fwibench: Command, home: Path) -> None:
    (home / "sub").mkdir()
    lines = ['measurements = "../data*.npy"', 'properties = "../model*.npy"', "spacing = 10", "dt = 0.001"]
    (home / "sub" / "add.toml").write_text("\n".join([*lines, "frequency = 15", "val = 2", "test = 3"]))
    done = fwibench("data", "add", "mine", "--from", "sub/add.toml", "--test", 4, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["splits"] == {"train": 12, "val": 2, "test": 4}
    assert found["problem"]["survey"]["wavelet"]["frequency"] == 15


def test_options_file_with_survey_file_names_what_is_missing(fwibench: Command, home: Path) -> None:
    (home / "survey.toml").write_text(SURVEY)
    (home / "add.toml").write_text('survey = "survey.toml"\n')
    done = fwibench("data", "add", "mine", "--from", "add.toml")
    assert done.returncode == 2
    assert "missing: --measurements, --properties\n" in done.stderr


def test_wrong_options_file_suggests_closest_key(fwibench: Command, home: Path) -> None:
    (home / "add.toml").write_text("spacng = 10\n")
    done = fwibench("data", "add", "mine", "--from", "add.toml")
    assert done.returncode == 2
    assert "no option of data add named 'spacng'" in done.stderr
    assert "did you mean spacing?" in done.stderr


SURVEY = """
[grid]
spacing = 10.0
[time]
dt = 0.001
[sources]
x = [0, 120]
depth = 10.0
[receivers]
x = "0:190:20"
depth = 10.0
[wavelet]
frequency = 15.0
delay = 0.072
[physics]
order = 4
pml = 10
"""


@pytest.fixture
def record(home: Path) -> Path:
    """One record and its map, simulated by the survey of `SURVEY` in OpenFWI's way."""
    from fwibench.datasets.user.survey_file import read_problem
    from fwibench.physics.parallel import simulate_each

    (home / "survey.toml").write_text(SURVEY + "[property]\nlow = 1500\nhigh = 3000\n")
    problem, _ = read_problem(home / "survey.toml", (2, 300, 20), (16, 20))
    velocity = np.full((1, 16, 20), 1800, np.float32)
    velocity[:, 8:] = 2600
    np.save(home / "model.npy", velocity[0])
    np.save(home / "data.npy", next(iter(simulate_each([velocity], problem))))
    return home


ONE = ("data", "add", "one", "--measurements", "data.npy", "--properties", "model.npy")


@pytest.mark.slow
def test_single_record_with_survey_file_is_inverted(fwibench: Command, record: Path) -> None:
    added = fwibench(*ONE, "--survey", "survey.toml")
    assert added.returncode == 0, added.stderr
    assert "one: 1 sample in 1 pair of files" in added.stdout
    assert "split at random: 0 train, 0 val, 1 test" in added.stdout
    assert re.search(r"sample +correlation +scale +delay \[samples\] +residual\n +0 +1\.0", added.stdout)
    assert "acoustic physics: simulated records differ from the recorded ones by" in added.stdout
    assert "better explained" not in added.stdout
    assert "no faults found" in fwibench("data", "verify", "one").stdout
    card = fwibench("data", "card", "one", "-o", "card.md")
    assert card.returncode == 0, card.stderr
    assert "1 test samples" in (record / "card.md").read_text()
    methods = "mean-map,multiscale-fwi-oracle"
    quick = ("--set", "multiscale-fwi-oracle.iterations=2")
    ran = fwibench("run", "--methods", methods, "--dataset", "one", "--profile", "smoke", *quick, "--json")
    rows = {row["method"]: row for row in json.loads(ran.stdout)["rows"]}
    assert rows["multiscale-fwi-oracle"]["status"] == "ok", ran.stderr
    assert rows["mean-map"]["status"] == "skipped"
    assert "learns from train samples" in ran.stdout + ran.stderr


@pytest.mark.slow
def test_offered_options_are_accepted(fwibench: Command, record: Path) -> None:
    """Options on the command line override the survey file; JSON and text offer what explains the records."""
    said = ("--survey", "survey.toml", "--delay", 0.08, "--source-scale", 50, "--json")
    found = json.loads(fwibench(*ONE, *said).stdout)
    assert "physics" not in found["problem"] or found["problem"]["physics"] is None
    assert found["agreements"][0]["scale"] == pytest.approx(0.02, rel=0.3)
    offer = found["offers"][-1]
    assert offer["options"] == "--delay 0.072 --source-scale 1"
    assert offer["residual"] < 1e-2
    assert fwibench("data", "remove", "one").returncode == 0
    again = json.loads(fwibench(*ONE, "--survey", "survey.toml", *offer["options"].split(), "--json").stdout)
    assert again["problem"]["physics"].get("source_scale", 1.0) == 1.0
    assert again["agreements"][0]["residual"] < 1e-2


@pytest.mark.slow
def test_add_and_verify_warn_of_copies_across_splits(fwibench: Command, record: Path) -> None:
    for i in range(3):
        np.save(record / f"shots{i}.npy", np.load(record / "data.npy"))
        np.save(record / f"map{i}.npy", np.load(record / "model.npy"))
    files = ("--measurements", "shots*.npy", "--properties", "map*.npy", "--survey", "survey.toml")
    added = fwibench("data", "add", "copies", *files)
    assert "warning: splits share samples" in added.stderr
    verified = fwibench("data", "verify", "copies")
    assert verified.returncode == 0
    assert "splits share samples" in verified.stderr
