"""The registry: names, cards, loading, and the errors' texts."""

import subprocess
import sys

import numpy as np
import pytest

import dynlearn.datasets as datasets
from dynlearn.datasets import files
from dynlearn.datasets import shipped_series as _shipped
from dynlearn.errors import ArgumentError, FileFormatError
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.schema import units

MEASURED = {
    "laser": (10093, 1, 0),
    "gait": (7040, 3, 0),
    "co2": (2284, 1, 0),
    "elnino": (732, 1, 0),
    "pv_module": (480, 1, 3),
}


def test_every_name_has_a_complete_card():
    for name in datasets.names():
        card = datasets.info(name)
        assert card.name == name
        assert card.description
        assert card.licence
        assert card.source
        if card.kind != "simulated":
            assert card.size > 0
            assert all(len(sha256) == 64 for sha256 in card.sha256.values())


def test_names_by_kind():
    kinds = [datasets.names(kind) for kind in ("measured", "benchmark", "simulated")]
    assert sorted(sum(kinds, ())) == list(datasets.names())
    assert set(kinds[0]) == set(MEASURED)
    assert len(kinds[2]) == 7
    with pytest.raises(ArgumentError, match="unknown kind of dataset 'real'"):
        datasets.names("real")


def test_unknown_names_and_options():
    with pytest.raises(ArgumentError, match="unknown dataset 'lorentz63'; did you mean 'lorenz63'"):
        datasets.load("lorentz63")
    with pytest.raises(ArgumentError, match="unknown dataset 'laserr'; did you mean 'laser'"):
        datasets.info("laserr")
    with pytest.raises(
        ArgumentError, match=r"unknown option of load\('lorenz63'\) 'lenght'; did you mean 'length'"
    ):
        datasets.load("lorenz63", lenght=5)
    with pytest.raises(ArgumentError, match=r"load\('laser'\): expected no options, got 'runs'"):
        datasets.load("laser", runs=5)
    with pytest.raises(ArgumentError, match=r"unknown option of .* 'contxt'; did you mean 'context'"):
        datasets.load("santafe_laser", contxt=5)


def test_constructor_options_reach_a_system():
    still = datasets.load("lorenz63", rho=0.5, runs=1, length=5)
    np.testing.assert_allclose(still["state"], 0, atol=0.1)


def test_unknown_attribute():
    with pytest.raises(AttributeError, match="Lorentz"):
        _ = datasets.Lorentz
    assert "Lorenz63" in dir(datasets)


@pytest.mark.parametrize("name", MEASURED)
def test_measured_series(name):
    ds = validate(datasets.load(name))
    length, outputs, controls = MEASURED[name]
    assert ds.dyn.lengths.tolist() == [length]
    assert len(units(ds, "output")) == outputs
    assert len(units(ds, "control")) == controls
    assert all(units(ds, "output"))
    assert all(units(ds, "control"))
    assert ds["t"].attrs["units"]
    steps = np.diff(ds["t"].values[0])
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)


@pytest.mark.parametrize("name", MEASURED)
def test_measured_series_are_small_and_say_where_they_are_from(name):
    card = datasets.info(name)
    assert card.size < 300_000
    file = files.shipped(f"{name}/{name}.csv")
    assert file.stat().st_size == card.size
    text = files.shipped(f"{name}/SOURCE.md").read_text()
    for heading in ("Who measured", "Origin", "Taken from", "Licence", "Extraction", "unit"):
        assert heading in text


def test_gaps_stay_gaps():
    co2 = datasets.load("co2")["output"].values
    assert np.isnan(co2).sum() == 59
    assert np.nanmin(co2) > 310


def test_a_changed_file_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "co2.csv"
    damaged.write_text("t,co2\n0,1.0\n")
    monkeypatch.setattr(_shipped, "shipped", lambda path: damaged)
    with pytest.raises(FileFormatError, match=r"expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}"):
        datasets.load("co2")


def test_an_incomplete_installation_says_so():
    with pytest.raises(FileFormatError, match="reinstall dynlearn"):
        files.shipped("nothing/nothing.csv")


def test_an_installed_package_has_its_own_copy(tmp_path, monkeypatch):
    package = tmp_path / "dynlearn" / "datasets"
    (package / "shipped" / "x").mkdir(parents=True)
    (package / "shipped" / "x" / "x.csv").write_text("t\n")
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    assert files.shipped("x/x.csv") == (package / "shipped" / "x" / "x.csv").resolve()


def test_names_and_measured_series_do_not_import_jax():
    code = (
        "import sys, dynlearn.datasets as d; d.names(); d.info('lorenz63'); d.load('laser');"
        "d.load('santafe_laser');"
        "print(sorted({'jax', 'pooch', 'scipy.io', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
