import io

from rich.console import Console

from fwibench.api.progress import Bars


def test_progress_bars_print_square_brackets() -> None:
    console = Console(force_terminal=True, width=80, record=True, file=io.StringIO())
    with Bars(console) as bars:
        bars.begin("invlint on 2 samples of [bold]shots.npy")
        bars.event("", {"stage": "predict"})
        bars._progress.refresh()
    assert "[bold]shots.npy: predict" in console.export_text()
