"""forecast and simulate: their datasets, their alignment, and what they leave open."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError


@pytest.fixture(scope="module")
def model(linear):
    return dl.fit(dl.models.ARX.from_data(linear, delays=1, gap=3), linear, progress=False).model


def test_a_forecast_is_a_dataset_under_the_schema(model, linear):
    context, future = linear.isel(time=slice(0, 20)), linear.isel(time=slice(20, 26))
    fc = dl.forecast(model, context, 6, controls=future["control"], samples=300, key=0)
    dl.validate(fc)
    np.testing.assert_allclose(fc["t"], np.broadcast_to(future["t"], fc["t"].shape))
    assert fc["output_unit"].values.tolist() == ["m", "m/s"]
    np.testing.assert_allclose(fc["control"], future["control"])
    spread = fc["output"].std("sample").transpose(*fc["output_scale"].dims)
    np.testing.assert_allclose(spread, fc["output_scale"], rtol=0.25)


def test_controls_are_aligned_by_name_and_run_not_by_place(model, linear):
    context, controls = linear.isel(time=slice(0, 20)), linear["control"].isel(time=slice(20, 26))
    plain = dl.forecast(model, context, 6, controls=controls, samples=2)
    shuffled = dl.forecast(model, context, 6, controls=controls.isel(trajectory=[2, 0, 1]), samples=2)
    values = dl.forecast(model, context, 6, controls=controls.values, samples=2)
    for other in (shuffled, values):
        np.testing.assert_array_equal(other["output"], plain["output"])


def test_the_last_control_may_be_unknown_where_it_is_held(model, linear):
    context, controls = (
        linear.isel(time=slice(0, 20)),
        linear["control"].isel(time=slice(20, 26)).values.copy(),
    )
    known = dl.forecast(model, context, 6, controls=controls, samples=2)
    controls[:, -1] = np.nan
    unknown = dl.forecast(model, context, 6, controls=controls, samples=2)
    np.testing.assert_array_equal(unknown["output"], known["output"])
    assert np.isnan(unknown["control"].isel(time=-1)).all()


def test_times_of_a_continuous_model_may_be_anything_ahead(uneven):
    model = dl.fitting.calibrate(dl.models.NeuralODE.from_data(uneven, hidden=0, memory=4, width=4), uneven)
    last = uneven["t"].max("time").values
    context = uneven.copy(deep=True)
    index = uneven.dyn.lengths - 1
    for i, k in enumerate(index):
        context["control"][i, k] = 0.0
    times = last[:, None] + np.array([[0.01, 0.3, 0.31]])
    fc = dl.forecast(model, context, times=times, controls=np.zeros((3, 1)), samples=2)
    np.testing.assert_allclose(fc["t"], times)


def test_a_forecast_at_dates_of_any_year():
    years = np.arange(2100, 2140).astype(str).astype("datetime64[Y]")
    ds = dl.from_arrays(np.sin(np.arange(40.0)), times=years, units={"t": "d"})
    model = dl.fit(dl.models.Persistence.from_data(ds), ds, progress=False).model
    fc = dl.forecast(model, ds, times=["2300-01-01", "2400-01-01"], samples=3)
    assert fc.t.values[0].tolist() == [73048, 109572]
    assert fc.t.attrs == ds.t.attrs
    with pytest.raises(ArgumentError, match="increasing instants after the context's last samples"):
        dl.forecast(model, ds, times=["2110-01-01"], samples=3)


def test_ragged_runs_are_simulated_to_their_own_ends(make_linear):
    ds = make_linear(lengths=(30, 18, 24))
    model = dl.fitting.calibrate(dl.models.ARX.from_data(ds, delays=0), ds)
    sim = dl.simulate(model, ds, warmup=10)
    assert sim.dyn.lengths.tolist() == [20, 8, 14]
    alone = dl.simulate(model, ds.dyn.run(1), warmup=10)
    np.testing.assert_allclose(sim["output"][1, :8], alone["output"][0], rtol=1e-5)
    np.testing.assert_array_equal(sim["recorded"][1, :8], ds["output"][1, 10:18])


def test_an_ensemble_forecasts_the_mixture_of_its_members(linear):
    single = dl.models.NeuralODE.from_data(linear, hidden=0, memory=1, width=4)
    both = dl.fitting.calibrate(dl.models.Ensemble.of(single, 2), linear)
    context, u = linear.isel(time=slice(0, 20)), np.zeros((6, 1))
    fc = dl.forecast(both, context, 6, controls=u, samples=4)
    members = [
        dl.forecast(both.member(i), context, 6, controls=u, samples=2)["output_mean"].values for i in range(2)
    ]
    np.testing.assert_allclose(fc["output_mean"], np.mean(members, axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", ["arx", "node"])
def test_runs_are_forecast_to_their_own_ends(family, make_linear):
    """Futures of unequal length, padded as the schema pads: as each run alone, and nothing after its end."""
    ds = make_linear(lengths=(30, 22, 26))
    build = {
        "arx": lambda: dl.models.ARX.from_data(ds, delays=0),
        "node": lambda: dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=4),
    }[family]
    model = dl.fitting.calibrate(build(), ds)
    past, future = ds.isel(time=slice(0, 18)), ds.isel(time=slice(18, None))
    fc = dl.forecast(model, past, times=future["t"].values, controls=future["control"], samples=3)
    assert fc.dyn.lengths.tolist() == [12, 4, 8]
    np.testing.assert_array_equal(fc["t"], future["t"])
    for i, n in enumerate(fc.dyn.lengths):
        run, ahead = past.isel(trajectory=[i]), future.isel(trajectory=[i], time=slice(0, n))
        alone = dl.forecast(model, run, times=ahead["t"].values, controls=ahead["control"], samples=3)
        for name in ("output", "output_mean", "output_scale", "control"):
            here = fc[name].isel(trajectory=[i], time=slice(0, n))
            np.testing.assert_allclose(here, alone[name], rtol=1e-4, atol=1e-5)
            assert np.isnan(fc[name].isel(trajectory=i, time=slice(n, None))).all()


def test_a_hole_in_the_instants_is_no_end(make_linear):
    ds = make_linear(lengths=(30,))
    model = dl.fitting.calibrate(dl.models.ARX.from_data(ds, delays=0), ds)
    past, future = ds.isel(time=slice(0, 18)), ds.isel(time=slice(18, 22))
    times = future["t"].values.reshape(1, -1).copy()
    times[0, 1] = np.nan
    with pytest.raises(ArgumentError, match=r"NaN only after the end of a shorter run; run 0 ends at 1\.7"):
        dl.forecast(model, past, times=times, controls=future["control"])
    controls = future["control"].values.copy()
    controls[0, 1] = np.nan
    with pytest.raises(ArgumentError, match="controls: expected finite numbers at every forecast instant"):
        dl.forecast(model, past, times=future["t"].values, controls=controls)
