"""A disk that is full, a folder that is read-only or missing: one sentence, the old file whole, nothing left behind."""

import errno
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.cli.shared import files
from dynlearn.cli.shared.csv import write_csv
from dynlearn.disk import _flock, clear_leftovers, locked, put, replacing
from dynlearn.errors import ArgumentError, WriteError

LONG = 4000


@pytest.fixture(scope="module")
def big():
    return dl.from_arrays(np.random.default_rng(0).normal(size=(LONG, 8)), dt=0.1)


def figure(ds, path):
    dl.plot.trajectories(ds.isel(output_name=slice(0, 1), time=slice(0, 50))).savefig(path)


def saved(ds, path):
    dl.save(dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=128, key=0), path)


def kept(ds, path):
    few = ds.isel(time=slice(0, 40), output_name=slice(0, 1))
    model = dl.models.LinearStateSpace.from_data(few, states=1, memory=2)
    dl.fit(model, few, method=dl.fitting.EM(steps=1), checkpoint=path, progress=False)


def page(ds, path):
    dl.report.Report("Title").text("x" * 200_000).write(path)


WRITERS = {
    "nc": ("a.nc", dl.write),
    "zarr": ("a.zarr", dl.write),
    "scores": ("a.nc", files.write_scores),
    "csv": ("a.csv", write_csv),
    "page": ("a.html", page),
    "model": ("a.dyn", saved),
    "checkpoint": ("a.ck", kept),
    "figure": ("a.png", figure),
}


def written(kind, ds, folder):
    name, write = WRITERS[kind]
    write(ds, folder / name)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB with an old file of each kind on it."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize("kind", [k for k in WRITERS if k not in ("checkpoint", "figure")])
def test_a_full_disk(kind, big, small_disk):
    small = big.isel(time=slice(0, 3), output_name=slice(0, 1))
    if kind in ("nc", "zarr"):
        dl.write(small, small_disk / f"a.{kind}")
    before = contents(small_disk)
    with pytest.raises(
        WriteError, match=r"a\.\w+: expected to write it, but: No space left.*Free space on the disk"
    ):
        written(kind, big, small_disk)
    assert contents(small_disk) == before
    if kind in ("nc", "zarr"):
        assert dl.read(small_disk / f"a.{kind}").identical(small)


@pytest.mark.parametrize("kind", WRITERS)
def test_no_space_wherever_it_is_noticed(kind, big, tmp_path, monkeypatch):
    """Without a mount: the bytes are refused as they go onto the disk, which is where some file systems notice."""

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"No space left on device; nothing was left behind"):
        written(kind, big, tmp_path)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_missing_folder(kind, big, tmp_path):
    with pytest.raises(
        ArgumentError, match=r"path: expected a file in an existing folder, got .*; create .* first"
    ):
        written(kind, big, tmp_path / "missing")


