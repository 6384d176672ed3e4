"""Gradient fits: reproducible, resumable, bounded by validation, honest about divergence."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import FileFormatError
from dynlearn.fitting import Gradient, Reason, progress
from dynlearn.fitting.examples import Examples
from dynlearn.models import Ensemble

METHOD = Gradient(steps=8, batch=4, horizon=3, validate_every=2, validation_windows=8)


def node(ds, key=0, **options):
    return dl.models.NeuralODE.from_data(ds, **{"hidden": 0, "memory": 1, "width": 8, **options}, key=key)


def arrays(model) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(model) if isinstance(leaf, jax.Array)]


def equal(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))


def fit(model, ds, valid=None, method=METHOD, **options):
    return dl.fit(model, ds, valid, method, progress=False, calibration_horizon=3, **options)


class Killed(Exception):
    pass


def killed_after(blocks: int):
    """A progress display that dies at its `blocks`-th report."""
    from contextlib import contextmanager

    @contextmanager
    def silent(title, total):
        seen = []

        def report(done, **numbers):
            seen.append(done)
            if len(seen) == blocks:
                raise Killed

        yield report

    return silent


def test_settings_of_numpy_are_those_of_python(linear):
    """A step count of numpy's would be a traced value in the compiled block, where it sets a length."""
    numbers = {
        "steps": np.int32(4),
        "validate_every": np.int64(2),
        "patience": np.uint8(3),
        "clip": np.float64(1),
    }
    method = Gradient(batch=np.int64(4), horizon=np.int16(3), validation_windows=np.int64(8), **numbers)
    assert fit(node(linear), linear, linear, method).statistics["steps"] == 4
    for settings in (
        method,
        dl.fitting.EM(steps=np.int64(4), tolerance=np.float32(1e-3), initial=np.True_),
        dl.fitting.MaximumLikelihood(steps=np.int64(4), tolerance=np.float32(1e-3)),
        dl.fitting.Subspace(past=np.int64(4), future=np.int64(3), refine=np.int64(0), steps=np.int64(2)),
        dl.fitting.SwitchingEM(
            steps=np.int64(4), patience=np.int64(2), sticky=np.float32(1), polish=np.int64(0)
        ),
        dl.fitting.LeastSquares(ridge=np.float32(0.5), horizon=np.int64(4)),
    ):
        values = vars(settings).values()
        assert {type(value) for value in values} <= {int, float, bool, str, tuple, type(None)}, settings


@pytest.mark.parametrize("kind", ["single", "ensemble"])
def test_a_killed_fit_goes_on_to_the_same_bits(kind, linear, tmp_path, monkeypatch):
    model = node(linear) if kind == "single" else Ensemble.of(node(linear), 2)
    whole = fit(model, linear, linear)
    path = tmp_path / "fit.checkpoint"
    with monkeypatch.context() as patched:
        patched.setattr(progress, "silent", killed_after(2))
        with pytest.raises(Killed):
            fit(model, linear, linear, checkpoint=path)
    resumed = fit(model, linear, linear, checkpoint=path)
    assert equal(resumed.model, whole.model)
    assert resumed.reason is whole.reason
    np.testing.assert_array_equal(resumed.history["output"], whole.history["output"])
    finished = fit(model, linear, linear, checkpoint=path)
    assert equal(finished.model, whole.model)


@pytest.fixture(scope="module")
def checkpoint(linear, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "fit"
    fit(node(linear), linear, linear, checkpoint=path)
    return path


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"key": 1}, r"of another fit: key is \[0, 0\] there and \[0, 1\] here; give another path"),
        (
            {"objective": "likelihood"},
            r"objective is .*multi_step there and .*likelihood here.*delete the file",
        ),
        (
            {"method": Gradient(steps=9, batch=4, horizon=3, validate_every=2)},
            r"method.steps is 8 there and 9 h",
        ),
        ({"valid": None}, r"validation is a dataset there and None here"),
        ({"width": 9}, r"out_features is 8 there and 9 here"),
    ],
    ids=["key", "objective", "method", "validation", "model"],
)
def test_a_checkpoint_of_another_fit_is_refused(options, text, linear, checkpoint):
    options = {"valid": linear, **options}
    model = node(linear, width=options.pop("width", 8))
    with pytest.raises(FileFormatError, match=text):
        fit(model, linear, checkpoint=checkpoint, **options)


