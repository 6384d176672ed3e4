"""Where the files of the named datasets lie, and whether they are the right ones."""

import dataclasses
import hashlib
import os
from pathlib import Path

from dynlearn.disk.cache import cache_folder
from dynlearn.errors import ArgumentError, FileFormatError

DATA = "DYNLEARN_DATA"
"""Environment variable: a folder with one subfolder per benchmark."""


@dataclasses.dataclass(frozen=True)
class File:
    """One file, or one folder of files, of a benchmark.

    `path` is relative to the folder `DYNLEARN_DATA`. `sha256` is of the file's bytes; for a folder, of the
    lines `<sha256>  <path>` of all files in it that match `pattern`, sorted by path. `address` is where the
    very same bytes can be downloaded, None where no such place is known for certain. `page` says where to get
    it by hand.
    """

    path: str
    sha256: str
    size: int
    page: str
    address: str | None = None
    pattern: str | None = None


def shipped(path: str) -> Path:
    """A file that comes with the package: inside it when installed, in `data/` of a source checkout.

    >>> shipped("co2/co2.csv").name
    'co2.csv'
    """
    here = Path(__file__).resolve().parent
    places = [here / "shipped" / path, here.parents[1] / "data" / path]
    for place in places:
        if place.is_file():
            return place
    raise FileFormatError(
        f"{path}: expected it at {places[0]} (installed) or {places[1]} (source checkout), found neither; "
        "reinstall dynlearn."
    )


def fetch(file: File) -> Path:
    """The local path of a benchmark's file or folder: under `DYNLEARN_DATA`, or downloaded; its checksum is
    verified."""
    folder = os.environ.get(DATA)
    local = Path(folder, file.path) if folder else None
    if local is not None and local.exists():
        verify(local, file.sha256, file.pattern)
        return local
    if file.address is not None:
        return _download(file)
    came = f"{DATA} is not set" if local is None else f"{DATA} is {folder!r}, and there is no {local}"
    raise ArgumentError(
        f"{file.path}: expected it in the folder that the environment variable {DATA} names, but {came}; "
        f"get it from {file.page}, put it at <folder>/{file.path}, and set {DATA}=<folder>."
    )


def verify(path: Path, sha256: str, pattern: str | None = None) -> None:
    """Raise `FileFormatError` where the bytes at `path` are not those expected."""
    came = checksum(path, pattern)
    if came != sha256:
        raise FileFormatError(
            f"{path}: expected sha256 {sha256}, got {came}; the {'folder' if pattern else 'file'} is damaged "
            "or another version: replace it by the original."
        )


def checksum(path: Path, pattern: str | None = None) -> str:
    """sha256 of a file, or of the list of the checksums of a folder's files (see `File`)."""
    if pattern is None:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted((f.relative_to(path).as_posix(), f) for f in path.glob(pattern))
    lines = (f"{checksum(f)}  {name}\n" for name, f in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _download(file: File) -> Path:
    import pooch

    cache = cache_folder()
    name = Path(file.path)
    try:
        path = pooch.retrieve(
            file.address, known_hash=f"sha256:{file.sha256}", fname=name.name, path=cache / name.parent
        )
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{file.path}: expected to download it from {file.address}, got: {error}; "
            f"get it by hand from {file.page}, put it at <folder>/{file.path}, "
            f"and set the environment variable {DATA}=<folder>."
        ) from error
    return Path(path)
