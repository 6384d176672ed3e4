"""One program per method of inference, on a chain of one state: against the joint Gaussian of the whole run."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import dynlearn as dl
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.methods.amortised import Amortised, AmortisedProcess
from dynlearn.filtering.methods.collapsed import Collapsed
from dynlearn.filtering.methods.enumerated import Enumerated
from dynlearn.inference import EnsembleKalman, Exact, Extended, Particle, Unscented
from dynlearn.inference.density import log_joint
from dynlearn.models import LinearStateSpace, NonlinearStateSpace, Scaling, Signature, SwitchingLinear
from dynlearn.numerics import precision

from .reference import Joint, Linear, linear, textbook

Y = np.array([[1.5], [np.nan], [3.0], [2.0]])
ROWS = Linear(
    F=np.array([0.0, 0.9, 0.8, 1.1])[:, None, None],
    c=np.array([[1.0], [0.5], [2.0], [-1.0]]),
    Q=np.array([0.7, 0.4, 0.6, 0.3])[:, None, None],
    C=np.array([[0.8]]),
    d=np.full((4, 1), 0.3),
    R=np.array([[0.25]]),
)
"""Every noise, gain and offset counts."""


@pytest.fixture(autouse=True)
def double():
    with precision.float64():
        yield


def chain() -> Chain:
    each = np.repeat(ROWS.C[None], 4, 0), ROWS.d, np.repeat(np.sqrt(ROWS.R)[None], 4, 0), Y
    return Chain(*map(jnp.asarray, (ROWS.F, ROWS.c, np.sqrt(ROWS.Q), *each)))


def truth() -> dict[str, np.ndarray]:
    """Means, standard deviations and increments of the log density, of the joint Gaussian given parts of Y."""
    joint = Joint.of(ROWS)
    found = {name: [] for name in ("predicted", "filtered", "smoothed", "density")}
    for k in range(4):
        for name, until in (("predicted", k), ("filtered", k + 1), ("smoothed", 4)):
            known = np.where(np.arange(4)[:, None] < until, Y, np.nan)
            x, xx, *_, density = joint.given(known)
            found[name].append([x[k], np.sqrt(xx[k, k])])
            if name == "filtered":
                found["density"].append(density)
    found = {name: np.array(values) for name, values in found.items()}
    found["density"] = np.diff(found["density"], prepend=0)
    return found


@eqx.filter_jit
def infer(method, process, samples):
    one, two = jax.random.split(jax.random.key(0))
    return method.filter(process, one), method.smooth(process, samples, two)


METHODS = {
    "exact": (Exact(), 1e-9),
    "extended": (Extended(), 1e-9),
    "unscented": (Unscented(), 1e-6),
    "ensemble": (EnsembleKalman(4000), 0.1),
    "particle": (Particle(2000), 0.12),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_what_the_joint_gaussian_says(name):
    """Predicted, filtered, smoothed, density and drawn paths; drawn ones within five standard errors."""
    method, within = METHODS[name]
    exact, wanted = method.takes is Chain, truth()
    found, back = infer(method, chain() if exact else chain().general(), 1000)
    np.testing.assert_allclose(found.log_density, wanted["density"], atol=within)
    for part, belief in (
        ("predicted", found.predicted),
        ("filtered", found.filtered),
        ("smoothed", back.smoothed),
    ):
        np.testing.assert_allclose(belief.mean[:, 0], wanted[part][:, 0], atol=within, err_msg=part)
        np.testing.assert_allclose(belief.scale[:, 0], wanted[part][:, 1], atol=within, err_msg=part)
    draws, (mean, scale) = np.asarray(back.draws)[..., 0], wanted["smoothed"].T
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.12)
    np.testing.assert_allclose(draws.std(0), scale, atol=0.12)
    covariance = Joint.of(ROWS).given(Y)[1]
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.12)


def test_amortised_is_exact_where_the_encoder_is_the_posterior():
    """States that forget each other make p(a_k | y_k) a formula: every draw then has the same density, p(y)."""
    H, r, sigma = 0.8, 0.5, 0.4
    state = ROWS._replace(F=0 * ROWS.F)
    prior = H * state.c + 0.3, H**2 * state.Q[:, 0] + r**2
    gain = prior[1] / (prior[1] + sigma**2)
    blank = jnp.full((4, 1), jnp.nan)
    each = (np.full((4, 1, 1), H), np.full((4, 1), 0.3), np.full((4, 1, 1), r), blank)
    latent = Chain(*map(jnp.asarray, (state.F, state.c, np.sqrt(state.Q), *each)))
    known = np.isfinite(Y[:, 0])
    process = AmortisedProcess(
        latent,
        jnp.asarray(prior[0] + gain * (np.where(known[:, None], Y, 0) - prior[0])),
        jnp.asarray(np.sqrt(gain) * sigma),
        jnp.asarray(known),
        lambda a: a,
        jnp.full(1, sigma),
        jnp.asarray(Y),
    )
    found = eqx.filter_jit(Amortised(5).filter)(process, jax.random.key(0))
    wanted = scipy.stats.norm.logpdf(Y[:, 0], prior[0][:, 0], np.sqrt(prior[1][:, 0] + sigma**2))
    np.testing.assert_allclose(found.log_density, np.where(known, wanted, 0), atol=1e-9)


@pytest.mark.parametrize("method", [Enumerated(), Collapsed()], ids=["enumerated", "collapsed"])
def test_regimes_that_nothing_tells_apart_have_the_odds_of_their_chain(method):
    """Two regimes of the same laws: p(z_k | y) = p(z_0) P^k."""
    P, first = np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0.25, 0.75])
    each = {"A": [[0.5]], "C": [[1.0]], "Q": [[0.3]], "R": [[0.2]]}
    model = SwitchingLinear.from_matrices(
        Signature(("y",), interval=1.0), [each, each], transition=P, initial={"probabilities": first}
    )
    run = dl.from_arrays(np.array([[0.3], [-1.0], [0.7], [2.0]]), dt=1.0, output_names=["y"]).dyn.to_device()
    process = model.process(jax.tree.map(lambda leaf: leaf[0], run))
    found, back = infer(method, process, 0)
    odds = np.stack([first @ np.linalg.matrix_power(P, k) for k in range(4)])
    np.testing.assert_allclose(found.filtered.weight, odds, atol=1e-6)
    np.testing.assert_allclose(back.smoothed.weight, odds, atol=1e-6)


def test_the_density_of_a_path_is_that_of_its_start_its_steps_and_its_outputs():
    model = NonlinearStateSpace(
        Signature(("y",), interval=1.0),
        states=1,
        transition=lambda t, x, u, s: 0.9 * x + 0.2,
        observation=lambda x, s: 0.8 * x,
        noise=lambda t, x, u, s: jnp.full(1, 0.6),
        start=([0.5], [[0.49]]),
        key=0,
    )
    run = jax.tree.map(lambda leaf: leaf[0], dl.from_arrays(Y, dt=1.0, output_names=["y"]).dyn.to_device())
    x = np.array([[0.3], [1.0], [-0.4], [2.0]])
    found = log_joint(model, run, jnp.asarray(x))
    spread = float(model.emit(jnp.zeros(1), jnp.zeros(0)).scale[0])
    wanted = scipy.stats.norm.logpdf(
        x, np.vstack([[[0.5]], 0.9 * x[:-1] + 0.2]), [[0.7], [0.6], [0.6], [0.6]]
    )
    wanted += np.nan_to_num(scipy.stats.norm.logpdf(Y, 0.8 * x, spread))
    np.testing.assert_allclose(found, wanted[:, 0], rtol=1e-6)


def test_the_density_of_a_path_needs_the_three_laws_only():
    """Of a linear model in continuous time, whose process is a chain: its matrices over an interval, by expm."""
    model = dl.models.ContinuousDiscrete(
        Signature(("y",)), form="linear", states=1, decoder="identity", memory=4, key=0
    )
    model = eqx.tree_at(lambda m: (m.drift.c, m.H), model, (jnp.array([0.4]), jnp.array([[0.8]])))
    run = jax.tree.map(lambda leaf: leaf[0], dl.from_arrays(Y, dt=1.0, output_names=["y"]).dyn.to_device())
    a, c, g = (float(leaf.squeeze()) for leaf in (model.drift.F, model.drift.c, model.G.chol))
    x = np.array([[0.3], [1.0], [-0.4], [2.0]])
    rho, spread = np.exp(a), float(model.measurement.sigma[0])
    walk = g * np.sqrt((rho**2 - 1) / (2 * a))
    first = scipy.stats.norm.logpdf(x[:1], 0, float(model.start_noise.chol[0, 0]))
    steps = scipy.stats.norm.logpdf(x[1:], rho * x[:-1] + c * (rho - 1) / a, walk)
    wanted = np.vstack([first, steps]) + np.nan_to_num(scipy.stats.norm.logpdf(Y, 0.8 * x, spread))
    np.testing.assert_allclose(log_joint(model, run, jnp.asarray(x)), wanted[:, 0], rtol=1e-5)


def test_verbs_speak_in_physical_units():
    """Likelihood, one-step-ahead outputs, what is imputed and drawn, of a model that computes in other units."""
    matrices = {"A": [[0.9]], "C": [[0.8]], "Q": [[0.4]], "R": [[0.25]], "m0": [1.0], "P0": [[0.7]]}
    scaling = dataclasses.replace(
        Scaling.unit(1), output_mean=jnp.array([2.0]), output_scale=jnp.array([5.0])
    )
    model = LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), matrices, scaling=scaling)
    ds = dl.from_arrays(Y, dt=1.0, output_names=["y"])
    rows, y = linear(model, ds, 0)
    _, _, mean, covariance, density = Joint.of(rows).given(y)
    assert float(dl.log_likelihood(model, ds)[0]) == pytest.approx(density, rel=1e-8)
    ahead = dl.filter(model, ds)
    _, _, *forecast = textbook(rows, y)[0]
    for name, wanted in zip(("output_mean", "output_scale"), forecast, strict=True):
        np.testing.assert_allclose(ahead[name][0], wanted, rtol=1e-8)
    full = dl.impute(model, ds, samples=400, key=0)
    gone = np.isnan(Y)[:, 0]
    np.testing.assert_array_equal(full["output"].values[0, ~gone], Y[~gone])
    np.testing.assert_allclose(full["output"].values[0, gone, 0], mean[gone], rtol=1e-8)
    spread = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(full["output_scale"].values[0, :, 0], np.where(gone, spread, 0), rtol=1e-8)
    draws = full["output_draws"].transpose("sample", ...).values[:, 0, :, 0]
    np.testing.assert_array_equal(draws[:, ~gone], np.broadcast_to(Y[~gone, 0], (400, 3)))
    assert abs(draws[:, gone].mean() - mean[gone][0]) < 5 * spread[gone][0] / 20
    assert draws[:, gone].std() == pytest.approx(spread[gone][0], rel=0.2)
