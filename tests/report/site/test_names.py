import pytest

from fwibench.report.site.folder import NAME
from fwibench.report.site.names import page_name

HOSTILE = ["../../etc/passwd", "/etc/passwd", "..", "", "a/b", "a\\b", "<script>", "a\x00b", "C:\\x", "ü" * 400, ".git"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_gets_a_name_within_the_folder(text: str) -> None:
    name = page_name(text)
    assert NAME.fullmatch(f"methods/{name}.html")
    assert len(name) <= 120


def test_different_texts_have_different_names() -> None:
    alike = ["a b", "a-b", "a_b", "A-B", "a-b-", *HOSTILE, *map(page_name, ["a b", "A-B"])]
    assert len(set(map(page_name, alike))) == len(alike)


def test_a_plain_name_is_kept() -> None:
    assert page_name("pixel-ridge") == "pixel-ridge"
