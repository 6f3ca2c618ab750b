from tests.conftest import Command


def test_doctor_lists_packages(fwibench: Command) -> None:
    doctor = fwibench("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "deepwave" in doctor.stdout
