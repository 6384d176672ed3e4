"""Training of recurrent models: objectives by hand, the criterion, denoised data, and what the method finds."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.forcing import Forcing
from dynlearn.fitting import Gradient, TeacherForcing
from dynlearn.fitting.criteria import CRITERIA, _apart, long_run
from dynlearn.fitting.denoised import denoised
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.methods import members
from dynlearn.fitting.objectives.forcing.generalized import generalized_teacher_forcing
from dynlearn.fitting.objectives.forcing.manifold_attractor import manifold_attractor
from dynlearn.fitting.objectives.forcing.sparse import sparse_teacher_forcing
from dynlearn.fitting.objectives.multiple_shooting import multiple_shooting
from dynlearn.models import ALRNN, Signature

KEY = jax.random.key(0)
SIGNATURE = Signature(("y",), interval=1.0)


def scalar(a=0.5, h=1.0, memory=2, every=2, latent=1):
    """y' = a y + h, and hidden units at rest."""
    model = ALRNN(SIGNATURE, latent=latent, nonlinear=0, memory=memory, key=0)
    cell = eqx.tree_at(
        lambda c: (c.a, c.W, c.h),
        model.cell,
        (
            jnp.full(latent, a),
            jnp.zeros((latent, latent)),
            jnp.concatenate([jnp.full(1, h), jnp.zeros(latent - 1)]),
        ),
    )
    return eqx.tree_at(
        lambda m: (m.cell, m.forcing), model, (cell, Forcing(jnp.ones(()), jnp.asarray(every)))
    )


def batch_of(values, model, horizon):
    ds = dl.from_arrays([np.asarray(values, float)[:, None]], dt=1.0, output_names=["y"])
    examples = Examples.of(model, ds, horizon, "train")
    return examples.take(jnp.flatnonzero(examples.now == model.memory - 1)[:1])


Y = [2.0, 5.0, 1.0, np.nan, 3.0, 4.0]


def by_hand(a, h, strengths):
    """Errors before the pull at every measured sample but the first."""
    z, errors = Y[0], []
    for y, strength in zip(Y[1:], strengths[1:], strict=True):
        z = a * z + h
        if not np.isnan(y):
            errors.append(y - z)
            z += strength * (y - z)
    return np.mean(np.square(errors))


@pytest.mark.parametrize("every", [1, 2, 3])
def test_sparse_by_hand(every):
    model = scalar(every=every)
    strengths = [float(k % every == 0) for k in range(6)]
    loss, metrics = sparse_teacher_forcing(model, batch_of(Y, model, 4), KEY)
    assert float(loss) == pytest.approx(by_hand(0.5, 1.0, strengths), rel=1e-5)
    assert float(metrics["rmse"]) == pytest.approx(float(loss) ** 0.5, rel=1e-5)
    given = functools.partial(sparse_teacher_forcing, interval=every)
    assert float(given(scalar(every=5), batch_of(Y, model, 4), KEY)[0]) == pytest.approx(float(loss))


