"""A fit that goes on from another one with more data: what is kept, what grows, what compiles."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.contract.members import one_of
from dynlearn.errors import ArgumentError
from dynlearn.fitting import Gradient
from tests.conftest import linear_runs

STEPS = Gradient(steps=3, batch=4, horizon=3, validate_every=3, average=0.0, clip=1e6)


def shrinking(model, batch, key):
    """Whose gradient at w is w, whatever the data."""
    leaves = jax.tree.leaves(eqx.filter(model.field, eqx.is_inexact_array))
    return sum(jnp.sum(leaf**2) for leaf in leaves) / 2, {}


def node(ds: xr.Dataset, **options):
    return dl.models.NeuralODE.from_data(ds, hidden=0, memory=2, width=4, key=0, **options)


def weights(model) -> np.ndarray:
    leaves = jax.tree.leaves(eqx.filter(model.field, eqx.is_inexact_array))
    return np.concatenate([np.asarray(leaf, float).ravel() for leaf in leaves])


def adam(w: np.ndarray, steps: int, m: np.ndarray, v: np.ndarray, before: int) -> tuple[np.ndarray, ...]:
    """Kingma, Ba 2015, with the schedule of rates from its start and moments from `before` earlier steps."""
    peak = STEPS.learning_rate
    rates = optax.warmup_cosine_decay_schedule(0.1 * peak, peak, 1, STEPS.steps, 0.01 * peak)
    for k in range(steps):
        m, v = 0.9 * m + 0.1 * w, 0.999 * v + 0.001 * w**2
        t = before + k + 1
        w = w - float(rates(k)) * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w, m, v


def test_the_optimiser_keeps_its_moments_and_begins_its_schedule_anew(linear):
    model, none = node(linear), np.zeros_like(weights(node(linear)))
    first = dl.fit(model, linear, method=STEPS, objective=shrinking, progress=False)
    w, m, v = adam(weights(model), 3, none, none, 0)
    np.testing.assert_allclose(weights(first.model), w, rtol=1e-4, atol=1e-6)
    again = dl.fit(first, linear, method=STEPS, objective=shrinking, progress=False)
    np.testing.assert_allclose(weights(again.model), adam(w, 3, m, v, 3)[0], rtol=1e-4, atol=1e-6)
    fresh = dl.fit(first.model, linear, method=STEPS, objective=shrinking, progress=False)
    np.testing.assert_allclose(weights(fresh.model), adam(w, 3, none, none, 0)[0], rtol=1e-4, atol=1e-6)
    assert np.abs(weights(again.model) - weights(fresh.model)).max() > 1e-4


def test_scaling_stays_and_the_range_of_the_controls_grows(make_linear):
    ds = make_linear()
    result = dl.fit(node(ds), ds, method=STEPS, progress=False)
    more = make_linear(seed=1)
    more["control"].values[0, 3] = 40.0
    more["output"].values[:] += 10.0
    both = dl.concatenate([ds, more], prefixes=["a", "b"])
    before, after = result.model.scaling, dl.fit(result, both, method=STEPS, progress=False).model.scaling
    np.testing.assert_array_equal(after.output_mean, before.output_mean)
    np.testing.assert_array_equal(after.control_scale, before.control_scale)
    assert (float(before.control_high[0]) < 10.0, float(after.control_high[0])) == (True, 40.0)
    least = min(float(ds.control.min()), float(more.control.min()))
    assert float(after.control_low[0]) == pytest.approx(least)


def far_away(make_linear) -> xr.Dataset:
    """Data that have moved and grown."""
    ds = make_linear(seed=1)
    ds["output"].values[:] = 100.0 + 10.0 * ds["output"].values
    ds["control"].values[:] = 3.0 + 5.0 * ds["control"].values
    return ds


@pytest.mark.parametrize("members", [1, 2])
def test_scaling_is_refreshed_by_an_exact_change(make_linear, members):
    """By a method that trains nothing the forecasts stay, in the units of the new data; then training goes on."""
    ds, more = make_linear(), far_away(make_linear)
    model = node(ds) if members == 1 else dl.models.Ensemble.of(node(ds), members, key=0)
    result = dl.fit(model, ds, method=STEPS, progress=False)
    told = dl.fit(result, more, method="calibration", scaling="refresh", progress=False).model
    wanted = dl.models.Scaling.of(more)
    for leaf, expected in zip(jax.tree.leaves(told.scaling), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(leaf, expected)
    context, u = ds.isel(time=slice(0, 12)), np.ones((5, 1))
    before, after = (dl.forecast(m, context, 5, controls=u)["output_mean"] for m in (result.model, told))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
    # Adam's first step is of the size of its rate in every weight, with moments of an earlier fit it is not.
    one = Gradient(steps=1, batch=4, horizon=3, average=0.0, clip=1e6)
    again = dl.fit(result, more, method=one, objective=shrinking, scaling="refresh", progress=False).model
    step = weights(one_of(again)) - weights(one_of(told))
    np.testing.assert_allclose(np.abs(step), 0.1 * one.learning_rate, rtol=1e-2)


def recurrent(family, ds, **options):
    return family.from_data(ds, latent=4, memory=4, unforced=2, key=0, **options)


FORCED = dl.fitting.TeacherForcing(
    steps=2, validate_every=2, population=1, batch=4, horizon=6, free_run=8, free_runs=2
)


@pytest.mark.parametrize(
    ("build", "method", "remedy"),
    [
        (lambda ds: recurrent(dl.models.ALRNN, ds, nonlinear=1), FORCED, r"go on with scaling='refresh'"),
        (
            lambda ds: recurrent(dl.models.PLRNN, ds, width=4),
            FORCED,
            r"fit a new model to all data, from_data",
        ),
        (node, STEPS, r"go on with scaling='refresh'"),
    ],
    ids=["ALRNN", "PLRNN, clipped", "NeuralODE"],
)
@pytest.mark.parametrize(("factor", "offset"), [(100.0, 0.0), (0.01, 0.0), (1.0, 100.0)])
def test_weights_are_not_taken_to_data_far_from_those_they_know(
    make_linear, build, method, remedy, factor, offset
):
    ds, more = make_linear(), make_linear(seed=1)
    mean, deviation = (float(f(ds["output"].values[..., 0])) for f in (np.nanmean, np.nanstd))
    values = more["output"].values
    centre = np.nanmean(values, axis=(0, 1))
    more["output"].values[:] = centre + offset + factor * (values - centre)
    result = dl.fit(build(ds), ds, method="calibration", progress=False)
    own = rf"in the earlier fit {mean:.4g} and {deviation:.4g}, which its weights are made for; {remedy}"
    with pytest.raises(ArgumentError, match=rf"train: output '\w+' has mean \S+ and deviation .*{own}"):
        dl.fit(result, more, method=method, progress=False)
    assert dl.fit(result, more, method="calibration", progress=False).reason.name == "CALIBRATED"


def test_a_recurrent_model_is_refreshed_and_goes_on(make_linear):
    ds, more = make_linear(), far_away(make_linear)
    model = recurrent(dl.models.ALRNN, ds, nonlinear=1)
    result = dl.fit(model, ds, method=FORCED, progress=False)
    told = dl.fit(result, more, method="calibration", scaling="refresh", progress=False).model
    context, u = ds.isel(time=slice(0, 12)), np.ones((5, 1))
    before, after = (dl.forecast(m, context, 5, controls=u)["output_mean"] for m in (result.model, told))
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
    again = dl.fit(result, more, method=FORCED, scaling="refresh", progress=False)
    assert again.reason.name in ("STEPS_DONE", "NOT_IMPROVED")
    np.testing.assert_array_equal(again.model.scaling.output_mean, dl.models.Scaling.of(more).output_mean)


def test_in_physical_units_nobody_said_where_data_lie(make_linear):
    """A given field's weights are of no other units."""
    ds = make_linear()
    ds["output"].values[:] += 300.0
    plain = dl.models.NeuralODE(
        dl.models.Signature.of(ds, discrete=False), hidden=0, memory=1, width=4, key=0
    )
    result = dl.fit(plain, ds, method=STEPS, progress=False)
    assert dl.fit(result, ds, method=STEPS, progress=False).statistics["steps"] == 3


