"""Pages of the site that are files elsewhere in the repository."""

import pytest

from fwibench_docs.root_pages import REPOSITORY, relink, root_pages


@pytest.mark.parametrize(
    ("link", "source", "page", "changed"),
    [
        ("../docs/guide/gpu.md", "results/README.md", "results.md", "guide/gpu.md"),
        ("docs/decisions/index.md", "CONTRIBUTING.md", "project/contributing.md", "../decisions/index.md"),
        ("leaderboard.csv", "results/README.md", "results.md", "../results/leaderboard.csv"),
        ("gpu/check.md", "results/README.md", "results.md", f"{REPOSITORY}/results/gpu/check.md"),
        ("SECURITY.md", "CONTRIBUTING.md", "project/contributing.md", f"{REPOSITORY}/SECURITY.md"),
        ("https://semver.org", "CHANGELOG.md", "project/changelog.md", "https://semver.org"),
    ],
)
def test_links_lead_to_the_same_file(link: str, source: str, page: str, changed: str) -> None:
    assert relink(f"[a]({link}) and [b]({link}#part)", source, page) == f"[a]({changed}) and [b]({changed}#part)"


def test_links_within_a_page_stay() -> None:
    assert relink("[below](#on-a-gpu)", "results/README.md", "results.md") == "[below](#on-a-gpu)"


def test_every_page_is_there() -> None:
    assert all(text.startswith("# ") for text in root_pages().values())
