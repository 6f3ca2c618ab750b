"""Damaged files: no command ends with a traceback, and a damaged run does not affect the others."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.runs.artefacts.record import Record
from tests.fuzz.harness import Done, amount, call, generator
from tests.fuzz.mutations import array, damage_archive, damage_file

READ = (
    ["status", "--json"],
    ["leaderboard", "--json"],
)
SOMETIMES = (
    ["status"],
    ["show", "{run}"],
    ["show", "{run}", "--json"],
    ["show", "{run}", "--mae"],
    ["leaderboard", "--common", "--published", "--baseline", "pixel-ridge"],
    ["leaderboard", "--sort", "-ssim", "--export", "t.csv", "--export", "t.json", "--export", "t.md"],
    ["leaderboard", "--export", "t.tex", "--export", "t.html", "--export", "t.parquet", "--json"],
    ["compare", "mean-map", "pixel-ridge", "nearest-neighbour"],
    ["merge", "results", "-o", "joined"],
    ["merge", "results", "other", "-o", "joined", "--json"],
    ["diff", "results", "other"],
    ["diff", "other", "results", "--json"],
    ["rescore", "{run}"],
    ["rescore", "--metrics", "rmse"],
    ["predict", "{run}", "u.npy", "-o", "maps.npy", "--force"],
    ["reproduce", "{run}", "--print"],
    ["plan", "-m", "mean-map,pixel-ridge", "-d", "salt", "--profile", "smoke"],
)
SLOWLY = (
    ["report", "-o", "page.html"],
    ["figures", "-o", "drawn"],
)


class Faults:
    """Unexpected errors, each kept once by the line that raised it."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self.commands = 0

    def add(self, done: Done, what: str) -> None:
        self.commands += 1
        if done.fault:
            lines = [line for line in done.fault.splitlines() if line.startswith("  File")] or [done.fault[-200:]]
            self._note(lines[-1] + done.fault.splitlines()[-1][:40], f"{what}\n{done.fault[-2500:]}")

    def miss(self, what: str) -> None:
        """Record that a command lost runs that are not damaged."""
        self._note(what[:60], what)

    def _note(self, key: str, what: str) -> None:
        if key not in self.found:
            self.found[key] = what
            # with -s each is seen while the others are still looked for
            print(what, flush=True)

    def check(self) -> None:
        print(f"{self.commands} commands on damaged files; {len(self.found)} faults")
        assert not self.found, f"{len(self.found)} faults\n\n" + "\n\n".join(self.found.values())


def shown(path: Path) -> str:
    """Return the beginning of a damaged file, for the message of a failure."""
    return repr(path.read_bytes()[:3000]) if path.is_file() and not path.is_symlink() else ""


def restore(path: Path, source: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    shutil.copyfile(source, path)


def listed(done: Done) -> set[str]:
    """Return the methods in the JSON that a command printed; none if it printed no JSON."""
    try:
        return {str(row["method"]) if "method" in row else str(row["run"]) for row in json.loads(done.out)}
    except (ValueError, TypeError):
        return set()


@pytest.mark.slow
def test_damaged_run_does_not_affect_the_others(
    fresh_folder: Callable[[], Path], finished: tuple[Path, list[Record]]
) -> None:
    rng = generator(34)
    records, faults = finished[1], Faults()
    for number in range(amount(40, 1200)):
        if number % 50 == 0:
            here = fresh_folder()
        chosen = rng.choice(records)
        folder = here / "results" / "runs" / chosen.run_id
        files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".csv", ".npz"))
        # damage the record most often, since all commands read it
        path = rng.choice([folder / "record.json"] * len(files) + files)
        what = f"{path.relative_to(here)} is {damage_file(rng, path)}"
        asked = [*READ, *rng.sample(SOMETIMES, 2), *(rng.sample(SLOWLY, 1) if rng.random() < 0.04 else [])]
        others = [one for one in records if one is not chosen]
        for template in asked:
            arguments = [word.format(run=chosen.run_id) for word in template]
            done = call(arguments, here)
            faults.add(done, f"{arguments} where {what}\n{shown(path)}")
            if template == READ[0] and not {one.run_id for one in others} <= listed(done):
                faults.miss(f"status lost other runs, where {what}\n{shown(path)}\n{done}")
            if template == READ[1] and not {one.cell.method for one in others} <= listed(done):
                faults.miss(f"leaderboard lost other runs, where {what}\n{shown(path)}\n{done}")
        for name in ("maps.npy", "joined", "drawn"):
            shutil.rmtree(here / name, ignore_errors=True)
        restore(path, finished[0] / path.relative_to(here / "results"))
        # undo what a command wrote into the damaged run
        for kept in ("record.json", "scores.csv"):
            restore(folder / kept, finished[0] / "runs" / chosen.run_id / kept)
    faults.check()


