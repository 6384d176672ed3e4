"""Numbers near both ends of float32: every verb says of the data what it says of the same data rescaled."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.fitting import EM

from .models.cases import ensemble, node, sde, state_space

SIZES = (1e-30, 1e30)


def sized(ds, size):
    """Outputs and controls times `size`."""
    control = (ds["control"] * size).assign_attrs(ds["control"].attrs)
    return ds.assign(output=ds["output"] * size, control=control)


def every_verb(build, ds, size):
    """What forecast, simulate and evaluate say, divided by `size` where it has the unit of the outputs."""
    model = dl.fit(build(ds), ds, method="calibration", progress=False, calibration_horizon=4).model
    context, future = ds.isel(time=slice(0, 12)), ds.isel(time=slice(12, 16))
    fc = dl.forecast(model, context, 4, controls=future["control"], samples=6)
    sim = dl.simulate(model, ds, warmup=20)
    found = [fc[name] / size for name in ("output", "output_mean", "output_scale")]
    found += [sim[name] / size for name in ("output", "output_scale")]
    scores = dl.evaluate(model, ds, context=12, horizon=4, samples=6)
    found += [scores[name].isel(model=[0, 1]) / size for name in ("rmse", "crps")]
    found += [scores[name].isel(model=[0, 1]) for name in ("nrmse", "mase", "energy", "coverage90")]
    return [np.asarray(values, float) for values in found]


@pytest.mark.parametrize(
    "build",
    [
        node(hidden=0, memory=1),
        sde(hidden=0, memory=1),
        pytest.param(ensemble(node(hidden=0, memory=2)), marks=pytest.mark.slow),
    ],
    ids=["error law", "drawn", "mixture"],
)
def test_forecasts_and_scores(build, linear):
    plain = every_verb(build, linear, 1.0)
    for size in SIZES:
        for a, b in zip(every_verb(build, sized(linear, size), size), plain, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-3 * np.nanmax(np.abs(b)))


def inferred(ds, size):
    model = dl.fit(state_space()(ds), ds, method=EM(steps=3), progress=False).model
    found = [dl.filter(model, ds)[name] / size for name in ("output_mean", "output_scale", "filtered_scale")]
    found += [dl.smooth(model, ds)["output_scale"] / size, dl.impute(model, ds)["output_scale"] / size]
    values = np.isfinite(ds["output"].transpose("trajectory", "time", "output_name").values).sum((1, 2))
    return [*found, dl.log_likelihood(model, ds) + values * np.log(size)]


def test_inference_of_a_linear_model(linear):
    gap = linear.copy(deep=True)
    gap["output"][0, 10:14, 0] = np.nan
    plain = inferred(gap, 1.0)
    for size in SIZES:
        for a, b in zip(inferred(sized(gap, size), size), plain, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_a_quadratic_cost_and_the_planner(linear):
    plans = []
    for size in (1.0, *SIZES):
        ds = sized(linear, size)
        model = dl.fit(dl.models.ARX.from_data(ds, delays=0), ds, progress=False).model
        cost = dl.control.Quadratic([4.0 * size, 3.0 * size], [size**-2, size**-2], [0.1 * size**-2])
        planner = dl.control.CEM(samples=40, elites=6, iterations=4)
        mpc = dl.control.MPC(model, cost, 5, planner=planner, bounds=(-2 * size, 2 * size))
        _, _, decision = mpc.act(mpc.init(key=0), np.array([3.0, 5.0]) * size)
        plans.append((decision.cost, decision.controls / size))
    for cost, plan in plans[1:]:
        np.testing.assert_allclose(cost, plans[0][0], rtol=1e-3)
        np.testing.assert_allclose(plan, plans[0][1], atol=1e-2)
