import pytest

from fwibench.errors import UsageError
from fwibench.text.amounts import parse_duration


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_durations_are_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds
    for wrong in ("", "0", "-1", "3d", "m"):
        with pytest.raises(UsageError):
            parse_duration(wrong)


@pytest.mark.parametrize("text", ["inf", "nan", "1e999", "9" * 400 + "h", "-1s"])
def test_infinite_and_negative_durations_raise(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        parse_duration(text)