DATA = (
    ["info", "salt"],
    ["data", "verify", "salt", "--profile", "smoke"],
    ["data", "card", "salt", "--profile", "smoke"],
    ["data", "card", "salt", "--profile", "smoke", "-o", "card.html"],
    ["plan", "-m", "mean-map", "-d", "salt", "--profile", "smoke"],
    ["rescore", "mean-map"],
    ["show", "mean-map", "--mae"],
    ["predict", "mean-map", "u.npy", "-o", "maps.npy", "--force"],
    ["report", "-o", "page.html"],
    ["figures", "-o", "drawn", "--kind", "panels", "--kind", "convergence"],
    ["list", "datasets"],
    ["list", "datasets"],
)


def test_damaged_samples_and_manifests_print_no_traceback(fresh_folder: Callable[[], Path]) -> None:
    rng, faults = generator(36), Faults()
    for number in range(amount(8, 300)):
        if number % 50 == 0:
            here = fresh_folder()
        (folder,) = (here / "data").glob("salt-*")
        path = rng.choice(sorted(one for one in folder.iterdir() if one.suffix in (".json", ".npy")))
        content = path.read_bytes()
        what = damage_file(rng, path)
        for arguments in rng.sample(DATA, 2):
            faults.add(call(arguments, here), f"{arguments} where {path.name} is {what}\n{shown(path)}")
        for name in ("maps.npy", "drawn"):
            shutil.rmtree(here / name, ignore_errors=True)
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        path.write_bytes(content)
    faults.check()


def add(name: str, *more: str) -> list[str]:
    grid = ("--spacing", "10", "--dt", "0.001", "--frequency", "15")
    return ["data", "add", name, "--measurements", "u.npy", "--properties", "c.npy", *grid, *more]


GIVEN = (
    (["predict", "mean-map", "u.npy", "-o", "maps.npy", "--force"], "u.npy"),
    (["predict", "mean-map", "u.npy", "-o", "maps.npy", "--png", "maps.png", "--force"], "u.npy"),
    (add("mine", "--val", "1", "--test", "1"), "u.npy"),
    (add("mine", "--val", "1", "--test", "1"), "c.npy"),
    (["data", "card", "salt[path=c.npy]", "--profile", "smoke"], "c.npy"),
    (["data", "card", "salt[path=c.npz]", "--profile", "smoke"], "c.npz"),
    (["plan", "-m", "mean-map", "-d", "salt[path=c.npz]", "--profile", "smoke"], "c.npz"),
    (["data", "verify", "flatvel-a[path=.]", "--profile", "smoke"], "c.npy"),
    (["plan", "-m", "mean-map", "-d", "marmousi[path=c.npy]", "--profile", "smoke"], "c.npy"),
)


