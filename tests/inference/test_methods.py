"""Every method of inference against the exact filter, and against a grid where there is none."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.filtering.kalman import recursions as kalman
from dynlearn.filtering.kalman.chain import Chain
from dynlearn.filtering.processes.process import Process
from dynlearn.inference import EnsembleKalman, Exact, Extended, Particle, Unscented
from dynlearn.numerics import precision
from dynlearn.numerics.distributions import (
    Bernoulli,
    MultivariateGaussian,
    NegativeBinomial,
    Poisson,
    StudentT,
)

from .grid import solve

pytestmark = pytest.mark.slow

LENGTH, SAMPLES = 20, 1000
LINES = pytest.mark.parametrize("method", [Extended(), Unscented()], ids=["extended", "unscented"])


@pytest.fixture(autouse=True)
def double():
    with precision.float64():
        yield


@eqx.filter_jit
def infer(method, process, samples=0, key=None):
    """(filtered, smoothed) in one program."""
    keys = jax.random.split(jax.random.key(0) if key is None else key)
    return method.filter(process, keys[0]), method.smooth(process, samples, keys[1])


def chain(kind: str, n=3, p=2, length=14) -> Chain:
    """Random, every noise correlated, a third of the outputs missing, padded at both ends."""
    rng = np.random.default_rng(3)
    F = rng.normal(size=(length, n, n))
    F *= 0.9 / np.abs(np.linalg.eigvals(F)).max(-1)[:, None, None]
    F[0] = 0
    c, d, H = (rng.normal(size=(length, *shape)) for shape in ((n,), (p,), (p, n)))
    chol_Q, chol_R = np.tril(rng.normal(size=(length, n, n))), np.tril(rng.normal(size=(length, p, p)))
    chol_R += 0.3 * np.eye(p)
    if kind == "singular":  # the last state follows from the others
        chol_Q[1:, -1] = 0
    if kind == "known":  # the last state is the same whatever happens
        chol_Q[:, -1], F[:, -1] = 0, 0
    y = 2 * rng.normal(size=(length, p))
    y[rng.random(y.shape) < 0.3] = np.nan
    y[[0, 1, 2, -2, -1]] = np.nan
    moves = np.ones(length, bool)
    moves[[1, 2, 3, -2, -1]] = False
    return Chain(*map(jnp.asarray, (F, c, chol_Q, H, d, chol_R, y))).padded(jnp.asarray(moves))


@LINES
@pytest.mark.parametrize("kind", ["regular", "singular", "known"])
def test_on_a_linear_chain_making_it_linear_changes_nothing(kind, method):
    rows = chain(kind)
    found, back = infer(method, rows.general())
    exact, exact_back = infer(Exact(), rows)
    np.testing.assert_allclose(found.log_density, exact.log_density, atol=1e-8)
    assert (np.asarray(found.log_density)[[0, 1, 2, -2, -1]] == 0).all()
    for mine, other in (
        (found.predicted, exact.predicted),
        (found.filtered, exact.filtered),
        (back.smoothed, exact_back.smoothed),
    ):
        np.testing.assert_allclose(mine.mean, other.mean, atol=1e-8)
        np.testing.assert_allclose(mine.components.covariance, other.components.covariance, atol=1e-8)


@LINES
@pytest.mark.parametrize("kind", ["regular", "known"])
def test_their_gradients_are_the_exact_ones(kind, method):
    """Also where a state is known exactly, and its covariance has a zero on the diagonal."""
    rows = chain(kind)
    slope = eqx.filter_jit(
        jax.grad(lambda rows, method, view: method.filter(view(rows), jax.random.key(0)).log_density.sum())
    )
    wanted = slope(rows, Exact(), lambda rows: rows)
    for name, mine in vars(slope(rows, method, Chain.general)).items():
        other = getattr(wanted, name)
        # Nothing moves into the first sample, nor from sample to sample of the padding.
        moves = np.array(rows.general().moves)
        moves[0] = name != "F"
        if name in ("F", "c", "chol_Q"):
            mine, other = mine[moves], other[moves]
        if name != "y":
            np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-6, err_msg=name)


# One state: x' = 0.9 x + a sin x + q w, y = b x^2 / 5 + c x + r v; a, q, b, c, r are data, and so one program does.

Parameters = dict[str, float]
BENIGN = {"a": 0.3, "q": 0.5, "b": 0.1, "c": 1.0, "r": 0.5}
FOLDING = {"a": 1.0, "q": 0.7, "b": 1.0, "c": 0.0, "r": 0.5}
STRAIGHT = {"a": 0.0, "q": 0.7, "b": 0.0, "c": 1.0, "r": 0.8}
START = np.array([1.0, 0.8])


def _move(x, into):
    a, q = into
    return MultivariateGaussian(0.9 * x + a * jnp.sin(x), q[None, None])


def _emit(x, at):
    b, c, r = at
    return MultivariateGaussian(b * x**2 / 5 + c * x, r[None, None])


LAWS = {
    "poisson": lambda x, at: Poisson(jnp.exp(0.5 * x)),
    "negative binomial": lambda x, at: NegativeBinomial(jnp.exp(0.5 * x), jnp.full_like(x, 3.0)),
    "bernoulli": lambda x, at: Bernoulli(x),
    "student t": lambda x, at: StudentT(x, jnp.full_like(x, 0.5), jnp.full_like(x, 4.0)),
}


def process(p, y, emit=_emit, dtype=float, start=START) -> Process:
    p = {name: jnp.full(LENGTH, value, dtype) for name, value in p.items()}
    start = jnp.asarray(start, dtype)
    return Process(
        MultivariateGaussian(start[:1], start[1:, None]),
        _move, emit, (p["a"], p["q"]), (p["b"], p["c"], p["r"]), jnp.arange(LENGTH) > 0,
        jnp.asarray(y, dtype)[:, None],
    )  # fmt: skip


def measurements(p, emit=_emit, seed=0) -> np.ndarray:
    """Drawn from the process itself, some of them missing."""
    blank = process(p, np.full(LENGTH, np.nan), emit)
    row = jax.tree.map(lambda leaf: leaf[1], (blank.into, blank.at))
    keys = jax.random.split(jax.random.key(seed), 2 * LENGTH)
    x, y = blank.start.sample(keys[0]), []
    for k in range(LENGTH):
        x = _move(x, row[0]).sample(keys[2 * k]) if k else x
        y.append(float(emit(x, row[1]).sample(keys[2 * k + 1])[0]))
    y = np.array(y)
    y[[3, 9, 10]] = np.nan
    return y


def truth(p, y, emit=_emit):
    x = np.linspace(-16, 16, 1281)
    law = process(p, y, emit)
    into, at = jax.tree.map(lambda leaf: leaf[1], (law.into, law.at))
    moved = jax.vmap(lambda z: _move(z, into).mean)(jnp.asarray(x)[:, None])
    density = jax.vmap(lambda z, value: emit(z, at).joint(value), (0, None))
    return solve(
        x,
        _normal(x, *START),
        _normal(x[None], np.asarray(moved), p["q"]),
        lambda k: np.asarray(density(x[:, None], jnp.asarray(y[k : k + 1]))),
        LENGTH,
    )


def _normal(x, mean, scale):
    return np.exp(-0.5 * ((x - mean) / scale) ** 2) / scale / np.sqrt(2 * np.pi)


def errors(method, p, emit=_emit, samples=SAMPLES):
    """Of the total log density in nats, of means in true spreads, logarithms of spreads too small, too large: worst."""
    y = measurements(p, emit)
    exact, (found, back) = truth(p, y, emit), infer(method, process(p, y, emit), samples)
    result = [abs(float(found.log_density.sum()) - exact.log_density.sum())]
    for belief, name in (
        (found.predicted, "predicted"),
        (found.filtered, "filtered"),
        (back.smoothed, "smoothed"),
    ):
        mean, scale = exact.moments(name)
        result.append(np.abs((belief.mean[:, 0] - mean) / scale).max())
        wider = np.log(belief.scale[:, 0] / scale)
        result += [-wider.min(), wider.max()]
    return result[0], max(result[1::3]), max(result[2::3]), max(result[3::3])


def _within(found, limits):
    assert (np.array(found) < limits).all(), f"{found} against {limits}"


BIG = EnsembleKalman(2000), Particle(2000)
NEAR_THE_GRID = [
    (Extended(), BENIGN, (0.3, 0.3, 0.2, 0.2)),
    (Unscented(), BENIGN, (0.1, 0.1, 0.1, 0.1)),
    (BIG[0], BENIGN, (0.4, 0.25, 0.2, 0.2)),
    (BIG[1], BENIGN, (0.2, 0.2, 0.15, 0.15)),
    (Extended(), FOLDING, (0.9, 0.7, 1.1, 0.1)),
    (Unscented(), FOLDING, (0.9, 0.4, 1.1, 0.2)),
    (BIG[0], FOLDING, (0.9, 0.8, 1.1, 0.3)),
    (BIG[1], FOLDING, (0.6, 0.3, 1.4, 0.64)),
]


@pytest.mark.parametrize(("method", "p", "within"), NEAR_THE_GRID)
def test_nonlinear_beliefs_are_near_the_grids(method, p, within):
    """Log density, means, spreads. Where y = x^2 / 5 the truth has two peaks, of which only particles know.

    Even they lose one at times on the way back, and their smoothed spread falls to 0.3 of the true one; it never
    exceeds 1.9 of it.
    """
    _within(errors(method, p), within)


@pytest.mark.parametrize("law", LAWS)
def test_particles_take_outputs_of_any_law(law):
    _within(errors(BIG[1], BENIGN, LAWS[law]), (0.3, 0.25, 0.2, 0.2))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "method", [Extended(), Unscented(), BIG[0]], ids=["extended", "unscented", "ensemble"]
)
def test_other_methods_are_not_far_from_it(law, method):
    _within(errors(method, BENIGN, LAWS[law]), (2.0, 1.5, 1.0, 1.0))


@pytest.mark.parametrize("method", [EnsembleKalman, Particle])
def test_errors_fall_with_the_square_root_of_the_size(method):
    y = measurements(STRAIGHT)
    given = process(STRAIGHT, y)
    wanted = infer(Extended(), given)[0].filtered.mean

    @eqx.filter_jit
    def error(method):
        keys = jax.random.split(jax.random.key(1), 30)
        found = jax.vmap(lambda key: method.filter(given, key).filtered.mean)(keys)
        return jnp.sqrt(jnp.mean((found - wanted) ** 2))

    slope = np.log(error(method(size=1600)) / error(method(size=100))) / np.log(16)
    assert -0.6 < slope < -0.4


def test_a_particle_likelihood_and_its_gradient_are_unbiased():
    """E[Z] = p(y), E[Z grad log Z] = grad p(y): of 1500 filters of 100 particles, within 4 standard errors."""
    y = measurements(STRAIGHT)

    def value(moved, start, method, key):
        return method.filter(process(STRAIGHT | moved, y, start=start), key).log_density.sum()

    # Within the linear family, where Extended is exact: not in a and b.
    moved = {name: STRAIGHT[name] for name in ("c", "q", "r")}
    both = jax.value_and_grad(value, (0, 1))
    exact, score = jax.jit(lambda p, s: both(p, s, Extended(), jax.random.key(0)))(moved, START)
    keys = jax.random.split(jax.random.key(2), 1500)
    found, slopes = jax.jit(jax.vmap(lambda key: both(moved, START, Particle(100), key)))(keys)
    ratio = np.exp(np.asarray(found) - float(exact))
    assert abs(ratio.mean() - 1) < 4 * ratio.std() / np.sqrt(len(ratio))
    for mine, other in zip(jax.tree.leaves(slopes), jax.tree.leaves(score), strict=True):
        apart = (ratio * (np.asarray(mine).T - np.asarray(other)[..., None])).T
        assert (np.abs(apart.mean(0)) < 4 * apart.std(0) / np.sqrt(len(ratio))).all()


@LINES
def test_gradients_are_those_of_finite_differences(method):
    """Central differences; error ~ step^2 + 1e-15 / step is least near step = 1e-5."""
    y = measurements(BENIGN)

    @jax.jit
    def value(p):
        return method.filter(process(p, y), jax.random.key(0)).log_density.sum()

    slope = jax.jit(jax.grad(value))(BENIGN)
    for name in BENIGN:
        high, low = (value(BENIGN | {name: BENIGN[name] + step}) for step in (1e-5, -1e-5))
        np.testing.assert_allclose(slope[name], (high - low) / 2e-5, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", [Extended(), EnsembleKalman(2000), Particle(2000)])
def test_draws_are_joint(method):
    """The covariance of neighbours; the exact one is gain times the later covariance."""
    y = measurements(STRAIGHT)
    y[5:15] = np.nan
    given = process(STRAIGHT, y)
    exact = kalman.run_smoother(*Extended().forward(given))
    wanted = exact.gain[:, 0, 0] * exact.smoothed.chol[1:, 0, 0] ** 2
    draws = np.asarray(infer(method, given, 2000)[1].draws)[..., 0]
    assert draws.shape == (2000, LENGTH)
    apart = draws - draws.mean(0)
    found = (apart[:, :-1] * apart[:, 1:]).mean(0)
    variance = np.asarray(exact.smoothed.chol)[:, 0, 0] ** 2
    assert (np.abs(found - wanted) < 0.15 * np.sqrt(variance[:-1] * variance[1:])).all()


def test_particles_go_back_along_their_own_ancestors_where_a_state_moves_without_noise():
    """x0 a random walk, x1 its sum: of a drawn path the sums must be right, and padding must not move it."""
    F = np.array([[1.0, 0.0], [1.0, 1.0]])
    rows = [
        np.stack([np.zeros((2, 2)), *[F] * 9]),
        np.zeros((10, 2)),
        np.stack([np.eye(2), *[np.diag([1.0, 0])] * 9]),
    ]
    y = np.random.default_rng(0).normal(size=(10, 1))
    y[-2:] = np.nan
    rows += [np.ones((10, 1, 2)), np.zeros((10, 1)), np.ones((10, 1, 1)), y]
    long = Chain(*map(jnp.asarray, rows)).padded(jnp.arange(10) < 8)
    draws = np.asarray(infer(Particle(500), long.general(), 50)[1].draws)
    np.testing.assert_allclose(draws[:, 1:8, 1], draws[:, :7].sum(-1), rtol=1e-12)
    np.testing.assert_array_equal(draws[:, 8:], draws[:, [7, 7]])
    assert len(np.unique(draws[:, 7, 0])) > 20


@pytest.mark.parametrize("method", [Extended(), Unscented(), EnsembleKalman(300), Particle(300)])
def test_single_precision_says_the_same(method):
    y = measurements(BENIGN)
    double = infer(method, process(BENIGN, y), 3)
    with jax.enable_x64(False):
        single = infer(method, process(BENIGN, y, dtype="float32"), 3, jax.random.key(0))
        assert {leaf.dtype for leaf in jax.tree.leaves(single)} == {jnp.dtype("float32")}
    drawn = isinstance(method, EnsembleKalman | Particle)
    within = 0.4 if drawn else 2e-3  # other draws in the other precision
    for of in (lambda f, b: f.predicted, lambda f, b: f.filtered, lambda f, b: b.smoothed):
        np.testing.assert_allclose(of(*single).mean, of(*double).mean, atol=within)
        np.testing.assert_allclose(of(*single).scale, of(*double).scale, atol=within)
    tolerance = 1.5 if drawn else 0.01
    assert abs(float(single[0].log_density.sum() - double[0].log_density.sum())) < tolerance
