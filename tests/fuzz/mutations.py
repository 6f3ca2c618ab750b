"""Random damage to texts, JSON and files; the same seed gives the same damage."""

import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DEEP = 100_000
"""Levels of brackets; Python's JSON parser fails at about a thousand."""

TEXTS = (
    "",
    " ",
    "a b",
    "a\tb",
    "-",
    "--",
    "=",
    "=cmd|' /C calc'!A0",
    "\r=cmd",
    "+1",
    "@x",
    "\x00",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "line\nbreak",
    "carriage\rreturn",
    "\u202eright to left",
    "\ud800",
    "\udcff\udcfe",
    "é" * 40,
    "漢字",
    "💥",
    "a" * 300,
    "a" * 5_000,
    "../../etc/passwd",
    "/etc/passwd",
    "~",
    "~nobody/x",
    ".",
    "..",
    "con",
    "{}",
    "[]",
    "[",
    "]",
    "[[[[",
    "salt[",
    "salt[snr=]",
    "salt[snr=nan]",
    "salt[snr=1e999]",
    "a[b=c|d|e]",
    "%s%n",
    "${HOME}",
    "$(id)",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "\\input{x}",
    "|",
    ",",
    ",,,",
    "None",
    "null",
    "true",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1e-400",
    "9" * 400,
    "0x10",
    "1_000",
    "½",
    "٣",
)
NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    2,
    -0.0,
    1e-320,
    1e308,
    -1e308,
    10**30,
    -(10**30),
    2**63,
    2**31,
    10**400,
    0.5,
    float("nan"),
    float("inf"),
    float("-inf"),
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [None], {"a": None}, {"": ""}, [[]], [1, "a", None], {"a": [{}]})


def value(rng: random.Random) -> Any:
    """Return a random value that JSON can hold, including NaN and infinity as Python writes them."""
    return rng.choice(rng.choice((TEXTS, NUMBERS, OTHERS)))


def spoil(rng: random.Random, whole: Any) -> Any:
    """Change one element of a JSON value: replace, remove, duplicate or add it."""
    path: list[tuple[Any, Any]] = []
    places: list[list[tuple[Any, Any]]] = []

    def walk(node: Any) -> None:
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            path.append((node, key))
            places.append(list(path))
            walk(child)
            path.pop()

    walk(whole)
    if not places:
        return value(rng)
    node, key = rng.choice(places)[-1]
    act = rng.randrange(6)
    if act == 0:
        del node[key]
    elif act == 1 and isinstance(node, dict):
        node[rng.choice(TEXTS)] = value(rng)
    elif act == 2 and isinstance(node, list):
        node.extend([node[key]] * rng.choice((1, 5, 100)))
    elif act == 3 and isinstance(node[key], str):
        node[key] += rng.choice(TEXTS)
    elif act == 4 and isinstance(node[key], int | float):
        node[key] = rng.choice(NUMBERS)
    else:
        node[key] = value(rng)
    return whole


def deep(rng: random.Random) -> str:
    """Return deeply nested brackets."""
    return rng.choice(("[" * DEEP + "]" * DEEP, "[" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP))


def damage_bytes(rng: random.Random, content: bytes) -> bytes:
    """Remove, replace, duplicate or insert bytes."""
    place = rng.randrange(len(content) + 1)
    end = min(len(content), place + rng.choice((1, 2, 16, 200)))
    junk = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4, 32))))
    return rng.choice(
        (
            b"",
            content[:place],
            content[place:],
            content[:place] + junk + content[end:],
            content[:place] + junk + content[place:],
            content[:place] + content[end:],
            content + content,
            content[:place] + b"\0" * (end - place) + content[end:],
            b"\xff\xfe" + content,
            junk,
        )
    )


def damage_json(rng: random.Random, content: bytes) -> bytes:
    """Change a value, damage bytes, or nest brackets deeper than a parser accepts."""
    kind = rng.randrange(10)
    if kind == 0:
        return damage_bytes(rng, content)
    whole = json.loads(content)
    for _ in range(rng.choice((1, 1, 1, 3))):
        whole = spoil(rng, whole)
    text = json.dumps(whole)
    if kind == 1:
        places = [i for i, sign in enumerate(text) if sign == ":"] or [0]
        place = rng.choice(places)
        text = text[: place + 1] + deep(rng) + text[place + 1 :]
    return text.encode()


