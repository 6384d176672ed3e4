"""Changing our files as an attacker would: what is inside, and the digest over it anew."""

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dynlearn.disk.seal import SIZE, sealed

DEEP = "very deep"


def manifest_changed(source: Path, target: Path, change: Callable[[dict], object]) -> None:
    """The archive with its manifest changed in place, under a digest that is right."""
    rewritten(
        source,
        target,
        {"manifest.json": lambda text: json.dumps(_changed(json.loads(text), change)).encode()},
    )


def rewritten(
    source: Path, target: Path, changes: dict[str, Callable[[bytes], bytes]], keep: bool = True
) -> None:
    """The archive with the bytes of some entries changed (and the others kept), under a digest that is right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist() if keep else changes:
            new.writestr(name, changes.get(name, bytes)(old.read(name)))
        new.comment = b" " * SIZE
    target.write_bytes(sealed(buffer.getvalue()[:-SIZE]))


def dumped(manifest: dict) -> bytes:
    """As JSON; what `DEEP` stands for is nested more deeply than a program could build it."""
    return (
        json.dumps(manifest)
        .replace(json.dumps(DEEP), '{"tuple": [' * 100_000 + "0" + "]}" * 100_000)
        .encode()
    )


def _changed(manifest: dict, change: Callable[[dict], object]) -> dict:
    change(manifest)
    return manifest


ODD = (
    None,
    True,
    -1,
    0,
    1,
    3,
    10**12,
    0.5,
    -2.0,
    1e300,
    "",
    "tanh",
    "zero",
    [],
    {},
    [0],
    {"array": 0},
    {"array": 999},
)
"""What takes the place of something in a manifest."""


def mutated(source: Path, target: Path, rng: random.Random) -> str:
    """One change at random of what an archive holds, under a digest that is right; returns what it was."""
    with zipfile.ZipFile(source) as archive:
        names = archive.namelist()
    kind = rng.choice(("value", "value", "value", "key", "swap", "bytes", "array", "entry", "deep"))
    if kind in ("value", "key", "swap", "deep"):
        manifest_changed(source, target, lambda manifest: _change_manifest(manifest, kind, rng))
    elif kind == "entry":
        gone = rng.choice(names)
        rewritten(source, target, {name: bytes for name in names if name != gone}, keep=False)
    else:
        name = rng.choice(names if kind == "bytes" else names[1:])
        rewritten(source, target, {name: lambda data: _change_bytes(data, rng, header=kind == "array")})
    return kind


def flipped(source: Path, target: Path, rng: random.Random) -> None:
    """One bit at random changed."""
    data = bytearray(source.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    target.write_bytes(bytes(data))


def _change_bytes(data: bytes, rng: random.Random, *, header: bool) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(min(len(data), 128) if header else len(data))] = rng.randrange(256)
    return bytes(changed)


def _change_manifest(manifest: Any, kind: str, rng: random.Random) -> None:
    places = list(_places(manifest))
    parent, key = rng.choice(places)
    if kind == "value":
        parent[key] = rng.choice(ODD)
    elif kind == "key" and isinstance(parent, dict):
        value = parent.pop(key)
        if rng.random() < 0.5:
            parent[rng.choice(("fields", "class", "array", "other", "tuple"))] = value
    elif kind == "swap":
        other, at = rng.choice(places)
        parent[key] = copy.deepcopy(other[at])
    else:
        for _ in range(50):
            parent[key] = {"tuple": [parent[key]]}
        parent[key] = rng.choice((parent[key], DEEP))


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _places(value)