def test_damaged_arrays_of_users_print_no_traceback(fresh_folder: Callable[[], Path]) -> None:
    rng, faults = generator(37), Faults()
    here = fresh_folder()
    for _ in range(amount(30, 350)):
        arguments, name = rng.choice(GIVEN)
        path = here / name
        content = path.read_bytes()
        if path.suffix == ".npz":
            path.write_bytes(damage_archive(rng, content))
        else:
            path.write_bytes(array(rng, np.load(path)))
        faults.add(call(list(arguments), here), f"{arguments} with {name}\n{shown(path)[:300]}")
        call(["data", "remove", "mine"], here)
        path.write_bytes(content)
    faults.check()


def test_damaged_descriptions_of_added_datasets_print_no_traceback(fresh_folder: Callable[[], Path]) -> None:
    rng, faults = generator(38), Faults()
    here = fresh_folder()
    done = call(add("mine", "--val", "1", "--test", "1"), here)
    assert done.code == 0, done
    path = here / "data" / "added" / "mine.json"
    content = path.read_bytes()
    commands: Sequence[list[str]] = (
        ["list", "datasets"],
        ["info", "mine"],
        ["plan", "-m", "mean-map", "-d", "mine", "--profile", "smoke"],
        ["data", "verify", "mine"],
        ["data", "card", "mine"],
    )
    for _ in range(amount(20, 150)):
        what = damage_file(rng, path)
        arguments = rng.choice(commands)
        faults.add(call(arguments, here), f"{arguments} where mine.json is {what}\n{shown(path)}")
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        path.write_bytes(content)
    faults.check()


@pytest.mark.parametrize(
    ("field", "depth"), [("environment", 15), ("cell", 150), ("chosen", 500), ("history", 2_000), ("scores", 100_000)]
)
def test_deeply_nested_values_in_a_record_print_no_traceback(
    fresh_folder: Callable[[], Path], finished: tuple[Path, list[Record]], field: str, depth: int
) -> None:
    here, faults = fresh_folder(), Faults()
    run = finished[1][0].run_id
    path = here / "results" / "runs" / run / "record.json"
    content: dict[str, Any] = json.loads(path.read_bytes())
    place = content["cell"]["options"] if field == "cell" else content[field]
    if isinstance(place, list):
        place.append({"x": "DEEP"})
    else:
        place["x"] = "DEEP"
    path.write_text(json.dumps(content).replace('"DEEP"', "[" * depth + "]" * depth))
    commands = [[word.format(run=run) for word in words] for words in (*READ, *SOMETIMES)]
    for arguments in [*commands, SLOWLY[0]] if depth == 15 else commands:
        faults.add(call(list(arguments), here), f"{arguments} where {field} is {depth} deep")
    faults.check()


def test_infinite_samples_print_no_traceback(fresh_folder: Callable[[], Path]) -> None:
    here = fresh_folder()
    (folder,) = (here / "data").glob("salt-*")
    for name in ("data0.npy", "model0.npy"):
        samples = np.load(folder / name)
        samples[:, 0, 0] = [np.nan, np.inf, -np.inf, 3e38] * (samples.shape[-1] // 4)
        np.save(folder / name, samples)
    faults = Faults()
    for arguments in (
        ["report", "-o", "page.html"],
        ["figures", "-o", "drawn", "--kind", "panels", "--format", "png"],
        ["data", "card", "salt", "--profile", "smoke", "-o", "card.html"],
        ["data", "verify", "salt", "--profile", "smoke"],
    ):
        faults.add(call(arguments, here), str(arguments))
    for value in (np.nan, np.inf, -3e38):
        measured = np.load(here / "u.npy")
        measured[0, 0, 0, 0] = value
        np.save(here / "v.npy", measured)
        arguments = ["predict", "mean-map", "v.npy", "-o", "maps.npy", "--png", "maps.png", "--force"]
        faults.add(call(arguments, here), f"{arguments} with {value}")
    (folder / "data0.npy").unlink()
    (folder / "data0.npy").mkdir()
    done = call(["data", "verify", "salt", "--profile", "smoke"], here)
    faults.add(done, "a folder in place of a shard")
    assert "data0.npy is absent or was changed" in done.err
    faults.check()
