"""Benchmark loaders on tiny files of the same layout, written here; the real files are never needed."""

import dataclasses
import io
import tarfile

import numpy as np
import pytest
import scipy.io

import dynlearn.datasets as datasets
from dynlearn.datasets import benchmarks, files
from dynlearn.datasets.benchmarks import (
    cascaded_tanks,
    ett,
    f1tenth_car,
    gas_furnace,
    lorenz63_alrnn,
    physionet2012,
    schunk_arm,
    wiener_hammerstein_2009,
)
from dynlearn.disk.cache import CACHE
from dynlearn.errors import ArgumentError, FileFormatError
from dynlearn.trajectories.checks.validate import validate


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(files.DATA, str(tmp_path))
    monkeypatch.delenv(CACHE, raising=False)
    return tmp_path


def place(folder, file, content):
    path = folder / file.path
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return dataclasses.replace(file, sha256=files.checksum(path))


def test_cascaded_tanks(folder, monkeypatch):
    text = '"uEst","uVal","yEst","yVal","Ts",\n1,2,3,4,4,\n5,6,7,8,,\n'
    monkeypatch.setattr(cascaded_tanks, "FILE", place(folder, cascaded_tanks.FILE, text))
    ds = validate(datasets.load("cascaded_tanks"))
    assert ds["trajectory"].values.tolist() == ["train", "test"]
    assert ds.sel(trajectory="test")["output"].values.tolist() == [[4], [8]]
    assert ds.sel(trajectory="train")["control"].values.tolist() == [[1], [5]]
    assert ds["t"].values[0].tolist() == [0, 4]


def test_wiener_hammerstein(folder, monkeypatch):
    buffer = io.BytesIO()
    record = np.arange(12.0)[:, None]
    scipy.io.savemat(buffer, {"uBenchMark": record, "yBenchMark": -record, "fs": 51200.0})
    monkeypatch.setattr(
        wiener_hammerstein_2009, "FILE", place(folder, wiener_hammerstein_2009.FILE, buffer.getvalue())
    )
    monkeypatch.setattr(wiener_hammerstein_2009, "CUTS", {"train": (2, 6), "test": (6, 9)})
    ds = datasets.load("wiener_hammerstein_2009", context=1)
    assert ds.dyn.lengths.tolist() == [4, 4]
    assert ds.sel(trajectory="test")["output"].values[:, 0].tolist() == [-5, -6, -7, -8]
    assert ds["t"].values[1, 0] == 5 / 51200


def test_the_official_cuts():
    assert wiener_hammerstein_2009.CUTS == {"train": (5200, 105200), "test": (105200, 184000)}
    assert ett.CUTS == {"train": (0, 8640), "valid": (8640, 11520), "test": (11520, 14400)}


def test_gas_furnace(folder, monkeypatch):
    text = "InputGasRate,CO2\n" + "".join(f" {i}.5,{100 + i}.0\n" for i in range(296))
    monkeypatch.setattr(gas_furnace, "FILE", place(folder, gas_furnace.FILE, text))
    ds = datasets.load("gas_furnace")
    assert ds.dyn.lengths.tolist() == [148, 148]
    assert ds.sel(trajectory="test")["output"].values[0, 0] == 248
    assert ds["t"].values[1, 0] == 9 * 148


def test_lorenz63_alrnn(folder, monkeypatch):
    for attribute, sign in (("TRAIN", 1), ("TEST", -1)):
        buffer = io.BytesIO()
        np.save(buffer, sign * np.arange(18.0).reshape(6, 3))
        file = place(folder, getattr(lorenz63_alrnn, attribute), buffer.getvalue())
        monkeypatch.setattr(lorenz63_alrnn, attribute, file)
    ds = datasets.load("lorenz63_alrnn", drop=2)
    assert ds["t"].values.tolist() == [[2, 3, 4, 5]] * 2
    assert ds["output"].values[:, 0].tolist() == [[6, 7, 8], [-6, -7, -8]]
    with pytest.raises(ArgumentError, match="drop: expected an integer >= 0, got -1"):
        datasets.load("lorenz63_alrnn", drop=-1)


