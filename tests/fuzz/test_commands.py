"""Random command lines; no command ends with a traceback."""

import random
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from fwibench.cli.app import app
from fwibench.datasets.base import Dataset
from fwibench.datasets.stored import StoredDataset
from fwibench.runs.execution.run import Outcome
from tests.fuzz.harness import amount, call, generator
from tests.fuzz.mutations import NUMBERS, TEXTS

# do not name files outside the folder of the test
ANYTHING = [text for text in TEXTS if "\0" not in text and not text.startswith("/")]
WORDS = [
    *("mean-map", "invlint", "pixel-ridge", "invlint[alpha=1|10]", "mean-map,pixel-ridge", "refine[base=mean-map]"),
    *("salt", "salt[snr=10]", "flatvel-a", "flatvel-a[path=c.npy]", "salt[path=c.npz]", "marmousi", "mae", "ssim"),
    *("results", "other", "u.npy", "c.npy", "c*.npy", "new.npy", "new.csv", "new.html", "new.parquet", "new.png"),
    *("random", "block", "smoke", "quick", "paper", "cpu", "auto", "cuda:7", "30s", "invlint.alpha=10", "panels"),
    *("method", "dataset", "metric", "mine", "0:100:3", "0,10,20", "10", "3", "0.01", "-mae", "20", "png", "svg"),
]
METHODS = ("mean-map", "invlint", "invlint[alpha=1|10]", "mean-map,pixel-ridge", "refine[base=mean-map]")
DATASETS = ("salt", "salt", "salt[snr=10]", "flatvel-a", "salt[path=c.npz]", "salt[path=c.npy]", "marmousi")
FITTING = {
    "methods": METHODS,
    "dataset": DATASETS,
    "results": ("results", "other", "empty"),
    "run": ("mean-map", "pixel-ridge", "salt"),
    "runs": ("mean-map", "pixel"),
    "metrics": ("rmse", "mae,ssim", "data-misfit"),
    "metric": ("rmse", "ssim", "mae"),
    "split": ("random", "block"),
    "profile": ("smoke", "quick"),
    "device": ("cpu", "auto"),
    "budget": ("30s", "2h"),
    "time_limit": ("30s", "2h"),
    "settings": ("invlint.alpha=10", "pixel-ridge.alpha=1"),
    "exports": ("new.csv", "new.html", "new.json", "new.md", "new.tex", "new.parquet"),
    "output": ("new.npy", "new.html", "new.html", "new.md", "joined"),
    "sources": ("results", "other"),
    "first": ("results",),
    "second": ("other",),
    "measurements": ("u.npy",),
    "properties": ("c.npy",),
    "png": ("new.png",),
    "sort": ("mae", "-ssim", "method"),
    "baseline": ("mean-map",),
    "kind": ("seismic", "method", "cost", "errors,training"),
    "formats": ("png", "svg"),
    "source_x": ("0:500:5", "0,100,200,300,400"),
    "spacing": ("10",),
    "dt": ("0.001",),
    "frequency": ("15",),
    "name": ("mean-map", "salt", "mine", "mine", "invlint"),
    "samples": ("salt-000137",),
    "frequencies": ("1,10,100",),
    "receiver_x": ("0:590:60",),
    "disable_plugin": ("hybrid",),
}
"""Valid values of parameters, by name."""
SLOW = ("info", "report", "figures", "doctor", "reproduce", "predict", "rescore", "data card", "data add")
"""Slow commands, which are tried less often."""


def commands(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(node, "commands", {}).items():
        yield from commands(child, (*path, name))
    if not getattr(node, "commands", {}):
        yield path, node


def value_of(rng: random.Random, parameter: Any) -> str:
    annotation, draw = parameter.type_descriptor.annotation, rng.random()
    if draw < 0.7 and get_origin(annotation) is Literal:
        return str(rng.choice(get_args(annotation)))
    if draw < 0.75 and parameter.name in FITTING:
        return rng.choice(FITTING[parameter.name])
    if draw < 0.8 and int in (annotation, *get_args(annotation)):
        return rng.choice(("1", "2", "3", "10"))
    if draw < 0.8 and float in (annotation, *get_args(annotation)):
        return rng.choice(("0.1", "0.5", "1", "10", "100", "1e-3", "1e9", "1e-30", "0", "-1"))
    if draw < 0.85:
        return rng.choice(WORDS)
    return rng.choice(ANYTHING) if draw < 0.95 else str(rng.choice(NUMBERS[:12]))


def command_line(rng: random.Random, path: tuple[str, ...], command: Any) -> list[str]:
    """Return a command with some of its options, mostly valid, and change a few words."""
    words = list(path)
    for parameter in command.params:
        flag = rng.choice(parameter.opts)
        if not flag.startswith("-"):
            several = (1, 2, 2, 3) if parameter.nargs != 1 else (1,) * 19 + (2,)
            words += [value_of(rng, parameter) for _ in range(rng.choice(several))]
        elif flag != "--help" and rng.random() < (0.97 if parameter.required else 0.2):
            words += [flag] if getattr(parameter, "is_flag", False) else [flag, value_of(rng, parameter)]
    for _ in range(rng.choice((0, 0, 0, 0, 0, 0, 1, 2))):
        place = rng.randrange(len(words) + 1)
        act = rng.randrange(4)
        if act == 0:
            words.insert(place, rng.choice([*ANYTHING, *WORDS, "--json", "--debug", "--no-plugins", "--", "--help"]))
        elif act == 1 and place < len(words):
            del words[place]
        elif act == 2 and place < len(words):
            words.insert(place, words[place])
        elif place < len(words):
            words[place] += rng.choice(ANYTHING)
    return words


@pytest.fixture
def no_computation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands parse their arguments and end where the computation would start."""

    def run_nothing(*_: object, **__: object) -> Any:
        return Outcome()

    for module in ("api.runs", "cli.commands.reproduce"):
        monkeypatch.setattr(f"fwibench.{module}.run_plan", run_nothing)
    monkeypatch.setattr("fwibench.testing.runner.examine", lambda *_, **__: [])
    monkeypatch.setattr(StoredDataset, "prepare", lambda *_: None)
    monkeypatch.setattr(StoredDataset, "estimate", lambda _: None)
    monkeypatch.setattr(Dataset, "check_physics", lambda _: [])


@pytest.mark.usefixtures("no_computation")
def test_random_command_lines_print_no_traceback(fresh_folder: Callable[[], Path]) -> None:
    rng = generator(20)
    known = dict(commands(app))
    names = [name for name in known for _ in range(1 if " ".join(name) in SLOW else 6)]
    faults: dict[str, str] = {}
    codes: dict[int, int] = {}
    for number in range(amount(120, 5000)):
        if number % 100 == 0:
            here = fresh_folder()
        name = rng.choice(names)
        words = command_line(rng, name, known[name])
        done = call(words, here)
        codes[done.code] = codes.get(done.code, 0) + 1
        # a file named by the user may not exist; the system reports that in one line
        if done.fault and not done.system:
            last = [line for line in done.fault.splitlines() if line.startswith("  File")][-1]
            if last not in faults:
                faults[last] = f"{shlex.join(words)!r}\n{done.fault[-3000:]}"
                # with -s each is seen while the others are still looked for
                print(faults[last], flush=True)
    print(f"{sum(codes.values())} command lines, by exit code: {codes}; {len(faults)} faults")
    assert set(codes) >= {0, 1, 2}, codes
    assert not faults, "\n\n".join(faults.values())