@pytest.mark.parametrize("kind", WRITERS)
def test_a_read_only_folder(kind, big, tmp_path):
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a read-only file system cannot be mounted here: {made.stderr.strip()}")
    try:
        with pytest.raises(WriteError, match="Read-only file system"):
            written(kind, big, tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_folder_that_is_there_and_takes_no_file(tmp_path, monkeypatch):
    """As /proc: creating answers that there is no such file, however often it is tried."""

    def nothing(self, *args, **kwargs):
        raise FileNotFoundError(2, "No such file or directory", str(self))

    monkeypatch.setattr(Path, "touch", nothing)
    with pytest.raises(WriteError, match="no file can be created there"):
        put(tmp_path / "a.html", b"text")
    assert list(tmp_path.iterdir()) == []


WRITING = """
import sys, time
from dynlearn.disk import replacing
with replacing(sys.argv[1]) as fresh:
    fresh.write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_what_is_being_written_stays_and_what_a_kill_left_goes(tmp_path):
    path = tmp_path / "a[1].html"
    writer = subprocess.Popen([sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"ready\n"
        dl.report.Report("Title").write(path)
        assert [p.name for p in tmp_path.glob(".*")] == [f".a[1].html.{writer.pid}-0.partial"]
    finally:
        writer.kill()
        writer.wait()
        writer.stdout.close()
    dl.report.Report("Title").write(path)
    assert [p.name for p in tmp_path.iterdir()] == ["a[1].html"]


@pytest.mark.parametrize("kind", [k for k in WRITERS if k != "zarr"])
def test_no_file_takes_the_place_of_a_folder(kind, big, tmp_path):
    name = "a.nc" if kind == "nc" else "a.zarr"
    dl.write(big.isel(time=slice(0, 3)), tmp_path / "a.zarr")
    (tmp_path / "a.zarr").rename(tmp_path / name)
    before = contents(tmp_path)
    with pytest.raises(
        ArgumentError, match=rf"path: expected a file, got the folder .*{name}'; add a name to it"
    ):
        WRITERS[kind][1](big, tmp_path / name)
    assert contents(tmp_path) == before


def test_a_command_takes_a_folder_for_a_series_alone(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    files.check_target("--output", tmp_path / "a.zarr", (".csv", ".zarr"))
    with pytest.raises(
        ArgumentError, match=r"--output: expected a file, got the folder .*a\.zarr'; add a name"
    ):
        files.check_target("--output", tmp_path / "a.zarr")


def test_no_folder_takes_the_place_of_a_file(big, tmp_path):
    (tmp_path / "a.zarr").write_bytes(b"mine")
    with pytest.raises(ArgumentError, match=r"expected a folder, got the file .*a\.zarr'; give another name"):
        dl.write(big, tmp_path / "a.zarr")
    assert contents(tmp_path) == {"a.zarr": b"mine"}


@pytest.mark.parametrize("goes_back", [True, False])
def test_a_store_that_cannot_be_moved_into_place_leaves_the_old_one(goes_back, big, tmp_path, monkeypatch):
    """And where the old one cannot be moved back, it is said where it is, and no later write removes it."""
    store, small = tmp_path / "a.zarr", big.isel(time=slice(0, 3))
    dl.write(small, store)
    calls, replace = itertools.count(1), os.replace

    def failing(source, target):
        call = next(calls) if Path(source).parent == tmp_path else 0  # zarr moves files within the store
        if call == 2 or (call == 3 and not goes_back):
            raise OSError(errno.EIO, "Input/output error", str(source), None, str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    kept = (
        r"the file that was there is unchanged" if goes_back else r"what was there is in \.a\.zarr\.\S+\.old"
    )
    with pytest.raises(WriteError, match=rf"Input/output error; {kept}\. Free space"):
        dl.write(big.isel(time=slice(0, 5)), store)
    monkeypatch.undo()
    clear_leftovers(store)
    (there,) = tmp_path.iterdir()
    assert dl.read(there.rename(store)).identical(small)


def test_what_was_replaced_goes_with_the_next_write(big, tmp_path):
    store, small = tmp_path / "a.zarr", big.isel(time=slice(0, 3))
    dl.write(small, store)
    dl.write(small, tmp_path / "b.zarr")
    (tmp_path / "b.zarr").rename(tmp_path / ".a.zarr.17-0.old")
    (tmp_path / ".a.zarr.mine.old").mkdir()
    dl.write(small, store)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".a.zarr.mine.old", "a.zarr"]


def test_what_goes_wrong_elsewhere_is_not_called_a_failure_to_write(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing") as caught, replacing(tmp_path / "a"):
        (tmp_path / "missing").read_bytes()
    assert not isinstance(caught.value, WriteError)
    assert contents(tmp_path) == {}


def test_a_place_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    """By somebody who looks between any two lines: once before it is open, once while it is being locked."""
    take, opened = _flock.take, os.open
    looks = iter(["before it is open", "while it is locked"])

    def open_late(path, *arguments):
        if next(looks, None) == "before it is open":
            os.unlink(path)
        return opened(path, *arguments)

    def take_late(descriptor):
        return take(descriptor) if next(looks, None) is None else False

    monkeypatch.setattr(os, "open", open_late)
    monkeypatch.setattr(_flock, "take", take_late)
    put(tmp_path / "a", b"content")
    assert contents(tmp_path) == {"a": b"content"}


def test_without_locks_nothing_is_taken_for_a_leftover(tmp_path, monkeypatch):
    monkeypatch.setattr(_flock, "fcntl", None)
    (tmp_path / ".a.17-0.partial").write_bytes(b"half")
    put(tmp_path / "a", b"content")
    with locked(tmp_path / "a", "file"):
        pass
    assert contents(tmp_path) == {"a": b"content", ".a.17-0.partial": b"half"}


def test_a_figure_is_written_as_matplotlib_would(big, tmp_path):
    plot = dl.plot.trajectories(big.isel(output_name=slice(0, 1), time=slice(0, 50)))
    plot.savefig(tmp_path / "a")
    plot.savefig(tmp_path / "b.svg")
    plot.savefig(tmp_path / "c.PNG")
    assert (tmp_path / "c.PNG").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "b.svg").read_bytes()
    with pytest.raises(ArgumentError, match="unknown format of a figure 'pgn'; did you mean 'png'"):
        plot.savefig(tmp_path / "a.pgn")
