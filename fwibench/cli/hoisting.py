"""Global options may stand anywhere in the command line, not in front of the command alone."""

from __future__ import annotations

SWITCHES = ("--no-plugins", "--strict-plugins", "--debug")
VALUED = ("--plugins-dir", "--disable-plugin", "--override")


def hoist(arguments: list[str]) -> list[str]:
    """Moves the global options, with their values, in front of the command; what follows `--` stays.

    Args:
        arguments: The command line without the program.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front, rest = [], []
    words = iter(arguments[:end])
    for word in words:
        if word in SWITCHES or word.startswith(tuple(f"{name}=" for name in VALUED)):
            front.append(word)
        elif word in VALUED:
            front += [word, *[value for value in [next(words, None)] if value is not None]]
        else:
            rest.append(word)
    return [*front, *rest, *arguments[end:]]