def test_ett(folder, monkeypatch):
    rows = "".join(f"2016-07-01 {i:02d}:00:00,{','.join([str(i)] * 7)}\n" for i in range(10))
    text = "date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT\n" + rows
    monkeypatch.setattr(ett, "FILES", {name: place(folder, file, text) for name, file in ett.FILES.items()})
    monkeypatch.setattr(ett, "CUTS", {"train": (0, 5), "valid": (5, 7), "test": (7, 9)})
    ds = datasets.load("ett", series="ETTh2", context=3)
    assert ds["trajectory"].values.tolist() == ["train", "valid", "test"]
    assert ds.sel(trajectory="test")["t"].values.tolist() == [4, 5, 6, 7, 8]
    assert ds.sel(trajectory="valid")["output"].values[0].tolist() == [2] * 7
    with pytest.raises(ArgumentError, match="unknown series of ett 'ETTm1'; did you mean 'ETTh1'"):
        datasets.load("ett", series="ETTm1")
    with pytest.raises(ArgumentError, match="context: expected an integer"):
        datasets.load("ett", context=-3)


def test_santafe_laser_is_cut_from_the_shipped_series():
    ds = datasets.load("santafe_laser")
    whole = datasets.load("laser")["output"].values[0]
    np.testing.assert_array_equal(ds.sel(trajectory="test")["output"].values[:100], whole[1000:1100])
    assert ds.dyn.lengths.tolist() == [1000, 100]


@pytest.mark.parametrize(("module", "outputs", "controls"), [(f1tenth_car, 4, 2), (schunk_arm, 12, 6)])
def test_folders_of_runs(folder, monkeypatch, module, outputs, controls):
    root = folder / module.FILE.path
    for run, length in ((2, 4), (10, 3)):
        (root / f"measurement_{run}").mkdir(parents=True)
        for name, values in (
            ("trajectory", np.full((length, outputs), run)),
            ("input", np.full((length - 1, controls), -run)),
            ("time", 0.1 * np.arange(length)[:, None]),
        ):
            np.savetxt(root / f"measurement_{run}" / f"{name}.csv", values, delimiter=",")
    file = dataclasses.replace(module.FILE, sha256=files.checksum(root, module.FILE.pattern))
    monkeypatch.setattr(module, "FILE", file)
    ds = validate(datasets.load(module.INFO.name))
    assert ds["trajectory"].values.tolist() == [2, 10]
    assert ds.dyn.lengths.tolist() == [4, 3]
    assert (ds.sizes["output_name"], ds.sizes["control_name"]) == (outputs, controls)
    assert ds["output"].values[1, 2, 0] == 10
    np.testing.assert_array_equal(ds["control"].values[1, :, 0], [-10, -10, np.nan, np.nan])

    (root / "measurement_2" / "time.csv").write_text("0\n")
    with pytest.raises(FileFormatError, match="the folder is damaged"):
        datasets.load(module.INFO.name)


STAYS = {
    "100": "00:00,RecordID,100\n00:00,Age,54\n00:00,Height,-1\n01:30,HR,70\n01:30,HR,80\n02:00,pH,7.4\n",
    "101": "00:00,RecordID,101\n00:00,Age,60\n00:00,,5\n47:45,Temp,36.5",
}


@pytest.fixture
def stays(folder, monkeypatch):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("data/set-a/"))
        for record, rows in STAYS.items():
            text = "Time,Parameter,Value\n" + rows
            member = tarfile.TarInfo(f"data/set-a/{record}.txt")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    file = place(folder, physionet2012.FILES["a"], buffer.getvalue())
    monkeypatch.setitem(physionet2012.FILES, "a", file)


