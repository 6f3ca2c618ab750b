from tests.conftest import Command


def test_empty_results_folder_is_an_error_with_a_hint(fwibench: Command) -> None:
    done = fwibench("leaderboard", "--results", "nowhere")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: there are no records in nowhere",
        "hint: run fwibench run first, or name another folder with --results",
    ]
