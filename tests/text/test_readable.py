from fwibench.text.readable import show_count, show_number, show_seconds


def test_numbers_are_readable_and_none_is_empty() -> None:
    assert [show_count(n) for n in (None, 0, 950, 13_742_371, 1.9e9)] == ["", "0", "950", "13.74M", "1.90G"]
    numbers = (None, 0.0, 0.0016321, 0.05043, 0.97421, 26.123, 1234.5, 45936.2, 1.5e-5)
    texts = ["", "0.0000", "0.001632", "0.05043", "0.9742", "26.12", "1234", "45936", "1.500e-05"]
    assert [show_number(number) for number in numbers] == texts
    assert [show_number(p, 3) for p in (0.0496, 0.0504)] == ["0.0496", "0.0504"]
    assert [show_seconds(s) for s in (None, 3.21, 75, 3700)] == ["", "3.2s", "1m15s", "1h01m"]
