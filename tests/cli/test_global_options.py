from fwibench.cli.global_options import move_to_front


def test_global_options_move_to_front_with_their_values() -> None:
    assert move_to_front(["run", "--no-plugins", "-m", "x", "--plugins-dir", "a", "--override=b"]) == [
        "--no-plugins",
        "--plugins-dir",
        "a",
        "--override=b",
        "run",
        "-m",
        "x",
    ]
    assert move_to_front(["info", "--", "--debug"]) == ["info", "--", "--debug"]
    assert move_to_front(["list", "--plugins-dir"]) == ["--plugins-dir", "list"]
