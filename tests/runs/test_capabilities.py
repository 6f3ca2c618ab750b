import textwrap
from pathlib import Path

import pytest

from fwibench import MethodSpec
from fwibench.errors import FwibenchError, UnsuitableError, UsageError
from fwibench.plugins.registry import Registry, load_registry
from fwibench.problem import Problem
from fwibench.runs.machine import devices
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from tests.conftest import Command

DATASETS = """
    from fwibench import DatasetSpec, hookimpl

    def spec(name):
        target = f"MODULE:{name.capitalize()}"
        return DatasetSpec(name=name, summary="x", target=target, source="synthetic", measurements="seismic")

    @hookimpl
    def fwibench_datasets():
        return [spec("untaught"), spec("unphysical"), spec("unopened"), spec("unbounded")]

    def __getattr__(name):
        # the implementations import numpy and more, so they wait until they are asked for
        from fwibench.datasets.salt.dataset import Salt

        class Untaught(Salt):
            def indices(self, scheme):
                return {**super().indices(scheme), "train": super().indices(scheme)["train"][:0]}

        class Unphysical(Salt):
            @property
            def problem(self):
                return super().problem.model_copy(update={"physics": None})

        class Unopened(Salt):
            def __init__(self, *arguments):
                print("to standard output")
                raise ZeroDivisionError("no way in")

        class Unbounded(Salt):
            @property
            def identity(self):
                raise SystemExit(0)

        found = {one.__name__: one for one in (Untaught, Unphysical, Unopened, Unbounded)}
        if name not in found:
            raise AttributeError(name)
        return found[name]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    module = f"data_{tmp_path.name}"
    source = textwrap.dedent(DATASETS).replace("MODULE", module)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / f"{module}.py").write_text(source)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path / "plugins"))
    return load_registry()


def reasons(registry: Registry, tmp_path: Path, methods: str, dataset: str) -> dict[str, str]:
    planned = make_plan(read_request(registry, methods, dataset, profile="smoke", results=tmp_path), registry)
    return {one.cell.method: one.skip for one in planned}


def test_a_dataset_without_train_samples_is_for_those_that_need_none(own: Registry, tmp_path: Path) -> None:
    assert reasons(own, tmp_path, "mean-map,multiscale-fwi-oracle,refine[base=mean-map]", "untaught") == {
        "mean-map": "mean-map learns from train samples, untaught has none in its split random",
        "multiscale-fwi-oracle": "",
        "refine": "mean-map learns from train samples, untaught has none in its split random",
    }


def test_a_start_that_is_not_learnt_needs_no_train_samples(own: Registry, tmp_path: Path) -> None:
    (tmp_path / "start.npy").touch()
    starts = {"train-mean": False, "train-gradient": False, "gradient": True, str(tmp_path / "start.npy"): True}
    for start, runs in starts.items():
        (reason,) = reasons(own, tmp_path, f"multiscale-fwi[start={start}]", "untaught").values()
        assert reason == (
            "" if runs else "multiscale-fwi learns from train samples, untaught has none in its split random"
        )


def test_a_start_that_is_not_there_is_said_when_planning(own: Registry, tmp_path: Path) -> None:
    for start, words in (("nowhere.npy", "no such file"), ("train-meen", "start.*train-meen")):
        with pytest.raises(UsageError, match=words):
            reasons(own, tmp_path, f"multiscale-fwi[start={start}]", "untaught")


def test_options_decide_whether_a_method_learns() -> None:
    some = MethodSpec(
        name="some", summary="x", target="a:b", kind="iterative", needs_fit_for={"start": ("mean",), "scale": ("data",)}
    )
    assert some.learns({"start": "mean", "scale": "data"})
    assert not some.learns({"start": "mean", "scale": "none"})
    assert not some.learns({"start": "file.npy", "scale": "data"})
    assert MethodSpec(name="any", summary="x", target="a:b", kind="learned").learns({})
    never = MethodSpec(name="never", summary="x", target="a:b", kind="learned", needs_fit=False)
    assert not never.learns({})


def test_an_inversion_needs_physics(own: Registry, tmp_path: Path) -> None:
    found = reasons(own, tmp_path, "mean-map,multiscale-fwi,multiscale-fwi-oracle,refine", "unphysical")
    assert found.pop("mean-map") == ""
    assert found == {
        name: f"{name} simulates with acoustic physics, unphysical has no physics to simulate with" for name in found
    }


def test_plan_says_what_cannot_run_and_why(own: Registry, fwibench: Command) -> None:
    done = fwibench("plan", "--methods", "mean-map,multiscale-fwi", "--dataset", "unphysical", "--profile", "smoke")
    assert done.returncode == 0, done.stderr
    mean_map, inversion = done.stdout.splitlines()[1:3]
    assert "-mean-map-" in mean_map
    assert " to run" in mean_map
    assert "cannot run: multiscale-fwi simulates with acoustic physics" in inversion


@pytest.mark.parametrize(
    ("name", "reason"), [("unopened", "ZeroDivisionError: no way in"), ("unbounded", "SystemExit: 0")]
)
def test_a_dataset_that_cannot_be_opened_is_two_lines(own: Registry, fwibench: Command, name: str, reason: str) -> None:
    done = fwibench("plan", "--methods", "mean-map", "--dataset", f"salt,{name}", "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"cannot be opened: {reason}" in done.stderr
    assert "Traceback" not in done.stderr
    shown = fwibench("info", name)
    assert shown.returncode == 0, "info always works"
    assert reason in shown.stdout


def test_a_method_that_cannot_be_built_is_two_lines(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "faulty.py").write_text((Path(__file__).with_name("faulty.py")).read_text())
    done = fwibench("info", "x-refuses", "--dataset", "salt", "--plugins-dir", ".")
    assert done.returncode == 1
    assert "x-refuses (faulty:Refuses) cannot be built for salt: ValueError: not with me" in done.stderr
    assert "Traceback" not in done.stderr


def method(*supported: str) -> MethodSpec:
    return MethodSpec(name="some", summary="x", target="a:b", kind="learned", devices=supported)


CHOICES = [
    (("cpu",), True, {"auto": "cpu", "cpu": "cpu", "cuda": "cpu", "cuda:1": "cpu"}),
    (("cpu", "cuda"), True, {"auto": "cuda", "cpu": "cpu", "cuda": "cuda", "cuda:1": "cuda:1"}),
    (("cpu", "cuda"), False, {"auto": "cpu", "cpu": "cpu", "cuda": FwibenchError}),
    (("cuda",), True, {"auto": "cuda", "cpu": UnsuitableError, "cuda:1": "cuda:1"}),
    (("cuda",), False, {"auto": UnsuitableError, "cpu": UnsuitableError, "cuda": FwibenchError}),
]


@pytest.mark.parametrize(("supported", "gpu", "expected"), CHOICES)
def test_devices_are_chosen_among_those_that_are_there(
    supported: tuple[str, ...], gpu: bool, expected: dict[str, str | type], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: gpu)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2 * gpu)
    for asked, device in expected.items():
        if isinstance(device, str):
            assert devices.choose_device(asked, method(*supported)) == device
        else:
            with pytest.raises(device):
                devices.choose_device(asked, method(*supported))


def test_a_machine_without_the_driver_of_a_gpu_is_told_at_planning(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, reason in ((False, "some needs a GPU (cuda), and there is none that torch could use"), (True, "")):
        monkeypatch.setattr(devices, "_has_gpu_driver", lambda there=there: there)
        assert devices.unsupported_device_reason(method("cuda"), "auto") == reason
        assert devices.unsupported_device_reason(method("cpu", "cuda"), "auto") == ""


def test_a_method_says_what_it_refuses(registry: Registry) -> None:
    problems: dict[str, Problem] = {
        name: open_dataset(registry, name, "smoke").problem for name in ("salt", "kimberlina-reservoir")
    }
    some = MethodSpec(
        name="some", summary="x", target="a:b", kind="iterative", measurements=("seismic", "em"), physics=("acoustic",)
    )
    assert some.refusal(problems["salt"], "salt") == ""
    assert some.refusal(problems["kimberlina-reservoir"], "there") == (
        "some simulates with acoustic physics, there has electromagnetic physics"
    )
