import pytest

from fwibench.datasets.user.number_lists import parse_positions
from fwibench.errors import UsageError


@pytest.mark.parametrize(("text", "places"), [("0,5,20", [0, 5, 20]), ("0:90:4", [0, 30, 60, 90]), ("7", [7])])
def test_positions_are_parsed(text: str, places: list[float]) -> None:
    assert parse_positions(text, "source") == places
    for wrong in ("a", "0:9", "0:9:x", ""):
        with pytest.raises(UsageError):
            parse_positions(wrong, "source")