def test_a_regression_is_solved_anew_in_the_units_of_the_data(make_linear):
    ds, more = make_linear(), far_away(make_linear)
    solved = dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False)
    found = dl.fit(solved, more, scaling="refresh", progress=False).model
    fresh = dl.fit(dl.models.ARX.from_data(more, delays=1), more, progress=False).model
    assert eqx.tree_equal(found.scaling, fresh.scaling)
    np.testing.assert_allclose(found.weights, fresh.weights, rtol=1e-3, atol=1e-5)


def test_what_cannot_be_refreshed_is_said(make_linear):
    ds = make_linear()
    deep = dl.models.DeepStateSpace.from_data(ds, width=4, states=4, layers=1, memory=4, key=0)
    result = dl.fit(deep, ds, method="calibration", progress=False)
    with pytest.raises(
        ArgumentError, match=r"scaling='refresh': DeepStateSpace knows no change .*scaling='keep'"
    ):
        dl.fit(result, ds, method="calibration", scaling="refresh", progress=False)
    with pytest.raises(
        ArgumentError, match=r"scaling='refresh': expected the result of an earlier fit .*NeuralODE"
    ):
        dl.fit(node(ds), ds, scaling="refresh")
    with pytest.raises(ArgumentError, match=r"scaling.*refrsh.*refresh"):
        dl.fit(result, ds, scaling="refrsh")