def damage_table(rng: random.Random, content: bytes) -> bytes:
    """Change, add or remove a cell or row of a CSV table."""
    if rng.randrange(4) == 0:
        return damage_bytes(rng, content)
    rows = [line.split(",") for line in content.decode().splitlines()]
    row = rng.randrange(len(rows))
    act = rng.randrange(6)
    if act == 0:
        del rows[row]
    elif act == 1:
        rows.append(rows[row])
    elif act == 2:
        del rows[row][rng.randrange(len(rows[row]))]
    elif act == 3:
        rows[row].append(str(value(rng)))
    else:
        rows[row][rng.randrange(len(rows[row]))] = str(value(rng))
    return "\n".join(map(",".join, rows)).encode("utf-8", "surrogatepass")


def header(shape: tuple[int, ...], kind: str) -> bytes:
    """Return the header of an `.npy` file that declares an array of any size."""
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def array(rng: random.Random, like: Any) -> bytes:
    """Return an `.npy` file of unexpected shape, type, values or size."""
    shapes = ((), (0,), (1,), (3, 0), like.shape[1:], (*like.shape, 1), like.shape[::-1], (2**40,), (10**6, 10**6))
    kinds = ("<c8", "<U4", "|b1", "<M8[s]", "<i8", "<f2", "<f8", ">f4", "|O", "|V8", "<m8[D]", "|S3", "|u1")
    act = rng.randrange(6)
    if act == 0:
        shape = rng.choice([*shapes, (-1,), (2**62, 2**62), (2**63,), (1,) * 40])
        return header(shape, rng.choice(kinds)) + b"\0" * rng.choice((0, 10, 1000))
    stream = io.BytesIO()
    if act == 1:
        np.save(stream, np.zeros(rng.choice(shapes[:7]), like.dtype))
    elif act == 2:
        kind = rng.choice([kind for kind in kinds if kind not in ("|O", "|V8")])
        np.save(stream, np.zeros(like.shape, kind))
    elif act == 3:
        spoilt = np.array(like)
        if spoilt.dtype.kind == "f" and spoilt.size:
            spoilt.flat[rng.randrange(spoilt.size)] = rng.choice((np.nan, np.inf, -np.inf, 1e38, -1e38))
        np.save(stream, spoilt)
    elif act == 4:
        np.save(stream, like)
        return damage_bytes(rng, stream.getvalue())
    else:
        np.save(stream, np.array([{"a": 1}], object), allow_pickle=True)
    return stream.getvalue()


def damage_array(rng: random.Random, content: bytes) -> bytes:
    return array(rng, np.load(io.BytesIO(content)))


def damage_archive(rng: random.Random, content: bytes) -> bytes:
    """Remove, duplicate, rename or damage members of an archive; declare wrong sizes, zip bombs or unknown versions."""
    act = rng.randrange(9)
    if act == 0:
        return damage_bytes(rng, content)
    if act == 1:
        # version needed to extract
        spoilt = bytearray(content)
        for sign in (b"PK\x03\x04", b"PK\x01\x02"):
            place = spoilt.find(sign)
            if place >= 0:
                spoilt[place + 4] = rng.choice((99, 255, 63))
        return bytes(spoilt)
    members = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            members[name] = archive.read(name)
    name = rng.choice(list(members))
    stream = io.BytesIO()
    if act == 2:
        del members[name]
    elif act == 3:
        members[rng.choice(("..", "/", "x.npy", "ids.npy.npy", "a" * 300, "\x1b[31m.npy"))] = members.pop(name)
    elif act == 4:
        # zeros compress a thousandfold
        members[name] = header((2**28,), "<f4") + bytes(2**24)
    elif act == 5:
        members[name] = damage_bytes(rng, members[name])
    else:
        members[name] = array(rng, np.load(io.BytesIO(members[name])))
    kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(stream, "w", kind if act != 4 else zipfile.ZIP_DEFLATED) as archive:
        for member, body in members.items():
            archive.writestr(member, body)
            if act == 8:
                archive.writestr(f"{member}.txt", body)
    return stream.getvalue()


BY_SUFFIX: dict[str, Callable[[random.Random, bytes], bytes]] = {
    ".json": damage_json,
    ".csv": damage_table,
    ".npz": damage_archive,
    ".npy": damage_array,
}


def damage_file(rng: random.Random, path: Path) -> str:
    """Damage a file in place, or replace it with a folder or link; return what was done."""
    act = rng.randrange(25)
    content = path.read_bytes()
    path.unlink()
    if act == 0:
        return "removed"
    if act == 1:
        path.mkdir()
        return "a folder"
    if act == 2:
        path.symlink_to(path.name)
        return "a link to itself"
    if act == 3:
        path.write_bytes(bytes(rng.choice((1, 10**6))))
        return "zeros"
    path.write_bytes(BY_SUFFIX.get(path.suffix, damage_bytes)(rng, content))
    return "spoilt"