def test_a_damaged_or_foreign_checkpoint_is_refused(linear, checkpoint, tmp_path):
    short, foreign = tmp_path / "short", tmp_path / "foreign"
    short.write_bytes(checkpoint.read_bytes()[:300])
    dl.save(node(linear), foreign)
    for path, text in (
        (short, "damaged or of another format"),
        (foreign, "expected a dynlearn checkpoint file"),
    ):
        with pytest.raises(FileFormatError, match=text):
            fit(node(linear), linear, linear, checkpoint=path)


def test_the_key_decides(linear):
    model = node(linear)
    first, again, other = (fit(model, linear, key=k).model for k in (0, jax.random.key(0), 1))
    assert equal(first, again)
    assert not equal(first, other)


def test_history_follows_the_schema(linear):
    history = fit(node(linear), linear, linear).history
    dl.validate(history)
    assert history["t"].values.tolist() in ([2, 4, 6, 8], [[2, 4, 6, 8]])
    assert history["t"].attrs["units"] == "step"
    assert {"loss", "validation", "gradient"} <= set(history.dyn.outputs)
    assert "validation" not in fit(node(linear), linear).history.dyn.outputs


def nan_later(model, batch, key):
    """Fine until the weights have moved, then NaN."""
    loss, metrics = dl.fitting.multi_step(model, batch, key)
    moved = jnp.abs(model.field.network.layers[-1].bias).max() > 0.004
    return jnp.where(moved, jnp.nan, loss), metrics


def nan_gradient(model, batch, key):
    """A finite loss whose gradient is not: d sqrt(x)/dx at 0."""
    loss, _ = dl.fitting.multi_step(model, batch, key)
    return loss + jnp.sqrt(jnp.abs(0 * model.field.network.layers[0].weight[0, 0])), {}


@pytest.mark.slow
@pytest.mark.parametrize("objective", [nan_later, nan_gradient])
@pytest.mark.parametrize("validated", [True, False])
def test_divergence_stops_with_the_last_good_model(objective, validated, linear):
    method = Gradient(
        steps=40, batch=4, horizon=3, validate_every=2, validation_windows=8, learning_rate=1e-2
    )
    result = fit(node(linear), linear, linear if validated else None, method, objective=objective)
    assert result.reason is Reason.DIVERGED
    assert "Lower `learning_rate`" in str(result.reason)
    assert all(np.isfinite(a).all() for a in arrays(result.model))
    assert result.statistics["steps"] < 40


def some_diverge(limit, start):
    """Members whose first weight is above `limit` are fine until their last bias has moved from `start`, then NaN."""

    def objective(model, batch, key):
        loss, metrics = dl.fitting.multi_step(model, batch, key)
        first, *_, last = model.field.network.layers
        moved = (jnp.abs(last.bias - start).max() > 0.004) & (first.weight[0, 0] > limit)
        return jnp.where(moved, jnp.nan, loss), metrics

    return objective


@pytest.fixture(scope="module")
def three(linear):
    """An ensemble, the number of the member with the largest first weight, which is alone above that limit, a bias."""
    model = Ensemble.of(node(linear), 3, key=0)
    first = np.asarray(model.members.field.network.layers[0].weight[:, 0, 0])
    bias = np.asarray(model.members.field.network.layers[-1].bias[0])
    return model, int(np.argmax(first)), float(np.sort(first)[-2:].mean()), bias


LONGER = Gradient(steps=24, batch=4, horizon=3, validate_every=2, validation_windows=8, learning_rate=3e-3)


