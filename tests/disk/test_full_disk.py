"""A disk that is full, a folder that is read-only or missing: one sentence, the old file whole, nothing left behind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.cli import _files
from dynlearn.errors import ArgumentError, WriteError

LONG = 4000


@pytest.fixture(scope="module")
def big():
    return dl.from_arrays(np.random.default_rng(0).normal(size=(LONG, 8)), dt=0.1)


def figure(ds, path):
    dl.plot.trajectories(ds.isel(output_name=slice(0, 1), time=slice(0, 50))).savefig(path)


def model_of(ds):
    return dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=128, key=0)


def kept(ds, folder):
    few = ds.isel(time=slice(0, 40), output_name=slice(0, 1))
    model = dl.models.LinearStateSpace.from_data(few, states=1, memory=2)
    dl.fit(model, few, method=dl.fitting.EM(steps=1), checkpoint=folder / "a.ck", progress=False)


def exported(ds, folder):
    from dynlearn.cli.datasets import _export

    _export(ds, folder / "a.csv")


WRITERS = {
    "nc": lambda ds, folder: dl.write(ds, folder / "a.nc"),
    "zarr": lambda ds, folder: dl.write(ds, folder / "a.zarr"),
    "scores": lambda ds, folder: _files.write_scores(ds, folder / "a.nc"),
    "csv": exported,
    "page": lambda ds, folder: dl.report.Report("Title").text("x" * 200_000).write(folder / "a.html"),
    "model": lambda ds, folder: dl.save(model_of(ds), folder / "a.dyn"),
    "checkpoint": kept,
    "figure": lambda ds, folder: figure(ds, folder / "a.png"),
}


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
        WRITERS[kind](big, small_disk)
    assert contents(small_disk) == before
    if kind in ("nc", "zarr"):
        assert dl.read(small_disk / f"a.{kind}").identical(small)


@pytest.mark.parametrize("kind", WRITERS)
def test_no_space_wherever_it_is_noticed(kind, big, tmp_path, monkeypatch):
    """Without a mount: the bytes are refused as they go onto the disk, which is where some file systems notice."""
    import errno
    import os

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"No space left on device; nothing was left behind"):
        WRITERS[kind](big, tmp_path)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_missing_folder(kind, big, tmp_path):
    with pytest.raises(
        ArgumentError, match=r"path: expected a file in an existing folder, got .*; create .* first"
    ):
        WRITERS[kind](big, tmp_path / "missing")


@pytest.mark.parametrize("kind", WRITERS)
def test_a_read_only_folder(kind, big, tmp_path):
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a read-only file system cannot be mounted here: {made.stderr.strip()}")
    try:
        with pytest.raises(WriteError, match="Read-only file system"):
            WRITERS[kind](big, tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


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


def test_a_figure_is_written_as_matplotlib_would(big, tmp_path):
    plot = dl.plot.trajectories(big.isel(output_name=slice(0, 1), time=slice(0, 50)))
    plot.savefig(tmp_path / "a")
    plot.savefig(tmp_path / "b.svg")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "b.svg").read_bytes()
    with pytest.raises(ArgumentError, match="unknown format of a figure 'pgn'; did you mean 'png'"):
        plot.savefig(tmp_path / "a.pgn")
