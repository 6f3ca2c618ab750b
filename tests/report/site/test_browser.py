"""The site in a headless browser; skipped where none is installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import Opened

PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture
def opened(browser: Any, site: Path) -> Iterator[Opened]:
    one = Opened(browser, site / "index.html")
    yield one
    one.check()
    one.context.close()


def column(tab: Any, table: str, number: int) -> list[str]:
    return tab.eval_on_selector_all(f"{table} tbody tr", f"rows => rows.map(row => row.cells[{number}].innerText)")


def test_a_board_is_reached_from_the_first_page_and_sorts(opened: Opened) -> None:
    tab = opened.tab
    assert tab.locator("h1").inner_text() == "<b>A & B</b>"
    tab.locator("#boards tbody a").first.click()
    tab.locator("#leaderboard h2").wait_for()
    table = "#leaderboard .group:not(.published) table"
    before = column(tab, table, 2)
    assert len(before) == 4
    assert before == sorted(before, key=float)
    head = tab.locator(f'{table} th[data-column="mae"]').first
    head.locator("button").click()
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(tab, table, 2) == before[::-1]


def test_all_columns_are_shown_on_demand(opened: Opened) -> None:
    tab = opened.tab
    tab.locator("#boards tbody a").first.click()
    hidden = tab.locator("#leaderboard th.more").first
    assert not hidden.is_visible()
    tab.get_by_label("all columns").check()
    assert hidden.is_visible()


def test_an_entry_is_reached_and_its_maps_are_drawn(opened: Opened) -> None:
    tab = opened.tab
    tab.locator("#latest tbody a").first.click()
    tab.locator(".sample img").first.wait_for()
    sizes = tab.eval_on_selector_all(
        ".sample img",
        "async all => { await Promise.all(all.map(one => one.decode())); return all.map(one => one.naturalWidth) }",
    )
    assert sizes == [60] * 6


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_every_page_opens_without_errors_and_fits_its_width(browser: Any, site: Path, options: dict[str, Any]) -> None:
    one = Opened(browser, site / "index.html", **options)
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        one.tab.goto(page.as_uri())
        wide = one.tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, page
    # a style sheet or a script that the policy blocks is a message of the console
    one.check()
    assert {url.rsplit(".", 1)[-1] for url in one.requests if url.startswith("file:")} == {"html", "css", "js"}
    one.context.close()


def test_the_theme_is_kept_from_page_to_page(opened: Opened) -> None:
    tab = opened.tab
    tab.locator("#theme").click()
    theme = tab.evaluate("document.documentElement.dataset.theme")
    tab.get_by_role("link", name="History").click()
    assert tab.locator("h1").inner_text() == "History"
    assert tab.evaluate("document.documentElement.dataset.theme") == theme
