"""`board`: a public leaderboard of bundles, as a folder of pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_line
from fwibench.cli.options import Published
from fwibench.cli.registry import open_registry
from fwibench.text.readable import counted


def board(
    bundles: Annotated[
        list[Path], typer.Argument(metavar="BUNDLE...", help="Bundles, and folders with bundles in them or below.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the site: new, empty or a former site.")
    ] = Path("site"),
    title: Annotated[str, typer.Option(metavar="TEXT", help="Heading of the site.")] = "Leaderboard",
    published: Published = False,
    max_samples: Annotated[
        int, typer.Option(metavar="N", min=0, help="Test samples of an entry whose maps are shown; 0: no maps.")
    ] = 3,
) -> None:
    """Make a public leaderboard of bundles: a folder of pages that needs no server and no network.

    Entries of other versions of a dataset or of a metric are in tables of their own. Bundles are not verified, see
    `fwibench verify`.
    """
    # drawing imports matplotlib
    from fwibench.report.site.bundles import read_entries
    from fwibench.report.site.folder import check_site, write_site
    from fwibench.report.site.pages import Pages
    from fwibench.report.site.site import Site

    check_site(output)
    site = Site(read_entries(bundles), open_registry(), title, published=published)
    files = dict(Pages(site, max_samples).files())
    size = write_site(output, files)
    counts = ", ".join(f"{count} {name}" for count, name in site.counts)
    print_line(f"{output / 'index.html'}: {counts}; {counted(len(files), 'file')}, {size / 1e6:.1f} MB")