def test_padding_before_a_run_does_not_count():
    """A window that begins before its run: the run's own first sample is nothing's forecast."""
    model = scalar(memory=3, every=9)
    ds = dl.from_arrays([np.array([2.0, 5.0, 1.0])[:, None]], dt=1.0, output_names=["y"])
    examples = Examples.of(model, ds, 2, "train")
    batch = examples.take(jnp.flatnonzero(examples.now == 0)[:1])
    loss, _ = sparse_teacher_forcing(model, batch, KEY)
    assert float(loss) == pytest.approx(np.mean([(5.0 - 2.0) ** 2, (1.0 - 2.0) ** 2]), rel=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_generalized_by_hand(alpha):
    model = scalar()
    loss, metrics = generalized_teacher_forcing(model, batch_of(Y, model, 4), KEY, alpha)
    assert float(loss) == pytest.approx(by_hand(0.5, 1.0, [alpha] * 6), rel=1e-5)
    assert float(metrics["alpha"]) == pytest.approx(alpha)


@pytest.mark.parametrize(("a", "expected"), [(0.5, 0.0), (2.0, 0.5), (-4.0, 0.75)])
def test_adaptive_alpha_holds_the_growth_at_one(a, expected):
    model = scalar(a=a)
    _, metrics = generalized_teacher_forcing(model, batch_of([0.1] * 6, model, 4), KEY)
    assert float(metrics["alpha"]) == pytest.approx(expected, abs=1e-5)


def test_annealed_alpha_is_told_how_far_the_fit_is():
    seen = []

    def objective(model, batch, key, progress):
        jax.debug.callback(lambda p: seen.append(float(p)), progress)
        return generalized_teacher_forcing(model, batch, key, "annealed", progress=progress)

    ds = dl.from_arrays(np.sin(np.arange(40.0)), dt=1.0)
    model = ALRNN.from_data(ds, latent=2, nonlinear=1, memory=2, unforced=2, key=0)
    method = Gradient(steps=4, batch=2, horizon=4, validate_every=2)
    result = dl.fit(model, ds, method=method, objective=objective, progress=False)
    jax.effects_barrier()
    assert sorted(seen) == pytest.approx([0.0, 0.25, 0.5, 0.75])
    alpha = result.history["output"].sel(output_name="alpha").values.ravel()
    np.testing.assert_allclose(alpha, [0.875, 0.375])


def test_the_pull_towards_a_line_of_fixed_points():
    model = scalar(a=0.5, h=1.0, latent=3)
    batch = batch_of(Y, model, 4)
    forced = float(sparse_teacher_forcing(model, batch, KEY)[0])
    loss, metrics = manifold_attractor(model, batch, KEY, weight=2.0, share=1.0)
    # Two hidden units with A_ii = 0.5 and nothing else.
    assert float(metrics["pull"]) == pytest.approx(0.25)
    assert float(loss) == pytest.approx(forced + 0.5, rel=1e-5)


def test_multiple_shooting_by_hand():
    model = scalar(memory=1)
    y = [2.0, 5.0, 1.0, 4.0, 3.0]
    loss, metrics = multiple_shooting(model, batch_of(y, model, 4), KEY, segments=2, weight=3.0)
    step = lambda z: 0.5 * z + 1  # noqa: E731
    first = [step(2.0), step(step(2.0))]
    second = [step(1.0), step(step(1.0))]
    data = np.mean((np.array(first + second) - y[1:]) ** 2)
    gap = first[-1] - 1.0
    assert float(metrics["gap"]) == pytest.approx(abs(gap), rel=1e-5)
    assert float(loss) == pytest.approx(data + 3 * gap**2, rel=1e-5)


def test_a_segment_without_a_past_does_not_count():
    model = scalar(memory=1)
    batch = batch_of([2.0, 5.0, np.nan, 4.0, 3.0], model, 4)
    gradient = jax.grad(lambda h: multiple_shooting(scalar(memory=1, h=h), batch, KEY, segments=2)[0])(1.0)
    loss, metrics = multiple_shooting(model, batch, KEY, segments=2)
    assert float(loss) == pytest.approx((5.0 - 2.0) ** 2)
    assert float(metrics["gap"]) == 0
    assert float(gradient) == pytest.approx(2 * (2.0 - 5.0))


REFUSED = {
    "objective 'sparse_teacher_forcing': expected a recurrent model such as ALRNN, got Persistence": (
        lambda m, b, p: sparse_teacher_forcing(p, b, KEY)
    ),
    "expected alpha to be a number from 0 to 1, 'adaptive' or 'annealed', got 1.5": (
        lambda m, b, p: generalized_teacher_forcing(m, b, KEY, 1.5)
    ),
    "objective 'manifold_attractor': expected a model with hidden units": lambda m, b, p: manifold_attractor(
        m, b, KEY
    ),
    "expected segments to divide the horizon of 4 samples, got 3": (
        lambda m, b, p: multiple_shooting(m, b, KEY, segments=3)
    ),
    "unknown criterion 'long_rin'; did you mean 'long_run'": lambda m, b, p: Gradient(criterion="long_rin"),
    "unknown optimizer 'adm'; did you mean 'adam'": lambda m, b, p: Gradient(optimizer="adm"),
    "expected validation_horizon to be an integer >= 1": lambda m, b, p: Gradient(validation_horizon=0),
    "expected population to be an integer >= 1": lambda m, b, p: TeacherForcing(population=0),
    "expected denoise to be True or False": lambda m, b, p: TeacherForcing(denoise="yes"),
    "TeacherForcing: expected steps to be an integer >= 1": lambda m, b, p: TeacherForcing(steps=0),
}


@pytest.mark.parametrize("name", ["Gradient", "TeacherForcing", "Training"])
def test_methods_that_descend_refuse_settings_in_their_own_name(name):
    """Even where a setting speaks of another one: no name is put in the place of another in a sentence."""
    if name == "Training":
        pytest.importorskip("torch")
    method = dl.torch.Training if name == "Training" else getattr(dl.fitting, name)
    rates = "expected learning_rate > 0, clip > 0, weight_decay >= 0, 0 <= average < 1, got"
    for settings, text in {
        ("batch", "Gradient:"): "expected batch to be an integer >= 1, got 'Gradient:'.",
        ("steps", 0): "expected steps to be an integer >= 1, got 0.",
        ("validate_every", 2.5): "expected validate_every to be an integer >= 1, got 2.5.",
        ("patience", 0): "expected patience to be an integer >= 1 (blocks) or None, got 0.",
        ("clip", 0): f"{rates} 0.003, 0, 0.0, 0.99.",
        ("average", 1.0): f"{rates} 0.003, 1.0, 0.0, 1.0.",
        ("learning_rate", "fast"): f"{rates} 'fast', 1.0, 0.0, 0.99.",
    }.items():
        with pytest.raises(dl.errors.ArgumentError) as caught:
            method(**dict([settings]))
        assert str(caught.value) == f"{name}: {text}"


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message):
    model = scalar()
    ds = dl.from_arrays(np.sin(np.arange(20.0)), dt=1.0)
    with pytest.raises(dl.errors.ArgumentError, match=message):
        REFUSED[message](model, batch_of(Y, model, 4), dl.models.Persistence.from_data(ds))