@pytest.mark.parametrize("validated", [True, False])
def test_a_member_that_diverges_stands_still_and_the_others_go_on(validated, linear, three):
    model, gone, limit, bias = three
    valid = linear if validated else None
    whole = fit(model, linear, valid, LONGER)
    assert whole.statistics["diverged"] == []
    result = fit(model, linear, valid, LONGER, objective=some_diverge(limit, bias))
    assert result.reason is whole.reason is Reason.STEPS_DONE
    assert result.statistics["diverged"] == [gone]
    assert result.statistics["steps"] == 24
    for i in range(3):
        found, expected = (arrays(one.model.member(i).field) for one in (result, whole))
        same = all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(found, expected, strict=True))
        assert same is (i != gone)
    # Nothing of it is in what is returned or told.
    assert all(np.isfinite(a).all() for a in arrays((result.model, result.carried)))
    names = ["loss", "gradient", "rmse", *(["validation"] if validated else [])]
    told = result.history["output"].sel(output_name=names).values
    assert np.isfinite(told).all()
    # It is as it was when its numbers were last good: short of the limit, or one block of two steps beyond.
    last = np.asarray(result.model.member(gone).field.network.layers[-1].bias)
    assert 0 < np.abs(last - bias).max() < 0.004 + 2 * LONGER.learning_rate


def test_a_member_that_diverged_once_does_not_go_on(linear, three):
    """Its loss is no number for one step, and would be one again after it."""
    model, gone, limit, _ = three

    def objective(model, batch, key, progress):
        loss, metrics = dl.fitting.multi_step(model, batch, key)
        once = (progress == 0.5) & (model.field.network.layers[0].weight[0, 0] > limit)
        return jnp.where(once, jnp.nan, loss), metrics

    half = dataclasses.replace(LONGER, patience=None)
    result = fit(model, linear, None, half, objective=objective)
    assert result.statistics["diverged"] == [gone]
    counts = [leaf for leaf in jax.tree.leaves(result.carried) if leaf.dtype == jnp.int32]
    assert counts
    for steps in counts:
        np.testing.assert_array_equal(np.asarray(steps)[gone], 12)
        np.testing.assert_array_equal(np.delete(np.asarray(steps), gone), 24)


def test_what_is_logged_is_the_mean_over_the_members_that_go_on(linear, three):
    model, gone, limit, _ = three
    once = Gradient(steps=1, batch=4, horizon=3, validate_every=1, learning_rate=3e-3)

    def objective(model, batch, key):
        weight = model.field.network.layers[0].weight[0, 0]
        return jnp.where(weight > limit, jnp.inf, 0 * weight + 2.0), {"seen": 1 + weight}

    result = fit(model, linear, None, once, objective=objective)
    first = np.delete(np.asarray(model.members.field.network.layers[0].weight[:, 0, 0]), gone)
    row = result.history["output"].squeeze().sel(output_name=["loss", "seen"]).values
    np.testing.assert_allclose(row, [2.0, 1 + first.mean()], rtol=1e-6)


def test_a_fit_of_members_diverges_where_all_have(linear, three):
    result = fit(three[0], linear, linear, LONGER, objective=some_diverge(-np.inf, three[-1]))
    assert result.reason is Reason.DIVERGED
    assert result.statistics["diverged"] == [0, 1, 2]
    assert result.statistics["steps"] < 24
    assert all(np.isfinite(a).all() for a in arrays((result.model, result.carried)))


def test_those_that_stand_still_do_not_keep_a_fit_from_stopping_early(linear, three):
    """Nothing improves on the validation data but the mean of no forecasts: patience is over after two blocks."""
    model, gone, limit, _ = three

    def still(model, batch, key):
        weight = model.field.network.layers[0].weight[0, 0]
        return jnp.where(weight > limit, jnp.nan, 0 * weight), {}

    method = dataclasses.replace(LONGER, patience=2)
    result = fit(model, linear, linear, method, objective=still)
    assert (result.reason, result.statistics["steps"]) == (Reason.NOT_IMPROVED, 4)
    assert result.statistics["diverged"] == [gone]


