"""filter, smooth, log_likelihood and impute by every method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.inference import EnsembleKalman, Extended, Particle, Unscented, _outputs
from dynlearn.models import NonlinearStateSpace, Signature

from .reference import build, dataset

pytestmark = pytest.mark.slow

METHODS = {
    "extended": Extended(),
    "unscented": Unscented(),
    "ensemble": EnsembleKalman(400),
    "particle": Particle(1000),
}
methods = pytest.mark.parametrize("method", METHODS)
LENGTHS = (7, 1, 5)


def linear(seed=0):
    """A model and runs drawn from it: all missing, imputed, and some taken out again."""
    rng = np.random.default_rng(seed)
    model = build(rng, 2, 2, 1)
    ds = dataset(rng, model, LENGTHS, 0.3)
    blank = ds.assign(output=ds["output"] * np.nan)
    drawn = dl.impute(model, blank, samples=1, key=seed)["output_draws"].isel(sample=0)
    return model, ds.assign(output=drawn.transpose(*ds["output"].dims).where(ds["output"].notnull()))


@methods
def test_on_ragged_runs_of_a_linear_model_they_say_what_the_exact_one_says(method):
    model, ds = linear()
    found, exact = dl.smooth(model, ds, method=METHODS[method], key=1), dl.smooth(model, ds)
    inside = np.isfinite(exact["state_mean"].values)
    assert not inside.all()
    np.testing.assert_array_equal(np.isfinite(found["state_mean"].values), inside)
    tight = method in ("extended", "unscented")
    for name in ("state", "output"):
        scale = exact[f"{name}_scale"].values[inside]
        apart = np.abs(found[f"{name}_mean"] - exact[f"{name}_mean"]).values[inside] / scale
        assert apart.max() < (1e-8 if tight else 0.5)
        assert np.abs(found[f"{name}_scale"].values[inside] / scale - 1).max() < (1e-8 if tight else 0.5)


@methods
def test_imputing_keeps_what_was_measured_bit_for_bit(method):
    model, ds = linear(1)
    full = dl.impute(model, ds, samples=4, method=METHODS[method])
    before = ds["output"].values
    measured = np.isfinite(before)
    np.testing.assert_array_equal(full["output"].values[measured], before[measured])
    assert (full["output_scale"].values[measured] == 0).all()
    draws = full["output_draws"].transpose("sample", ...).values
    np.testing.assert_array_equal(draws[:, measured], np.broadcast_to(before[measured], (4, measured.sum())))
    inside = np.isfinite(full["output_scale"].values)
    assert np.isfinite(draws[:, inside]).all()
    assert (full["output_scale"].values[inside & ~measured] > 0).all()


@methods
def test_draws_of_counts_are_counts(method):
    model = NonlinearStateSpace(
        Signature(("count",), interval=1.0),
        states=1,
        transition=lambda t, x, u, s: 0.9 * x,
        observation=lambda x, s: jnp.exp(1 + 0.5 * x),
        outputs="poisson",
        key=0,
    ).as_fitted()
    counts = np.array([[3.0, np.nan, 2.0, 5.0, np.nan, 1.0], [0.0, 1.0, np.nan, 4.0, 2.0, 2.0]])
    ds = dl.from_arrays(counts[..., None], dt=1.0, output_names=["count"])
    full = dl.impute(model, ds, samples=200, method=METHODS[method])
    draws = full["output_draws"].transpose("sample", ...).values
    assert (draws >= 0).all()
    np.testing.assert_array_equal(draws, np.round(draws))
    mean, scale = full["output"].values, full["output_scale"].values
    gone = np.isnan(counts)[..., None]
    assert (np.abs(draws.mean(0) - mean)[gone] < 0.5 * scale[gone]).all()


@pytest.mark.parametrize("method", ["extended", "particle"])
def test_runs_in_turns_are_runs_side_by_side(method, monkeypatch):
    model, ds = linear(2)
    chosen = METHODS[method]
    beside = dl.filter(model, ds, method=chosen, key=3)
    jax.clear_caches()
    plain, turns = jax.lax.map, []
    monkeypatch.setattr(_outputs, "AT_ONCE", 1)
    monkeypatch.setattr(
        jax.lax, "map", lambda *args, **kw: turns.append(kw["batch_size"]) or plain(*args, **kw)
    )
    in_turns = dl.filter(model, ds, method=chosen, key=3)
    monkeypatch.undo()
    jax.clear_caches()
    assert 1 in turns
    for name in ("state_mean", "state_scale", "output_mean"):
        np.testing.assert_allclose(in_turns[name], beside[name], rtol=1e-9, err_msg=name)


@methods
def test_the_second_call_compiles_nothing(method, compilations):
    def ask(seed):
        for verb in (dl.filter, dl.log_likelihood):
            verb(*linear(seed), method=METHODS[method], key=seed)

    ask(0)
    with compilations() as names:
        ask(1)
    assert names == []


def test_the_same_key_is_the_same_answer_and_another_is_not():
    model, ds = linear()
    one, same, other = (
        dl.log_likelihood(model, ds, method=Particle(400), key=key).values for key in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()