def test_the_method_refuses_what_data_cannot_force():
    ds = dl.from_arrays(np.sin(np.arange(20.0)), dt=1.0)
    with pytest.raises(dl.errors.ArgumentError, match="TeacherForcing: expected a recurrent model"):
        dl.fit(dl.models.NeuralMap.from_data(ds, width=4), ds, method="teacher_forcing", progress=False)


def turn(angle, radius=1.0):
    """A rotation with two outputs: everything it does is one circle."""
    model = ALRNN(Signature(("y0", "y1"), interval=1.0), latent=2, nonlinear=0, memory=1, key=0)
    c, s = np.cos(angle), np.sin(angle)
    W = jnp.asarray(radius * np.array([[c, -s], [s, c]]), jnp.float32)
    return eqx.tree_at(lambda m: (m.cell.a, m.cell.W), model, (jnp.zeros(2), W))


def test_long_runs_are_judged_by_where_they_go_and_how_they_move():
    k = np.arange(400)
    ds = dl.from_arrays(np.stack([np.cos(0.2 * k), np.sin(0.2 * k)], -1)[None], dt=1.0)
    examples = Examples.of(turn(0.2), ds, 200, "validation")
    windows = examples.filled(examples.evenly(4))
    score = {
        name: float(long_run(model, windows, KEY))
        for name, model in {
            "right": turn(0.2),
            "slightly wrong": turn(0.21),
            "backwards": turn(-0.2),
            "shrinking": turn(0.2, 0.98),
            "leaving": turn(0.2, 1.5),
        }.items()
    }
    assert score["right"] < 1e-3
    assert score["right"] < score["slightly wrong"] < score["backwards"]
    assert score["slightly wrong"] < score["shrinking"] < score["leaving"]
    assert np.isfinite(score["leaving"])
    assert CRITERIA["long_run"] is long_run