@pytest.mark.parametrize("chunk", [None, 1, 500])
def test_physionet2012(stays, chunk):
    ds = validate(datasets.load("physionet2012", sets=("a",), chunk=chunk))
    assert (ds["output"].chunks is None) == (chunk is None)
    assert ds["trajectory"].values.tolist() == [100, 101]
    assert ds.sizes["output_name"] == 41
    np.testing.assert_array_equal(ds["t"], [[0, 1.5, 2], [0, 47.75, np.nan]])
    values = ds["output"].to_series().dropna().to_dict()
    expected = {
        (100, 0, "Age"): 54,
        (100, 1, "HR"): 75,
        (100, 2, "pH"): 7.4,
        (101, 0, "Age"): 60,
        (101, 1, "Temp"): 36.5,
    }
    found = {(run, step, name): value for (run, step, name), value in values.items()}
    assert found == {key: np.float32(value) for key, value in expected.items()}


def test_physionet2012_options(stays):
    assert datasets.load("physionet2012", sets=("a",), limit=1).sizes["trajectory"] == 1
    with pytest.raises(ArgumentError, match="unknown set of physionet2012 'd'"):
        datasets.load("physionet2012", sets=("d",))
    with pytest.raises(ArgumentError, match="limit: expected at least one"):
        datasets.load("physionet2012", sets=("a",), limit=0)
    with pytest.raises(ArgumentError, match="sets: expected at least one"):
        datasets.load("physionet2012", sets=())


class TestFiles:
    file = files.File("thing/thing.csv", "0" * 64, 3, page="https://example.org/thing")

    def test_no_variable(self, monkeypatch):
        monkeypatch.delenv(files.DATA, raising=False)
        with pytest.raises(
            ArgumentError, match=r"DYNLEARN_DATA is not set; get it from https://example.org/thing"
        ):
            files.fetch(self.file)

    def test_no_file(self, folder):
        with pytest.raises(
            ArgumentError, match=r"DYNLEARN_DATA is '.*', and there is no .*thing.csv; get it from"
        ):
            files.fetch(self.file)

    def test_a_wrong_file(self, folder):
        place(folder, self.file, "abc")
        with pytest.raises(FileFormatError) as caught:
            files.fetch(self.file)
        abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert "0" * 64 in str(caught.value)
        assert abc in str(caught.value)
        assert "thing.csv" in str(caught.value)

    def test_download(self, tmp_path, monkeypatch):
        import pooch

        monkeypatch.delenv(files.DATA, raising=False)
        monkeypatch.setenv(CACHE, str(tmp_path))
        asked = {}

        def retrieve(url, known_hash, fname, path):
            asked.update(url=url, known_hash=known_hash, fname=fname, path=path)
            return str(path / fname)

        monkeypatch.setattr(pooch, "retrieve", retrieve)
        found = files.fetch(dataclasses.replace(self.file, address="https://example.org/thing.csv"))
        assert found == tmp_path / "thing" / "thing.csv"
        assert asked["url"] == "https://example.org/thing.csv"
        assert asked["known_hash"] == "sha256:" + "0" * 64

    @pytest.mark.parametrize("error", [OSError("no route to host"), ValueError("SHA256 hash does not match")])
    def test_download_that_fails(self, tmp_path, monkeypatch, error):
        import pooch

        def retrieve(*args, **kwargs):
            raise error

        monkeypatch.delenv(files.DATA, raising=False)
        monkeypatch.setenv(CACHE, str(tmp_path))
        monkeypatch.setattr(pooch, "retrieve", retrieve)
        with pytest.raises(FileFormatError, match=f"{error}; get it by hand from .* DYNLEARN_DATA=<folder>"):
            files.fetch(dataclasses.replace(self.file, address="https://example.org/thing.csv"))

    def test_every_benchmark_says_where_its_files_are_from(self, monkeypatch, tmp_path):
        monkeypatch.setenv(files.DATA, str(tmp_path))
        by_hand = [b for b in benchmarks.ALL if b.INFO.name not in ("ett", "gas_furnace", "santafe_laser")]
        for benchmark in by_hand:
            with pytest.raises(ArgumentError, match=r"get it from https://.*set DYNLEARN_DATA=<folder>"):
                datasets.load(benchmark.INFO.name)
