from tests.conftest import Command


def test_absent_results_folder_is_an_error(fwibench: Command) -> None:
    done = fwibench("reproduce", "mean-map", "--results", "nowhere")
    assert done.returncode == 1
    assert "there is no folder nowhere" in done.stderr