def test_the_same_places_visited_backwards_are_another_distribution():
    k = jnp.arange(600)
    y = jnp.stack([jnp.cos(0.2 * k), jnp.sin(0.2 * k)], -1)[None]
    everything = jnp.ones(y.shape, bool)
    for lag in (1, 4):
        assert float(_apart(y, y[:, ::-1], everything, lag)) > 0.2
        assert float(_apart(y, y, everything, lag)) == 0


def test_what_was_not_measured_does_not_count_for_a_long_run():
    k = np.arange(400)
    y = np.stack([np.cos(0.2 * k), np.sin(0.2 * k)], -1)[None]
    y[0, 50:90, 1] = np.nan
    examples = Examples.of(turn(0.2), dl.from_arrays(y, dt=1.0), 200, "validation")
    assert float(long_run(turn(0.2), examples.filled(examples.evenly(4)), KEY)) < 1e-3


def test_training_data_are_smoothed_where_they_were_measured():
    rng = np.random.default_rng(0)
    k = np.arange(1500)
    truth = np.stack([np.sin(0.05 * k), np.cos(0.08 * k)], -1)[None]
    noisy = truth + np.array([0.1, 0.0]) * rng.normal(size=truth.shape)
    noisy[0, 700:710, 0] = np.nan
    ds = dl.from_arrays(noisy, dt=1.0)
    found, levels = denoised(ds)
    assert levels == {"y0": pytest.approx(0.1, rel=0.1), "y1": 0.0}
    y = found["output"].transpose("trajectory", "time", "output_name").values
    assert np.isnan(y[0, 700:710, 0]).all()
    assert np.nanstd(y[0, :, 0] - truth[0, :, 0]) < 0.05
    np.testing.assert_array_equal(y[..., 1], noisy[..., 1])
    # The data that were passed stay as they are.
    np.testing.assert_array_equal(ds["output"].values[0], noisy[0])


METHOD = TeacherForcing(
    steps=400,
    validate_every=100,
    population=2,
    batch=8,
    horizon=24,
    free_run=100,
    free_runs=4,
    learning_rate=1e-2,
)


@pytest.fixture(scope="module")
def oscillation():
    ds = dl.datasets.load("van_der_pol", runs=3, length=150, key=0)
    model = ALRNN.from_data(ds, latent=8, nonlinear=3, unforced=6, memory=6, key=0)
    return ds, model, dl.fit(model, ds, method=METHOD, progress=False)


def test_a_limit_cycle_is_learned_from_noise_free_data(oscillation):
    ds, _, result = oscillation
    scores = dl.evaluate(result.model, ds, context=20, horizon=30)
    nrmse = scores["nrmse"].mean(("lead", "output_name"))
    assert float(nrmse.sel(model="ALRNN")) < 0.4 * float(nrmse.sel(model="persistence"))
    assert result.statistics["noise"] == dict.fromkeys(ds.dyn.outputs, 0.0)
    assert len(result.statistics["score"]) == 2


def test_the_best_of_the_population_is_returned(oscillation):
    ds, model, result = oscillation
    score = result.statistics["score"]
    windows = Examples.of(result.model, ds, 100, "validation")
    # The strength of the forcing was chosen after the scores were taken.
    forced = eqx.tree_at(lambda m: m.forcing.strength, result.model, jnp.ones(()))
    found = float(long_run(forced, windows.filled(windows.evenly(4)), KEY))
    assert found == pytest.approx(min(score), rel=1e-3)
    single = dataclasses.replace(METHOD, population=1)
    alone = dl.fit(model, ds, method=single, progress=False)
    assert min(result.statistics["score"]) <= alone.statistics["score"] * 1.2
    with pytest.raises(AssertionError):  # they are not the same fit
        np.testing.assert_allclose(result.model.cell.W, alone.model.cell.W)