@pytest.mark.parametrize("blocks", [2, 7])
def test_a_killed_fit_with_a_member_that_diverged_goes_on_to_the_same_bits(
    blocks, linear, three, tmp_path, monkeypatch
):
    model, gone, limit, bias = three
    objective, path = some_diverge(limit, bias), tmp_path / "fit"
    whole = fit(model, linear, linear, LONGER, objective=objective)
    with monkeypatch.context() as patched:
        patched.setattr(progress, "silent", killed_after(blocks))
        with pytest.raises(Killed):
            fit(model, linear, linear, LONGER, objective=objective, checkpoint=path)
    resumed = fit(model, linear, linear, LONGER, objective=objective, checkpoint=path)
    assert equal((resumed.model, resumed.carried), (whole.model, whole.carried))
    assert resumed.statistics == whole.statistics
    assert resumed.statistics["diverged"] == [gone]


def test_an_absurd_learning_rate_never_returns_a_model_worse_than_the_start(linear):
    method = Gradient(steps=8, batch=4, horizon=3, validate_every=2, validation_windows=8, learning_rate=1e6)
    result = fit(node(linear), linear, linear, method)
    assert all(np.isfinite(a).all() for a in arrays(result.model))


def test_early_stopping_restores_the_best(linear):
    """Large noisy steps: the score falls at first, and then goes up and down."""
    method = Gradient(
        steps=2000, batch=4, horizon=3, validate_every=5, patience=2, learning_rate=3e-2, average=0.0
    )
    result = fit(node(linear), linear, linear, method)
    assert result.reason is Reason.EARLY_STOPPED
    scores = result.history["output"].sel(output_name="validation").values.ravel()
    held_out = Examples.of(result.model, linear, 3, "validation").spread(method.validation_windows)
    found = dl.fitting.multi_step(result.model, held_out, jax.random.key(0))[0]
    assert float(found) == pytest.approx(np.nanmin(scores), rel=1e-4)
    assert len(scores) == np.nanargmin(scores) + 1 + method.patience


