"""Changing our files as an attacker would: what is inside, and the digest over it anew."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from dynlearn.disk.seal import SIZE, sealed


def manifest_changed(source: Path, target: Path, change: Callable[[dict], object]) -> None:
    """The archive with its manifest changed in place, under a digest that is right."""
    rewritten(
        source,
        target,
        {"manifest.json": lambda text: json.dumps(_changed(json.loads(text), change)).encode()},
    )


def rewritten(source: Path, target: Path, changes: dict[str, Callable[[bytes], bytes]]) -> None:
    """The archive with the bytes of some entries changed, under a digest that is right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, changes.get(name, bytes)(old.read(name)))
        new.comment = b" " * SIZE
    target.write_bytes(sealed(buffer.getvalue()[:-SIZE]))


def _changed(manifest: dict, change: Callable[[dict], object]) -> dict:
    change(manifest)
    return manifest
