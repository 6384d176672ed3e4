"""One file of arrays and a JSON manifest, written whole or not at all, read without pickle."""

import io
import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from dynlearn.errors import ArgumentError, FileFormatError

_MANIFEST = "manifest.json"


def write(path: str | os.PathLike, kind: str, version: int, content: Any, arrays: list[np.ndarray]) -> None:
    """A zip of `manifest.json` (kind, version, content) and `0.npy`, `1.npy`, ...

    Written beside its destination and moved there, so that a kill leaves the old file or the new one.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ArgumentError(
            f"path: expected a file in an existing folder, got {path}; create {path.parent} first."
        )
    # Opened like any file (mkstemp would hide it from everybody else), under a name nobody else writes to.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            manifest = {"kind": kind, "version": version, "arrays": len(arrays), "content": content}
            archive.writestr(_MANIFEST, json.dumps(manifest, allow_nan=False))
            for i, array in enumerate(arrays):
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                archive.writestr(f"{i}.npy", buffer.getvalue())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read(path: str | os.PathLike, kind: str, version: int) -> tuple[Any, list[np.ndarray]]:
    """The content and arrays of a file that `write` made, or `FileFormatError` saying what it is instead."""
    path = Path(path)
    if not path.is_file():
        raise FileFormatError(f"{path}: expected a {kind} file, found nothing there; check the path.")
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(_MANIFEST))
            _check_manifest(path, manifest, kind, version)
            arrays = [
                np.load(io.BytesIO(archive.read(f"{i}.npy")), allow_pickle=False)
                for i in range(manifest["arrays"])
            ]
    except FileFormatError:
        raise
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        raise FileFormatError(
            f"{path}: expected a {kind} file, but it is damaged or of another format ({error}); write it again."
        ) from error
    return manifest["content"], arrays


def _check_manifest(path: Path, manifest: Any, kind: str, version: int) -> None:
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        came = manifest.get("kind") if isinstance(manifest, dict) else type(manifest).__name__
        raise FileFormatError(f"{path}: expected a {kind} file, this one says it is {came!r}.")
    if manifest["version"] != version:
        raise FileFormatError(
            f"{path}: expected {kind} format version {version}, got {manifest['version']}; "
            f"open it with the dynlearn release that wrote it."
        )