def test_a_fit_that_makes_it_worse_returns_what_it_was_given(linear):
    """Validation data whose outputs run backwards in time: every step towards `linear` leads away from them."""
    backwards = linear.copy(
        data={**linear, "output": linear["output"].isel(time=slice(None, None, -1)).values}
    )
    model = node(linear)
    result = fit(
        model, linear, backwards, Gradient(steps=40, batch=8, horizon=3, learning_rate=10.0, validate_every=5)
    )
    assert result.reason is Reason.NOT_IMPROVED
    for was, now in zip(jax.tree.leaves(model.field), jax.tree.leaves(result.model.field), strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_custom_objective_is_what_is_minimised(linear):
    def small_weights(model, batch, key):
        loss = sum(jnp.sum(layer.weight**2) for layer in model.field.network.layers)
        return loss, {"seen": jnp.asarray(batch.length, float)}

    result = fit(
        node(linear),
        linear,
        None,
        Gradient(steps=30, batch=2, horizon=3, validate_every=10, learning_rate=1e-2),
        objective=small_weights,
    )
    values = result.history["output"].sel(output_name="loss").values.ravel()
    assert values[-1] < values[0]
    assert (result.history["output"].sel(output_name="seen") == 1 + 3).all()


def test_clipping_bounds_and_averaging_smooths_the_step(linear):
    def steep(model, batch, key):
        return 1e6 * model.field.network.layers[-1].bias.sum(), {}

    def moved(**options):
        model = node(linear)
        method = Gradient(steps=20, batch=2, horizon=3, validate_every=20, **options)
        end = fit(model, linear, None, method, objective=steep).model
        return float(jnp.abs(end.field.network.layers[-1].bias - model.field.network.layers[-1].bias).max())

    # The average lags behind, by little: its memory grows with the steps taken.
    assert moved(average=0.99) < moved(average=0.0)
    # Adam forgets the scale of a constant gradient; its eps does not, so a tiny clip shows there.
    assert moved(average=0.0, clip=1e-9) < 0.5 * moved(average=0.0, clip=1.0)


def test_what_is_fixed_does_not_move(linear):
    model = node(linear)
    fitted = fit(model, linear).model
    assert equal(fitted.scaling, model.scaling)
    assert not equal(fitted.field, model.field)


@pytest.mark.slow
def test_members_learn_apart_and_as_well_as_alone(linear):
    method = Gradient(
        steps=60, batch=16, horizon=3, validate_every=60, validation_windows=32, learning_rate=1e-2
    )
    both = fit(Ensemble.of(node(linear), 2), linear, linear, method)
    alone = fit(node(linear), linear, linear, method)
    assert not equal(both.model.member(0).field, both.model.member(1).field)
    held_out = Examples.of(alone.model, linear, 3, "test").spread(64)
    score = lambda m: float(dl.fitting.multi_step(m, held_out, jax.random.key(0))[0])  # noqa: E731
    start = score(node(linear))
    for member in (both.model.member(0), both.model.member(1)):
        assert score(member) < 0.5 * start
        assert score(member) < 3 * score(alone.model)


def test_the_number_of_blocks_does_not_change_the_number_of_compilations(linear, compilations):
    def blocks(steps):
        with compilations() as names:
            fit(node(linear), linear, None, Gradient(steps=steps, batch=3, horizon=3, validate_every=2))
        return sum("_Block" in name for name in names)

    assert blocks(10) == 1


def test_the_gradient_of_the_objective_matches_finite_differences(uneven):
    """Central differences in float64, h = 1e-6: truncation ~ 1e-12, rounding ~ 1e-10."""
    import equinox as eqx

    with jax.enable_x64(True):
        model = node(uneven, hidden=1, memory=3)
        batch = Examples.of(model, uneven, 4, "train").spread(6)

        @eqx.filter_jit
        def loss(model):
            return dl.fitting.multi_step(model, batch, jax.random.key(0))[0]

        slope = eqx.filter_jit(eqx.filter_grad(loss))(model)
        rng = np.random.default_rng(0)
        for where in (
            lambda m: m.field.network.layers[0].weight,
            lambda m: m.field.network.layers[-1].bias,
            lambda m: m.encoder.network.layers[0].weight,
        ):
            value = where(model)
            direction = jnp.asarray(rng.normal(size=value.shape))
            ahead, behind = (eqx.tree_at(where, model, value + s * 1e-6 * direction) for s in (1, -1))
            numeric = (loss(ahead) - loss(behind)) / 2e-6
            np.testing.assert_allclose(jnp.sum(where(slope) * direction), numeric, rtol=1e-6)


def test_windows_that_end_after_their_run_poison_no_gradient(linear):
    """The lifted states past a run's end are not known; they are left out of the loss, and of its derivative."""
    lifting = dl.models.dictionaries.Learned(2, delays=1, width=4)
    model = dl.models.Koopman.from_data(linear, lifting=lifting, key=0)
    examples = Examples.of(model, linear, 4, "train")
    last = examples.take(np.flatnonzero(np.asarray(examples.now) == 28)[:1])
    assert not np.asarray(last.valid[:, -1]).any()
    loss = eqx.filter_value_and_grad(
        lambda m: dl.fitting.OBJECTIVES["latent_consistency"](m, last, jax.random.key(0))[0]
    )
    value, slope = eqx.filter_jit(loss)(model)
    assert np.isfinite(value)
    learned = arrays((slope.A, slope.B, slope.c, slope.dictionary))
    assert all(np.isfinite(leaf).all() for leaf in learned)
    assert np.abs(np.asarray(slope.A)).max() > 0


def test_a_model_whose_first_score_is_no_number_is_beaten(linear, monkeypatch):
    """It has weights h = 0; any step leads away from them."""
    from dynlearn.fitting.methods import gradient

    def nan_at_first(model, windows, key):
        return jnp.where((model.cell.h == 0).all(), jnp.nan, dl.fitting.multi_step(model, windows, key)[0])

    monkeypatch.setattr(gradient, "CRITERIA", {"forecast": nan_at_first})
    model = dl.models.ALRNN.from_data(linear, latent=3, nonlinear=1, memory=2, key=0)
    method = Gradient(steps=3, validate_every=1, batch=4, horizon=5, validation_windows=11)
    result = fit(model, linear, linear, method)
    assert np.isfinite(result.statistics["score"])
    assert (np.asarray(result.model.cell.h) != 0).any()