def test_a_member_that_diverged_is_not_the_one_that_is_returned(oscillation):
    """The model as it came is fitted well and scores best; as its loss is no number, another one is taken."""
    ds, _, result = oscillation
    start = result.model.cell.W[0, 0]

    def objective(model, batch, key):
        loss, metrics = sparse_teacher_forcing(model, batch, key)
        return jnp.where(model.cell.W[0, 0] == start, jnp.nan, loss), metrics

    short = dataclasses.replace(METHOD, steps=4, validate_every=2)
    found = dl.fit(result.model, ds, method=short, objective=objective, progress=False)
    assert found.statistics["diverged"] == [0]
    assert found.reason is dl.fitting.Reason.STEPS_DONE
    assert np.argmin(found.statistics["score"]) == 0
    assert not np.allclose(found.model.cell.W, result.model.cell.W, atol=0.1)


@pytest.mark.parametrize(
    ("diverged", "among", "expected"), [([], None, 1), ([1], None, 2), ([0, 1, 2], None, 1), ([1], [0, 1], 0)]
)
def test_the_best_is_one_that_did_not_diverge(diverged, among, expected):
    assert members.best([3.0, 1.0, 2.0], diverged, among) == expected


def test_an_ensemble_keeps_its_members(oscillation):
    ds, model, _ = oscillation
    ensemble = dl.models.Ensemble.of(model, 2, key=0)
    short = TeacherForcing(steps=4, validate_every=2, batch=4, horizon=12, free_run=20, free_runs=2)
    result = dl.fit(ensemble, ds, method=short, progress=False)
    assert isinstance(result.model, dl.models.Ensemble)
    assert result.model.size == 2


def test_going_on_starts_from_what_was_fitted(oscillation):
    ds, _, result = oscillation
    short = TeacherForcing(steps=2, validate_every=2, batch=4, horizon=12, free_run=100, free_runs=4)
    more = dl.fit(result, ds, method=short, progress=False)
    # The model as it came is the first to beat, and two steps do not.
    assert more.statistics["score"] <= min(result.statistics["score"]) * 1.3
    assert np.abs(np.asarray(more.model.cell.W - result.model.cell.W)).max() < 0.05


def test_noise_lowers_the_strength_of_the_forcing():
    rng = np.random.default_rng(0)
    clean = dl.datasets.load("van_der_pol", runs=2, length=400, key=0)
    noisy = clean.copy(deep=True)
    noisy["output"] = noisy["output"] + 0.15 * float(clean["output"].std()) * rng.normal(
        size=noisy["output"].shape
    )
    model = ALRNN.from_data(noisy, latent=8, nonlinear=3, unforced=8, memory=24, key=0)
    result = dl.fit(model, noisy, method=METHOD, progress=False)
    assert result.statistics["strength"] < 0.6
    assert all(level > 0 for level in result.statistics["noise"].values())


@pytest.mark.parametrize("kill", [1, 3])
def test_a_fit_that_was_broken_off_goes_on_to_the_same_model(tmp_path, oscillation, kill):
    ds, model, result = oscillation
    path, blocks = tmp_path / "fit.dyn", [0]

    class Broken(Exception):
        pass

    import contextlib

    from dynlearn.fitting import progress as bars

    @contextlib.contextmanager
    def breaking(title, total):
        def report(done, **numbers):
            blocks[0] += 1
            if blocks[0] == kill:
                raise Broken

        yield report

    original = bars.silent
    bars.silent = breaking
    try:
        with pytest.raises(Broken):
            dl.fit(model, ds, method=METHOD, progress=False, checkpoint=path)
    finally:
        bars.silent = original
    again = dl.fit(model, ds, method=METHOD, progress=False, checkpoint=path)
    np.testing.assert_array_equal(again.model.cell.W, result.model.cell.W)
    assert again.statistics["score"] == result.statistics["score"]
