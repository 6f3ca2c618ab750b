import importlib.metadata

import pytest

from fwibench.runs.machine import environment
from fwibench.version import __version__


def test_version_is_that_of_the_code_if_an_earlier_one_was_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "version", lambda name: "0.0.1" if name == "fwibench" else "1.2.3")
    packages = environment.describe_environment()["packages"]
    assert packages["fwibench"] == __version__
    assert {version for name, version in packages.items() if name != "fwibench"} == {"1.2.3"}


def test_package_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(environment, "version", missing)
    assert environment.describe_environment()["packages"]["torch"] is None
