"""A filter in parts, of runs and of samples, says what it says of all at once."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.inference import Exact, Particle, Unscented, _parts
from dynlearn.models import ContinuousDiscrete, LinearStateSpace, NonlinearStateSpace, SwitchingLinear
from dynlearn.numerics import precision
from dynlearn.trajectories.device.to_device import on_host
from tests.conftest import linear_runs, uneven_runs


def gappy() -> xr.Dataset:
    """Runs of 30, 5, 26 and 14 samples, an eighth of the values missing, under linear hold."""
    ds = linear_runs(lengths=(30, 5, 26, 14), noise=0.1).copy(deep=True)
    ds["output"].values[np.random.default_rng(0).random(ds["output"].shape) < 0.125] = np.nan
    ds["control"].attrs["hold"] = "linear"
    return ds


def held(ds: xr.Dataset) -> xr.Dataset:
    ds = ds.copy()
    ds["control"].attrs["hold"] = "zero"
    return ds


def linear(ds: xr.Dataset) -> LinearStateSpace:
    """Whose outputs feed the control through."""
    model = LinearStateSpace.from_data(ds, states=3, feedthrough=True)
    return dl.fit(model, ds, method="calibration", progress=False).model


def bent(ds: xr.Dataset) -> NonlinearStateSpace:
    return NonlinearStateSpace.from_data(ds, states=2, width=4, key=0).as_fitted()


def latent(ds: xr.Dataset) -> ContinuousDiscrete:
    return ContinuousDiscrete.from_data(ds, form="linear", states=3, decoder="identity", key=0).as_fitted()


def switching(ds: xr.Dataset) -> SwitchingLinear:
    return dl.fit(
        SwitchingLinear.from_data(ds, regimes=2, states=2, key=0), ds, method="calibration", progress=False
    ).model


ROWS: dict[str, tuple[Callable, Callable, object]] = {
    "exact": (gappy, linear, None),
    "exact, in parallel": (gappy, linear, Exact(parallel=True)),
    "exact, unevenly": (uneven_runs, latent, None),
    "extended": (lambda: held(gappy()), bent, None),
    "unscented": (lambda: held(gappy()), bent, Unscented()),
    "particles": (lambda: held(gappy()), bent, Particle(size=30)),
    "regimes": (lambda: held(gappy()), switching, None),
}


@pytest.mark.first(3)
@pytest.mark.parametrize("row", ROWS)
def test_parts_make_the_whole(row, monkeypatch):
    build, model_of, method = ROWS[row]
    ds = build()
    model = model_of(ds)
    whole = dl.filter(model, ds, method=method, key=3)
    monkeypatch.setattr(_parts, "SMALL", 0)
    monkeypatch.setattr(_parts, "SHORTEST", 7)
    monkeypatch.setattr(_parts, "AT_ONCE", 500)
    calls = []
    cut = _parts.cut_many
    monkeypatch.setattr(_parts, "cut_many", lambda *args: calls.append(args[2]) or cut(*args))
    found = dl.filter(model, ds, method=method, key=3)
    # A run is cut where the filter goes on from a belief, and whole where it does not.
    goes_on = (model.inference if method is None else method).goes_on
    assert len(calls) > 1
    assert any(now.any() for now in calls) == goes_on
    assert set(found) == set(whole)
    for name in found.data_vars:
        np.testing.assert_allclose(found[name], whole[name], rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize(("runs", "samples"), [(1, 100), (40, 3), (3, 25)])
def test_what_a_part_ends_with_is_what_the_next_one_starts_from(runs, samples, goes_on, monkeypatch):
    """The sum of all outputs up to each sample, by a filter that knows of no other part."""
    monkeypatch.setattr(_parts, "SHORTEST", 8)
    monkeypatch.setattr(_parts, "AT_ONCE", 40)
    y = np.random.default_rng(0).normal(size=(runs, samples, 2))
    host = on_host(dl.from_arrays(y, dt=1.0))
    sizes = []

    def filtered(part, start, keys):
        sizes.append(part.valid.shape)
        before = np.zeros((len(keys), 2)) if start is None else np.asarray(start)
        total = before[:, None] + np.cumsum(np.asarray(part.output), axis=1)
        # A belief about the last sample before it is measured; with the runs in one part, of no use.
        return {"total": total}, total[:, -2] if part.length > 1 else None

    with precision.float64():
        found = _parts.found(
            filtered, lambda part: np.zeros((len(part.valid), 2)), host, np.arange(runs), 2, goes_on
        )
    np.testing.assert_allclose(found["total"], np.cumsum(y, axis=1), rtol=1e-12)
    assert len(set(sizes)) == 1
    at_once = max(1, 20 // samples) if not goes_on or samples <= 8 else max(1, 20 // max(8, 20 // runs))
    assert sizes[0][0] == min(runs, at_once)
    assert sizes[0][1] <= (samples if not goes_on else max(8, 20 // runs) + 1)


def test_numbers_in_the_beliefs_about_a_sample():
    signature = dl.models.Signature(("a", "b"), ("u",))
    assert _parts.numbers(signature, lambda run: (run.output, jnp.zeros((run.length, 1, 3, 3)))) == 11
