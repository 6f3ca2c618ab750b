"""Selection of the device."""

import pytest

from fwibench import MethodSpec
from fwibench.errors import FwibenchError, UnsuitableError
from fwibench.runs.machine import devices


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
def test_chosen_device_is_available_and_supported(
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


def test_missing_gpu_driver_is_reported_by_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    for there, reason in ((False, "some needs a GPU (cuda), and there is none that torch could use"), (True, "")):
        monkeypatch.setattr(devices, "has_gpu_driver", lambda there=there: there)
        assert devices.unsupported_device_reason(method("cuda"), "auto") == reason
        assert devices.unsupported_device_reason(method("cpu", "cuda"), "auto") == ""