def test_an_ensemble_goes_on_too(linear):
    ensemble = dl.models.Ensemble.of(node(linear), 2, key=0)
    first = dl.fit(ensemble, linear, method=STEPS, progress=False)
    again = dl.fit(first, linear, method=STEPS, progress=False)
    fresh = dl.fit(first.model, linear, method=STEPS, progress=False)
    assert again.model.size == 2
    for i in range(2):
        one, other = (weights(found.model.member(i)) for found in (again, fresh))
        assert np.isfinite(one).all()
        assert np.abs(one - other).max() > 1e-4


def test_more_runs_compile_nothing_while_they_fit_the_size(compilations):
    def runs(count: int) -> xr.Dataset:
        return linear_runs(0, (30,) * count)

    result = dl.fit(node(runs(13)), runs(13), runs(13), method=STEPS, progress=False, calibration_horizon=4)
    dl.fit(result, runs(14), runs(13), method=STEPS, progress=False, calibration_horizon=4)
    with compilations() as names:
        for count in (15, 16):
            result = dl.fit(
                result, runs(count), runs(13), method=STEPS, progress=False, calibration_horizon=4
            )
    assert names == []


def test_what_another_method_carried_is_no_start(linear):
    """A closed form carries nothing; moments of weights of other shapes are left."""
    solved = dl.fit(dl.models.ARX.from_data(linear, delays=1), linear, progress=False)
    assert solved.carried is None
    once = dl.fit(solved, linear, progress=False)
    np.testing.assert_allclose(once.model.weights, solved.model.weights, rtol=1e-5)
    first = dl.fit(node(linear), linear, method=STEPS, progress=False)
    other = dl.fitting.FitResult(
        node(linear, depth=1), first.history, first.reason, 0.0, {}, carried=first.carried
    )
    fresh = dl.fit(other.model, linear, method=STEPS, progress=False).model
    np.testing.assert_array_equal(
        weights(dl.fit(other, linear, method=STEPS, progress=False).model), weights(fresh)
    )


def test_a_checkpoint_of_a_fresh_fit_is_not_taken_for_one_that_goes_on(linear, tmp_path):
    first = dl.fit(node(linear), linear, method=STEPS, progress=False)
    dl.fit(first.model, linear, method=STEPS, progress=False, checkpoint=tmp_path / "fit.ck")
    with pytest.raises(dl.errors.FileFormatError, match="carried"):
        dl.fit(first, linear, method=STEPS, progress=False, checkpoint=tmp_path / "fit.ck")
    with pytest.raises(ArgumentError, match="model: expected a dynlearn model, got"):
        dl.fit(first.history, linear)


def test_a_control_that_moves_for_the_first_time_has_no_scale(make_linear):
    ds = make_linear()
    still = ds.assign(control=(ds["control"] * 0).assign_attrs(ds["control"].attrs))
    result = dl.fit(node(still), still, method=STEPS, progress=False)
    with pytest.raises(ArgumentError, match=r"control 'force' moves here and never did .*from_data\(train\)"):
        dl.fit(result, ds, method=STEPS, progress=False)
    # A regression is solved anew, whatever it was before.
    solved = dl.fit(dl.models.ARX.from_data(still, delays=1), still, progress=False)
    again = dl.fit(solved, ds, progress=False).model
    assert float(again.scaling.control_high[0]) == pytest.approx(float(ds["control"].max()))
