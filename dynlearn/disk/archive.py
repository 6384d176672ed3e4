"""One file of arrays and a JSON manifest, written whole or not at all, read without pickle."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from dynlearn.disk.seal import SIZE, sealed, unsealed
from dynlearn.disk.there import check_there
from dynlearn.disk.whole import put
from dynlearn.errors import DynlearnError, FileFormatError

_MANIFEST = "manifest.json"


def write(path: str | os.PathLike, kind: str, version: int, content: Any, arrays: list[np.ndarray]) -> None:
    """A zip of `manifest.json` (kind, version, content) and `0.npy`, `1.npy`, ..., its digest as its comment."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        manifest = {"kind": kind, "version": version, "arrays": len(arrays), "content": content}
        archive.writestr(_MANIFEST, json.dumps(manifest, allow_nan=False))
        for i, array in enumerate(arrays):
            column = io.BytesIO()
            np.save(column, array, allow_pickle=False)
            archive.writestr(f"{i}.npy", column.getvalue())
        archive.comment = b" " * SIZE
    put(path, sealed(buffer.getvalue()[:-SIZE]))


def read(path: str | os.PathLike, kind: str, version: int) -> tuple[Any, list[np.ndarray]]:
    """The content and arrays of a file that `write` made, or `FileFormatError` saying what it is instead.

    Nothing larger than the file comes into being: entries are not compressed, and an array is as long as its
    header says or the file is refused.
    """
    expected = f"{path}: expected a {kind} file"
    try:
        data = check_there(path, f"a {kind} file").read_bytes()
    except IsADirectoryError as error:
        remedy = (
            "open it with dl.read" if Path(path).suffix == ".zarr" else "give the path of the file itself"
        )
        raise FileFormatError(f"{expected}, got a folder; {remedy}.") from error
    except OSError as error:
        if isinstance(error, DynlearnError):
            raise
        raise FileFormatError(f"{expected}, but it cannot be read ({error}); check the path.") from error
    # Whatever a damaged file makes the parsers below say, it is said in one sentence.
    try:
        return _parsed(expected, data, kind, version)
    except FileFormatError:
        raise
    except Exception as error:
        raise FileFormatError(
            f"{expected}, but it is damaged or of another format ({type(error).__name__}: {error!s:.200}); write it "
            f"again."
        ) from error


def _parsed(expected: str, data: bytes, kind: str, version: int) -> tuple[Any, list[np.ndarray]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if len(set(names)) < len(names) or sum(entry.file_size for entry in archive.infolist()) > len(data):
            raise ValueError("its entries are doubled, or larger than the file")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError("its entries are compressed")
        manifest = _manifest(archive.read(_MANIFEST))
        _check_manifest(expected, manifest, kind, version)
        if not unsealed(data)[1]:
            raise ValueError("what it holds is not what was written")
        if set(names) != {_MANIFEST, *(f"{i}.npy" for i in range(len(names) - 1))}:
            raise ValueError("it holds other entries than were written")
        if manifest["arrays"] != len(names) - 1:
            raise ValueError(f"{manifest['arrays']!r} arrays were written, {len(names) - 1} are there")
        return manifest["content"], [_array(archive.read(f"{i}.npy")) for i in range(len(names) - 1)]


def _manifest(text: bytes) -> Any:
    def refused(constant: str) -> None:
        raise ValueError(f"{constant} in its manifest")

    return json.loads(text, parse_constant=refused)


def _check_manifest(expected: str, manifest: Any, kind: str, version: int) -> None:
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        came = manifest.get("kind") if isinstance(manifest, dict) else type(manifest).__name__
        raise FileFormatError(f"{expected}, this one says it is {came!r}.")
    if manifest["version"] != version:
        raise FileFormatError(
            f"{expected} of format version {version}, got {manifest['version']!s:.40}; open it with the dynlearn "
            f"release that wrote it."
        )


def _array(data: bytes) -> np.ndarray:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, fortran, dtype = read_header[version](stream)
    left = data[stream.tell() :]
    if dtype.hasobject or dtype.kind not in "fiubc" or any(n < 0 for n in shape):
        raise ValueError(f"an array of {dtype} and shape {shape}")
    size = dtype.itemsize
    for n in shape:
        size *= n
    if size != len(left):
        raise ValueError(f"an array of {size} bytes is said to be {len(left)} bytes long")
    flat = np.frombuffer(left, dtype)
    return flat.reshape(shape, order="F" if fortran else "C").copy(order="K")
