"""The page in a headless browser; skipped where none is installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.methods.complexity import Complexity
from fwibench.plugins.registry import Registry
from fwibench.report.page.page import PageOptions, write_page
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Costs, write_record
from fwibench.runs.artefacts.results import Results
from tests.boards.records import leave
from tests.chromium import Opened


@pytest.fixture
def opened(browser: Any, page: Path) -> Iterator[Opened]:
    one = Opened(browser, page)
    yield one
    one.check()
    one.context.close()


SALT = '.group[data-dataset="salt"][data-split="random"][data-track="standard"]:has(tr[data-method="fine"])'


def methods(tab: Any) -> list[str]:
    return tab.eval_on_selector_all(f"{SALT} tbody tr:not([hidden])", "rows => rows.map(row => row.dataset.method)")


def test_the_page_opens_with_its_title_and_rows(opened: Opened) -> None:
    tab = opened.tab
    assert tab.title() == "<b>A & B</b>"
    assert tab.locator("h1").inner_text() == "<b>A & B</b>"
    assert methods(tab) == ["fine", "rough", "worse"]
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"


def test_a_table_sorts_by_click_and_by_keyboard(opened: Opened) -> None:
    tab = opened.tab
    head = tab.locator(f'{SALT} th[data-column="mae"]')
    head.locator("button").click()
    assert (head.get_attribute("aria-sort"), methods(tab)) == ("ascending", ["fine", "rough", "worse"])
    head.locator("button").focus()
    tab.keyboard.press("Enter")
    assert (head.get_attribute("aria-sort"), methods(tab)) == ("descending", ["worse", "rough", "fine"])
    similarity = tab.locator(f'{SALT} th[data-column="ssim"]')
    similarity.locator("button").press("Space")
    assert (similarity.get_attribute("aria-sort"), methods(tab)) == ("descending", ["fine", "rough", "worse"])
    assert head.get_attribute("aria-sort") is None
    names = tab.locator(f'{SALT} th[data-column="method"] button')
    names.click()
    names.click()
    assert methods(tab) == ["worse", "rough", "fine"]


def test_empty_values_come_last_in_either_order(opened: Opened) -> None:
    tab = opened.tab
    tab.evaluate(f"document.querySelector('{SALT} tr[data-method=rough]').cells[2].dataset.value = ''")
    press = tab.locator(f'{SALT} th[data-column="mae"] button')
    press.click()
    assert methods(tab) == ["fine", "worse", "rough"]
    press.click()
    assert methods(tab) == ["worse", "fine", "rough"]


def test_filters_hide_what_does_not_match(opened: Opened) -> None:
    tab = opened.tab
    visible = ".group:not([hidden])"
    form = tab.locator("#filters")
    whole = tab.locator("#shown").inner_text()
    form.get_by_label("Dataset").select_option("salt")
    form.get_by_label("Split").select_option("block")
    found = tab.eval_on_selector_all(visible, "all => all.map(one => [one.dataset.dataset, one.dataset.split])")
    assert {tuple(one) for one in found} == {("salt", "block"), ("salt", "")}, "printed rows have no split"
    form.get_by_label("Methods").fill("=CMD")
    assert tab.locator(f"{visible} tbody tr:not([hidden])").count() == 1
    assert tab.locator("#shown").inner_text().startswith("1 of ")
    assert tab.locator(".recipe:visible").count() == 1
    form.get_by_label("Methods").fill("nobody")
    assert tab.locator("#nothing").is_visible()
    tab.get_by_role("button", name="Show all").click()
    tab.wait_for_function("text => document.getElementById('shown').value === text", arg=whole)
    form.get_by_label("Track").select_option("oracle-start")
    assert tab.locator(f'{visible} tr[data-method="helped"]').is_visible()
    assert not tab.locator(SALT).is_visible()


def test_the_viewer_shows_the_picked_sample(opened: Opened) -> None:
    tab = opened.tab
    tab.locator("#samples").scroll_into_view_if_needed()
    tab.locator("#panel-set").select_option(label="salt, split random, smoke")
    first, second = (tab.locator("#sample option").nth(number).get_attribute("value") for number in (0, 1))
    tab.locator("#sample").select_option(index=1)
    assert second in tab.locator("#stage .given figcaption").first.inner_text()
    shown = tab.eval_on_selector_all(".method h4", "all => all.map(one => one.firstChild.textContent)")
    assert shown == ["helped", "fine", "rough", "worse"]
    images = tab.eval_on_selector_all(
        "#stage img",
        "async all => { await Promise.all(all.map(one => one.decode())); return all.map(one => one.naturalWidth) }",
    )
    assert images == [60] * (2 + 2 * 4)
    best = tab.locator(".method .best")
    assert best.inner_text().endswith("m/s"), "one value, not its label"
    assert best.locator("xpath=ancestor::article/h4").inner_text() == "fine", "helped has a track of its own"
    tab.get_by_role("button", name="Previous sample").press("Enter")
    assert first in tab.locator("#stage .given figcaption").first.inner_text()
    tab.locator("#filters").get_by_label("Track").select_option("standard")
    assert tab.locator(".method").count() == 3


def test_the_viewer_follows_the_filters(opened: Opened) -> None:
    tab = opened.tab
    form = tab.locator("#filters")
    tab.locator("#samples").scroll_into_view_if_needed()
    tab.locator("#panel-set").select_option(label="salt, split random, smoke")
    form.get_by_label("Methods").fill("r")
    assert tab.locator(".method").count() == 2
    assert tab.locator(".method .best").locator("xpath=ancestor::article/h4").inner_text() == "rough"
    form.get_by_label("Methods").fill("rough")
    assert tab.locator(".method .best").count() == 0, "there is no other method to be better than"
    form.get_by_label("Methods").fill("nobody")
    assert "No method here matches these filters." in tab.locator("#sample-note").inner_text()
    form.get_by_label("Methods").fill("")
    form.get_by_label("Track").select_option("oracle-start")
    assert tab.locator("#panel-set option").all_inner_texts() == ["salt, split random, smoke"]
    assert tab.locator(".method").count() == 1
    form.get_by_label("Track").select_option("extra-data")
    assert tab.locator("#sample-note").inner_text() == "No samples match these filters."


def test_empty_sections_are_hidden(opened: Opened) -> None:
    tab = opened.tab
    names = tab.locator("#filters").get_by_label("Methods")
    assert tab.get_by_text("Notes of runs that are ok").is_visible()
    names.fill("fine")
    assert tab.locator("#failures thead").is_visible()
    assert not tab.locator("#no-failure").is_visible()
    assert not tab.get_by_text("Notes of runs that are ok").is_visible()
    names.fill("helped")
    assert tab.locator(".card:visible").count() == 1
    assert not tab.locator("#failures thead").is_visible()
    assert tab.locator("#no-failure").is_visible()


def test_the_viewer_shows_fields_and_names_missing_data(opened: Opened) -> None:
    tab = opened.tab
    tab.locator("#samples").scroll_into_view_if_needed()
    tab.locator("#filters").get_by_label("Dataset").select_option("fields")
    tab.locator("#stage svg polyline").first.wait_for()
    assert tab.locator("#stage svg polyline").count() == 3
    tab.locator("#filters").get_by_label("Dataset").select_option("salt")
    tab.locator("#panel-set").select_option(label="salt, split block, quick")
    assert "not on this machine" in tab.locator("#sample-note").inner_text()
    assert tab.locator("#sample").is_disabled()
    tab.locator("#filters").get_by_label("Dataset").select_option("marmousi")
    assert "No samples" in tab.locator("#sample-note").inner_text()


def test_the_dark_theme_is_remembered(browser: Any, page: Path) -> None:
    for system, other in (("light", "dark"), ("dark", "light")):
        one = Opened(browser, page, color_scheme=system)
        ground = "getComputedStyle(document.body).backgroundColor"
        before, button = one.tab.evaluate(ground), one.tab.locator("#theme")
        assert button.get_attribute("aria-pressed") == str(system == "dark").lower()
        button.click()
        after = one.tab.evaluate(ground)
        assert after != before
        # the browser writes what a page keeps in its own time
        for _ in range(20):
            one.tab.reload()
            if (kept := one.tab.evaluate(ground)) == after:
                break
            one.tab.wait_for_timeout(250)
        assert kept == after
        assert button.get_attribute("aria-pressed") == str(other == "dark").lower()
        one.check()
        one.context.close()


def test_figures_follow_their_kind_and_the_filters(opened: Opened) -> None:
    tab = opened.tab
    kinds = tab.eval_on_selector_all(".drawing", "all => all.map(one => one.dataset.kind)")
    assert len(set(kinds)) == 2
    for kind in kinds:
        tab.get_by_label("Kind").select_option(kind)
        shown = tab.eval_on_selector_all(".drawing:not([hidden])", "all => all.map(one => one.dataset.kind)")
        assert shown == [kind]
    tab.get_by_label("Kind").select_option("all")
    assert tab.locator(".drawing:visible").count() == 2
    tab.locator("#filters").get_by_label("Dataset").select_option("marmousi")
    assert tab.locator(".drawing:visible").count() == 0
    assert tab.locator("#no-figure").is_visible()


def test_a_figure_is_enlarged_and_closed_by_keyboard(opened: Opened) -> None:
    tab = opened.tab
    tab.locator(".picture").first.press("Enter")
    assert tab.locator("#enlarged").is_visible()
    assert tab.locator("#enlarged img").get_attribute("alt")
    tab.keyboard.press("Escape")
    assert not tab.locator("#enlarged").is_visible()


def test_a_row_leads_to_its_commands(opened: Opened) -> None:
    tab = opened.tab
    assert not tab.locator(".command").first.is_visible()
    tab.locator(f'{SALT} tr[data-method="fine"] .again').click()
    first = tab.locator(".recipe[open] .command code").first
    assert first.inner_text().startswith("fwibench reproduce salt-random-smoke-fine-s0-")


def test_the_page_is_readable_without_scripts_and_on_a_phone(browser: Any, page: Path) -> None:
    plain = Opened(browser, page, java_script_enabled=False)
    assert plain.tab.locator(f'{SALT} tr[data-method="worse"]').is_visible()
    assert plain.tab.get_by_text("The viewer needs JavaScript.").is_visible()
    assert not plain.tab.locator("#filters").is_visible()
    plain.check()
    plain.context.close()
    phone = Opened(browser, page, viewport={"width": 400, "height": 800})
    phone.tab.locator("#samples").scroll_into_view_if_needed()
    phone.tab.locator("#stage .map").first.wait_for()
    phone.tab.evaluate("document.querySelector('.recipe summary b').textContent = 'x'.repeat(90)")
    assert phone.tab.evaluate("document.documentElement.scrollWidth") == 400
    phone.check()
    phone.context.close()


def test_the_columns_shown_at_first_fit(browser: Any, tmp_path: Path, registry: Registry) -> None:
    """A row with all of them and many options, as wide as such rows are."""
    sizes = Complexity(parameters=297_750, parameters_closed_form=0, flops=245_700_000_000)
    chosen = {"damping": 1e-08, "decrease": 0.0, "iterations": 20, "step": 40.0, "tv": 0.003}
    errors = np.arange(100.0, 120.0)
    own = {"complexity": sizes, "costs": Costs(fit_s=3601.0, predict_ms_cpu1=22264.0)}
    for method in ("multiscale-fwi-oracle", "nearest-neighbour"):
        record = leave(tmp_path, method, errors, chosen=chosen, **own)
        scores = {**record.scores, "rmse": 110.5}
        write_record(
            record.model_copy(update={"scores": scores}), RunFiles(Results(tmp_path).folder(record.cell)).record
        )
    results = Results(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwibench.report.page.figures.list_drawings", lambda *_: [])
        write_page(Sources(results, results.records()[0], registry), tmp_path / "wide.html", PageOptions(max_samples=0))
    one = Opened(browser, tmp_path / "wide.html")
    table = "document.querySelector('.board').parentElement"
    assert one.tab.locator(".board thead th:visible").count() == 11
    assert one.tab.evaluate(f"{table}.scrollWidth - {table}.clientWidth") == 0
    one.check()
    one.context.close()
