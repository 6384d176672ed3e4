"""Zero-shot models: a context in, a forecast out, of systems that no weight has seen."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.model import with_fields
from dynlearn.errors import ArgumentError, DynlearnError
from dynlearn.fitting.examples import Examples
from dynlearn.models import ALRNNMixture, PatchTransformer
from dynlearn.numerics.embedding_delay import embedding_delay
from dynlearn.parts.analogues.local_regression import Analogues, LocalRegression
from dynlearn.parts.analogues.views import Views
from dynlearn.trajectories.window import Window

SMALL = {
    ALRNNMixture: {"experts": 2, "latent": 6, "nonlinear": 2, "memory": 160, "width": 8},
    PatchTransformer: {"memory": 160, "patch": 16, "ahead": 16, "width": 16, "layers": 1, "heads": 2},
}


def turning(outputs: int = 3, samples: int = 400, period: float = 25.3) -> np.ndarray:
    """A rotation in a plane, as so many different mixtures of its two coordinates."""
    t = 2 * np.pi * np.arange(samples) / period
    mix = np.random.default_rng(0).normal(size=(2, outputs))
    return np.stack([np.sin(t), np.cos(t)], axis=1) @ mix + np.arange(outputs)


def built(family, ds, **options):
    """With an error law that forecasts may rely on, whatever it says."""
    model = family.from_data(ds, weights="random", key=0, **{**SMALL[family], **options})
    return with_fields(model, noise=dataclasses.replace(model.noise, fitted=True))


def past_of(ds, model) -> Window:
    run = jax.tree.map(lambda leaf: leaf[0], ds.dyn.to_device())
    return run[-model.memory :]


def test_the_regression_is_weighted_least_squares():
    """At every width: the textbook solution with a ridge, centred by the weights."""
    rng = np.random.default_rng(1)
    point = rng.normal(size=(60, 3))
    known = rng.random(60) < 0.9
    q = rng.normal(size=3)
    model = LocalRegression()
    context = Analogues.of(jnp.asarray(point), jnp.asarray(known))
    before = rng.normal(size=3)
    found = model(context, jnp.asarray(q), jnp.asarray(before))
    seen = known[:-2] & known[1:-1] & known[2:]
    c, dc, earlier = point[1:-1][seen], np.diff(point, axis=0)[1:][seen], point[:-2][seen]
    step = np.sqrt((dc**2).mean())
    for i in range(model.widths):
        width, floor, ridge, past = (
            float(np.exp(v[i])) for v in (model.width, model.floor, model.ridge, model.past)
        )
        square = ((c - q) ** 2).sum(1) + past * ((earlier - before) ** 2).sum(1)
        w = np.exp(-square / (width * (square.min() + floor * step**2)))
        w /= w.sum()
        mean, to = w @ c, w @ dc
        S = (c - mean).T @ (w[:, None] * (c - mean))
        X = (dc - to).T @ (w[:, None] * (c - mean))
        slope = X @ np.linalg.inv(S + ridge * (np.trace(S) / 3 + 0.01 * step**2) * np.eye(3))
        np.testing.assert_allclose(found.change[i], to + slope @ (q - mean), rtol=2e-3, atol=2e-4)
        np.testing.assert_allclose(found.offset[i], mean - q, rtol=2e-3, atol=2e-4)


@pytest.mark.first(2)
@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
def test_views_show_outputs_and_their_pasts(outputs):
    y = jnp.asarray(turning(outputs) - turning(outputs).mean(0))
    views = Views(outputs)
    point, known = views.points(y, jnp.ones_like(y, bool))
    for group, (which, delays) in enumerate(zip(views.output, views.delays, strict=True)):
        for coordinate, (output, times) in enumerate(zip(which, delays, strict=True)):
            d = times * int(embedding_delay(y[:, output], jnp.ones(len(y), bool)))
            np.testing.assert_array_equal(point[group, d:, coordinate], y[: len(y) - d, output])
            assert not known[group, :d].any()
    np.testing.assert_array_equal(views.outputs(point[:, -1]), y[-1])


def test_a_gap_hides_the_points_that_show_it():
    y = jnp.asarray(turning(1))
    seen = jnp.ones_like(y, bool).at[100].set(False)
    _, known = Views(1).points(y - y.mean(), seen)
    delay = int(embedding_delay((y - y.mean())[:, 0], seen[:, 0]))
    hidden = np.flatnonzero(~np.asarray(known[0]))
    assert hidden.tolist() == [*range(2 * delay), 100, 100 + delay, 100 + 2 * delay]


@pytest.mark.first(2)
@pytest.mark.parametrize("outputs", [3, 5, 1, 2])
def test_an_untrained_mixture_goes_on_with_a_cycle_it_reads(outputs):
    """The experts start as one that believes the narrowest regression, which a linear system fits."""
    y = turning(outputs, 460)
    ds = dl.from_arrays(y[None, :400], dt=0.1)
    model = built(ALRNNMixture, ds, memory=400)
    found = dl.forecast(model, ds, horizon=60, samples=1)["output_mean"].values[0]
    assert (np.abs(found - y[400:]).max(0) < 0.2 * y.std(0)).all()


@pytest.mark.parametrize("family", SMALL)
def test_what_was_not_measured_is_not_read(family):
    """Other numbers under the mask, and other samples before the run, change nothing."""
    ds = dl.from_arrays(turning()[None, :160], dt=0.1)
    model = built(family, ds)
    past = past_of(ds, model)
    hidden = past.observed.at[:40].set(False).at[100, 1].set(False)
    one, other = (
        Window(past.time, past.interval, jnp.where(hidden, past.output, value), hidden, past.control, past.valid,
               past.static)
        for value in (0.0, 7.0)
    )  # fmt: skip
    control = jnp.zeros((6, 0))
    time = 0.1 * jnp.arange(6.0)
    paths = [
        dl.models.rollout(model, model.infer(w), control, time, jnp.diff(time))[1].mean for w in (one, other)
    ]
    np.testing.assert_array_equal(*paths)
    whole = dl.models.rollout(model, model.infer(past), control, time, jnp.diff(time))[1].mean
    assert np.abs(whole - paths[0]).max() > 1e-6


def test_a_path_of_blocks_is_what_steps_give():
    """From any place in a block, over more than one."""
    ds = dl.from_arrays(turning()[None, :160], dt=0.1)
    model = built(PatchTransformer, ds)
    state = model.infer(past_of(ds, model))
    nothing, now, dt = jnp.zeros(0), jnp.array(0.0), jnp.array(0.1)
    step = jax.jit(lambda s: model.step(s, nothing, now, dt))
    for _ in range(5):
        state = step(state)
    time = 0.1 * jnp.arange(41.0)
    whole = model.path(state, jnp.zeros((41, 0)), time, jnp.diff(time))
    for k in range(40):
        state = step(state)
        one = jax.tree.map(lambda leaf, k=k: leaf[k], whole)
        a, b = (model.observe(s, nothing) for s in (state, one))
        np.testing.assert_allclose(a.mean, b.mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(a.scale, b.scale, rtol=1e-5)


@pytest.mark.parametrize("family", SMALL)
def test_long_forecasts_stay_around_the_context(family):
    ds = dl.from_arrays(np.random.default_rng(0).normal(size=(1, 300, 2)) * [1.0, 1e3], dt=0.1)
    found = dl.forecast(built(family, ds), ds, horizon=600, samples=1)["output_mean"]
    y = ds["output"].isel(time=slice(-160, None))
    low, high = y.min(("trajectory", "time")), y.max(("trajectory", "time"))
    room = 0.51 * (high - low)
    assert bool(((found > low - room) & (found < high + room)).all())


@pytest.mark.parametrize("family", SMALL)
def test_fitting_lowers_the_error_on_other_runs(family):
    rng = np.random.default_rng(0)
    runs = [turning(3, 220, period) + 0.3 * rng.normal(size=(220, 3)) for period in rng.uniform(8, 40, 12)]
    train, valid = dl.from_arrays(runs[:8], dt=1.0), dl.from_arrays(runs[8:], dt=1.0)
    model = built(family, train)
    if family is ALRNNMixture:  # which starts as good as such data allow: without its trust in the context
        model = eqx.tree_at(lambda m: m.experts.drive, model, 0 * model.experts.drive)
    method = dl.fitting.Gradient(
        steps=60, batch=8, horizon=8, learning_rate=1e-2, validate_every=20, validation_windows=16
    )
    fitted = dl.fit(model, train, valid, method, progress=False).model
    held_out = Examples.of(model, valid, 8, "validation").spread(32)
    before, after = (float(dl.fitting.multi_step(m, held_out, jax.random.key(0))[0]) for m in (model, fitted))
    assert after < 0.8 * before


REFUSED = {
    "units": (ALRNNMixture, {"latent": 2}, "latent"),
    "rectified": (ALRNNMixture, {"latent": 6, "nonlinear": 4}, "expected nonlinear <= latent - 3 = 3, got 4"),
    "memory of the mixture": (ALRNNMixture, {"memory": 9}, "memory: expected an integer >= 10, got 9"),
    "memory beyond all": (PatchTransformer, {"memory": 10**9}, "memory: expected at most 10000000 samples"),
    "patches": (PatchTransformer, {"memory": 100, "patch": 16}, "a memory of whole patches of 16 samples"),
    "ahead": (
        PatchTransformer,
        {"memory": 32, "patch": 16, "ahead": 48},
        "no shorter than ahead = 48, got 32",
    ),
    "heads": (
        PatchTransformer,
        {"width": 12, "heads": 4},
        "a width that is a multiple of 2 heads = 8, got 12",
    ),
    "unknown": (PatchTransformer, {"depth": 3}, "depth"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_do_not_fit_are_refused(case):
    family, options, text = REFUSED[case]
    ds = dl.from_arrays(turning()[None], dt=0.1)
    with pytest.raises(ArgumentError, match=text):
        family.from_data(ds, weights="random", **options)


@pytest.mark.parametrize("family", SMALL)
def test_weights_that_are_none_of_the_family_are_refused(family):
    ds = dl.from_arrays(turning()[None], dt=0.1)
    with pytest.raises(ArgumentError, match=r"no sizes beside weights that have them, got \['memory'\]"):
        family.from_data(ds, memory=64)
    with pytest.raises(ArgumentError, match="got 'shiped', which is no file"):
        family.from_data(ds, weights="shiped")
    with pytest.raises(ArgumentError, match=f"weights: expected those of a {family.__name__}, got ARX"):
        family.from_data(ds, weights=dl.models.ARX.from_data(ds))


@pytest.mark.parametrize("family", SMALL)
def test_weights_of_ones_own_are_put_to_other_data(family, tmp_path):
    """As a model or as its file, to other names and another number of outputs; the law is told for the interval."""
    trained = built(family, dl.from_arrays(turning()[None], dt=2.0))
    dl.save(trained, tmp_path / "weights.dyn")
    ds = dl.from_arrays(turning(2)[None, :160], dt=0.5, output_names=["a", "b"])
    one, other = (family.from_data(ds, weights=w) for w in (trained, tmp_path / "weights.dyn"))
    assert one.signature.output_names == ("a", "b")
    np.testing.assert_allclose(one.noise.growth, trained.noise.growth[:2] / 4)
    paths = [dl.forecast(m, ds, horizon=20, samples=1)["output_mean"].values for m in (one, other)]
    np.testing.assert_array_equal(*paths)


@pytest.mark.parametrize("family", SMALL)
def test_weights_that_nobody_trained_are_trained_by_a_fit(family):
    ds = dl.from_arrays(turning()[None], dt=0.1)
    assert family.from_data(ds, weights="random", **SMALL[family]).method == "gradient"
    assert family.from_data(ds).method == "calibration"


def test_controls_are_recorded_and_not_read():
    ds = dl.from_arrays(turning(2)[None, :200], np.ones((1, 200, 1)), dt=0.1)
    plain = ds.drop_dims("control_name")
    model = ALRNNMixture.from_data(ds)
    with pytest.raises(
        ArgumentError, match=r"ALRNNMixture does not read \['u0'\], but a forecast records them"
    ):
        dl.forecast(model, ds, horizon=10)
    found = dl.forecast(model, ds, horizon=10, controls=np.full((10, 1), 3.0), samples=1)
    alone = dl.forecast(ALRNNMixture.from_data(plain), plain, horizon=10, samples=1)
    np.testing.assert_array_equal(found["output_mean"].values, alone["output_mean"].values)


@pytest.mark.parametrize("family", SMALL)
def test_uneven_sampling_is_refused(family):
    times = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, 100))
    ds = dl.from_arrays(turning(2, 100)[None], times=times[None])
    with pytest.raises(DynlearnError, match="regular"):
        family.from_data(ds)


@pytest.mark.first(4)
@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("outputs", [3, 1, 2, 4])
def test_shipped_weights_forecast_what_they_never_saw(family, outputs):
    """Two cycles mixed, in units of their own: well below persistence and repetition, without any fit."""
    t = np.arange(700) / 25.0
    waves = np.stack([np.sin(2 * np.pi * t), np.cos(2 * np.pi * t), np.sin(4 * np.pi * t)], axis=1)
    mix = np.random.default_rng(0).normal(size=(3, outputs))
    y = 300 + 50 * waves @ mix
    ds = dl.from_arrays(y[None, :600], dt=0.5, units={f"y{i}": "K" for i in range(outputs)})
    model = family.from_data(ds)
    assert model.signature.output_units == ("K",) * outputs
    found = dl.forecast(model, ds, horizon=50, samples=1)
    error = np.abs(found["output_mean"].values[0] - y[600:650]).mean()
    floor = np.abs(y[599] - y[600:650]).mean()
    assert error < (0.05 if family is ALRNNMixture else 0.5) * floor


@pytest.mark.parametrize("family", SMALL)
def test_the_shipped_error_law_is_told_for_the_interval(family):
    """The same samples at another interval: the same forecast, spread and all."""
    y = turning()[None]
    slow, fast = (dl.from_arrays(y, dt=dt) for dt in (10.0, 0.01))
    found = [dl.forecast(family.from_data(ds), ds, horizon=20, samples=1) for ds in (slow, fast)]
    for name in ("output_mean", "output_scale"):
        np.testing.assert_allclose(*(one[name].values for one in found), rtol=2e-3)
    assert (np.diff(found[0]["output_scale"].values[0, :, 0]) > 0).all()


@pytest.mark.parametrize("family", SMALL)
def test_a_context_in_which_hardly_anything_was_measured_says_nothing(family):
    y = np.full((300, 2), np.nan)
    y[[10, 150, -1]] = turning(2)[:3]
    ds = dl.from_arrays(y[None], dt=0.1)
    with pytest.raises(ArgumentError, match="context"):
        dl.forecast(family.from_data(ds), ds, horizon=5)


def test_gaps_are_bridged_by_the_shipped_weights():
    y = turning(3, 560)
    holes = np.random.default_rng(0).random(y.shape) < 0.1
    ds = dl.from_arrays(np.where(holes, np.nan, y)[None, :500], dt=0.1)
    ds["output"][0, -1] = y[499]
    found = dl.forecast(ALRNNMixture.from_data(ds), ds, horizon=30, samples=1)["output_mean"].values[0]
    assert np.abs(found - y[500:530]).mean() < 0.15 * y.std()
