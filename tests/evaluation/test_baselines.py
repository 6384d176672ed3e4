"""Baselines: fitted once per training set, whoever asks, and never for another one."""

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.evaluation import baselines
from dynlearn.evaluation.baselines import fit_baselines


@pytest.fixture
def fits(monkeypatch) -> list[str]:
    """Which families were fitted as baselines, from now on."""
    done: list[str] = []
    fit = baselines.fit

    def counted(model, *args, **kwargs):
        done.append(type(model).__name__)
        return fit(model, *args, **kwargs)

    monkeypatch.setattr(baselines, "fit", counted)
    monkeypatch.setattr(baselines, "_FITTED", type(baselines._FITTED)())
    return done


@pytest.fixture(scope="module")
def parts(linear) -> tuple[xr.Dataset, ...]:
    return linear.dyn.split(0.5, 0.25, by="trajectory") if linear.dyn.n_runs > 3 else (linear, linear, linear)


def test_a_second_evaluation_fits_none_and_scores_the_same(fits, parts):
    train, valid, test = parts
    model = dl.fit(dl.models.ARX.from_data(train, delays=1), train, progress=False).model
    size = {"context": 8, "horizon": 4, "samples": 10}
    first = dl.evaluate(model, test, train=train, validation=valid, **size)
    assert fits == ["Persistence", "ContextTiling", "ARX"]
    second = dl.evaluate(model, test, train=train.copy(deep=True), validation=valid, **size)
    assert len(fits) == 3
    xr.testing.assert_identical(first, second)
    passed = dl.evaluate(model, test, train=train, baselines=fit_baselines(train, valid, 8), **size)
    assert len(fits) == 3
    assert passed.attrs["baselines_fitted_on"] == "data of their own"
    xr.testing.assert_equal(first, passed)


def changed(ds: xr.Dataset, what: str) -> xr.Dataset:
    ds = ds.copy(deep=True)
    if what == "a value":
        ds["output"][{"trajectory": 0, "time": 3, "output_name": 0}] += 1e-3
    if what == "an instant":
        t = ds["t"].values.copy()
        return ds.assign_coords(t=(ds["t"].dims, t + 1e-3, ds["t"].attrs))
    if what == "a unit":
        units = ds["output_unit"].values.copy()
        units[0] = "km"
        return ds.assign_coords(output_unit=("output_name", units))
    if what == "a control":
        ds["control"][{"trajectory": 0, "time": 3}] += 1e-3
    return ds


@pytest.mark.parametrize("what", ["a value", "an instant", "a unit", "a control"])
def test_other_data_are_fitted_anew(fits, linear, what):
    fit_baselines(linear, context=6)
    fit_baselines(changed(linear, what), context=6)
    assert len(fits) == 6


def test_another_context_or_validation_is_fitted_anew(fits, linear):
    one = fit_baselines(linear, context=6)
    assert fit_baselines(linear, context=7).models["persistence"].memory == 7
    other = fit_baselines(linear, changed(linear, "a value"), 6)
    assert other.models["ARX"] is not one.models["ARX"]
    del one.models["ARX"]  # the caller's own
    assert set(fit_baselines(linear, context=6).models) == set(baselines.NAMES)
    assert len(fits) == 9


def test_what_is_passed_must_fit(linear):
    model = dl.fit(dl.models.ARX.from_data(linear, delays=1), linear, progress=False).model
    with pytest.raises(ArgumentError, match=r"baselines: expected what dl\.evaluation\.fit_baselines"):
        dl.evaluate(model, linear, context=5, horizon=4, baselines={"ARX": model})
    fitted = fit_baselines(linear, context=8)
    with pytest.raises(
        ArgumentError, match=r"look back 8 samples, the context has 5; fit them with .*context=5"
    ):
        dl.evaluate(model, linear, context=5, horizon=4, baselines=fitted)
    other = linear.assign_coords(output_name=["a", "b"])
    another = dl.fit(dl.models.ARX.from_data(other, delays=1), other, progress=False).model
    with pytest.raises(ArgumentError, match="output"):
        dl.evaluate(another, other, context=8, horizon=4, baselines=fitted)
    with pytest.raises(ArgumentError, match="context: expected an integer >= 1"):
        fit_baselines(linear, context=0)
    with pytest.raises(SchemaError):
        fit_baselines(linear.isel(trajectory=0))


def test_only_so_many_training_sets_are_remembered(fits, linear, monkeypatch):
    monkeypatch.setattr(baselines, "KEPT", 2)
    for context in (4, 5, 6):
        fit_baselines(linear, context=context)
    assert len(baselines._FITTED) == 2
    count = len(fits)
    fit_baselines(linear, context=6)
    assert len(fits) == count
    fit_baselines(linear, context=4)
    assert len(fits) == count + 3
    assert np.isfinite(fit_baselines(linear, context=4).models["ARX"].noise.sigma).all()


def test_a_context_of_another_length_or_another_validation_set_is_refused(linear):
    """A longer context would flatter the model against the tiling of a shorter one."""
    model = dl.fit(dl.models.ARX.from_data(linear, delays=1), linear, progress=False).model
    with pytest.raises(ArgumentError, match="look back 5 samples, the context has 8"):
        dl.evaluate(model, linear, context=8, horizon=4, baselines=fit_baselines(linear, context=5))
    other = linear.assign_coords(output_name=["a", "b"])
    for call in (
        lambda: fit_baselines(linear, other, 5),
        lambda: dl.evaluate(model, linear, context=8, horizon=4, train=linear, validation=other),
    ):
        with pytest.raises(ArgumentError, match="output"):
            call()
