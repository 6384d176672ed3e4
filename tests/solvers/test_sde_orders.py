"""Orders of convergence of the SDE schemes, strong along one path and weak, by slope fit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.solvers import StochasticStep, brownian_increments, solve_sde

END = 1.0
COUNTS = (8, 32, 128)


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def slope(errors, counts=COUNTS):
    """Of log error over log step."""
    return -np.polyfit(np.log(counts), np.log(errors), 1)[0]


def ends(problem, scheme, substeps, paths, **options):
    """States at the end, one per path."""
    drift, diffusion, x0 = problem

    @eqx.filter_jit
    def run(keys):
        def one(key):
            solver = StochasticStep(scheme, substeps)
            times = jnp.array([0.0, END])
            return solve_sde(drift, diffusion, x0, times, key=key, solver=solver, **options).last

        return jax.vmap(one)(keys)

    return np.asarray(run(jax.random.split(jax.random.key(0), paths)))


def motions(size, paths):
    """W(END) on the paths of `ends`."""
    draw = jax.jit(jax.vmap(lambda key: brownian_increments(key, jnp.array([END]), size)[0, 0]))
    return np.asarray(draw(jax.random.split(jax.random.key(0), paths)))


# Geometric Brownian motion, two of them; "scalar" has one motion for both.
MU, SIGMA, X0 = np.array([0.5, -0.3]), np.array([0.8, 0.5]), np.array([1.0, 2.0])
GBM = (lambda t, x, u, p: MU * x, lambda t, x, u, p: SIGMA * x, X0)


def gbm_exact(noise, calculus, paths):
    shift = SIGMA**2 / 2 if calculus == "ito" else 0.0
    W = motions(2 if noise == "diagonal" else 1, paths)
    return X0 * np.exp((MU - shift) * END + SIGMA * W)


STRONG = {"euler_maruyama": 0.5, "milstein": 1.0, "heun": 1.0}


@pytest.mark.first(3)
@pytest.mark.parametrize(
    ("scheme", "calculus", "noise"),
    [
        ("euler_maruyama", "ito", "diagonal"),
        ("euler_maruyama", "stratonovich", "scalar"),
        ("milstein", "ito", "diagonal"),
        ("milstein", "stratonovich", "diagonal"),
        ("milstein", "ito", "scalar"),
        ("heun", "stratonovich", "diagonal"),
        ("heun", "ito", "scalar"),
    ],
)
def test_strong_order_on_geometric_brownian_motion(scheme, calculus, noise):
    truth = gbm_exact(noise, calculus, 400)
    errors = [
        np.abs(ends(GBM, scheme, n, 400, calculus=calculus, noise=noise) - truth).mean() for n in COUNTS
    ]
    assert slope(errors) == pytest.approx(STRONG[scheme], abs=0.15)
    assert errors[-1] < 0.1


def turning(t, x, u, p):
    return jnp.stack([jnp.sin(2 * x[1]) - x[0], jnp.cos(2 * x[0]) - x[1] + jnp.cos(t)])


def tangled(t, x, u, p):
    """Three motions on two states whose columns do not commute."""
    return 0.5 * jnp.stack(
        [
            jnp.stack([jnp.cos(x[1]), x[0], jnp.sin(t)]),
            jnp.stack([x[0], jnp.sin(x[0] + x[1]), 1.0 + 0 * x[0]]),
        ]
    )


def crossed(t, x, u, p):
    """Diagonal noise whose entries depend on the other state: it does not commute."""
    return jnp.stack([0.6 + 0.6 * jnp.sin(2 * x[1]) + 0.2 * x[0], jnp.cos(2 * x[0])])


def uneven(t, x, u, p):
    """Large: with little noise the deterministic order, 2, would hide a strong order of 3/2."""
    return 2 * jnp.stack([jnp.stack([1.0 + t, jnp.cos(3 * t)]), jnp.stack([0.5 + 0 * t, t**2])])


NONLINEAR = {"general": tangled, "diagonal": crossed, "additive": uneven}


@pytest.mark.first(2)
@pytest.mark.parametrize(
    ("scheme", "noise", "calculus", "order"),
    [
        ("euler_maruyama", "general", "ito", 0.5),
        ("heun", "general", "stratonovich", 0.5),
        ("milstein", "diagonal", "ito", 0.5),
        ("euler_maruyama", "additive", "ito", 1.0),
        ("heun", "additive", "stratonovich", 1.0),
        ("sra1", "additive", "ito", 1.5),
    ],
)
def test_strong_order_against_a_fine_solve_of_the_same_path(scheme, noise, calculus, order):
    problem = (turning, NONLINEAR[noise], jnp.array([1.0, -0.5]))
    options = {"noise": noise, "calculus": calculus}
    truth = ends(problem, scheme, 2048, 200, **options)
    errors = [np.abs(ends(problem, scheme, n, 200, **options) - truth).mean() for n in COUNTS]
    assert slope(errors) == pytest.approx(order, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["general", "diagonal", "scalar"])
def test_both_calculi_reach_the_same_limit(noise):
    """Euler-Maruyama is native to one and Heun to the other: each is corrected for what it is not."""
    problem = (turning, NONLINEAR.get(noise, crossed), jnp.array([1.0, -0.5]))
    euler, heun = (
        {c: ends(problem, scheme, 1024, 200, noise=noise, calculus=c) for c in ("ito", "stratonovich")}
        for scheme in ("euler_maruyama", "heun")
    )
    for calculus in ("ito", "stratonovich"):
        difference = euler[calculus] - heun[calculus]
        assert np.abs(difference).mean() < 0.04
        # The parts of order 1/2 average out.
        assert np.abs(difference.mean(0)).max() < 0.01
    assert np.abs((euler["ito"] - heun["stratonovich"]).mean(0)).max() > 0.04


def test_sra1_is_exact_where_its_quadrature_is():
    """dx = (1 + 2 t) dW: x(1) = W(1) + 2 int t dW = W + 2 (W/2 - H), in one step as in many."""
    problem = (lambda t, x, u, p: 0 * x, lambda t, x, u, p: (1 + 2 * t)[None, None], jnp.zeros(1))
    found = [ends(problem, "sra1", n, 50, noise="additive") for n in (1, 2, 3, 8)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-13)
    assert found[0].std() > 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["euler_maruyama", "milstein", "heun"])
def test_weak_order_on_geometric_brownian_motion(scheme):
    """Moments of dx = x dt + sqrt(1/2) x dW; the exact solution on the same paths takes most of the noise out."""
    sigma, paths, counts = np.sqrt(0.5), 20_000, (8, 16, 32)
    problem = (lambda t, x, u, p: x, lambda t, x, u, p: sigma * x, jnp.ones(1))
    exact = np.exp((1 - sigma**2 / 2) * END + sigma * motions(1, paths))
    found = [ends(problem, scheme, n, paths) for n in counts]
    for moment, truth in ((1, np.exp(1.0)), (2, np.exp(2.5))):
        assert abs((exact**moment).mean() - truth) < 5 * (exact**moment).std() / np.sqrt(paths)
        differences = [x**moment - exact**moment for x in found]
        biases = np.array([d.mean() for d in differences])
        errors = np.array([d.std() for d in differences]) / np.sqrt(paths)
        assert (np.abs(biases) > 5 * errors).all(), "the bias is not resolved"
        assert slope(np.abs(biases), counts) == pytest.approx(1.0, abs=0.25)
