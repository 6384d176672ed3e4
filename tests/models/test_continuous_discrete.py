"""ContinuousDiscrete: exact where it can be, bounds that are bounds, gaps that cost nothing, refusals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.filtering.methods.amortised import Amortised
from dynlearn.fitting.objectives.elbo import elbo
from dynlearn.models import LinearStateSpace, Signature, for_intervals_of
from dynlearn.models.latent.continuous_discrete import ContinuousDiscrete
from dynlearn.numerics import precision
from dynlearn.numerics.linear.flow import flow
from dynlearn.parts.fields.drifts import FORMS, LinearDrift, LocallyLinearDrift
from dynlearn.parts.laws.measurement import Measurement
from dynlearn.parts.transitions.linear_systems import Noise
from dynlearn.trajectories.window import cut

A = np.array([[-0.2, 1.5], [-1.5, -0.3]])
B = np.array([[0.5], [1.0]])
C = np.array([[1.0, 0.2], [0.0, 0.8]])
SIGMA = np.array([0.3, 0.2])


def some(quick):
    """Every form, all but one of them among the slow tests."""
    return [form if form == quick else pytest.param(form, marks=pytest.mark.slow) for form in FORMS]


def small(signature=None, **options):
    """A model of two states and one control, in physical units unless `scaling` says otherwise."""
    signature = Signature(("a", "b"), ("u",)) if signature is None else signature
    sizes = {"form": "nonlinear", "states": 2, "width": 8, "memory": 12, "key": 0}
    return ContinuousDiscrete(signature, **{**sizes, **options})


def given(model, *, sigma=SIGMA, G=(0.4, 0.3)):
    """The same model with matrices that are known."""
    return eqx.tree_at(
        lambda m: (m.drift, m.H, m.G, m.measurement, m.start_mean),
        model,
        (
            LinearDrift(jnp.asarray(A), jnp.asarray(B), jnp.asarray([0.1, -0.2])),
            jnp.asarray(C),
            Noise(jnp.diag(jnp.asarray(G))),
            Measurement.of(jnp.asarray(sigma), fitted=True),
            jnp.asarray([0.5, 0.0]),
        ),
    )


def uneven_runs(seed=0, hold="zero", lengths=(14, 20)):
    """Own instants per run, a third of the values missing, whole samples among them; a control."""
    rng = np.random.default_rng(seed)
    times = [np.cumsum(rng.uniform(0.05, 0.6, n)) for n in lengths]
    outputs = [rng.normal(size=(n, 2)) for n in lengths]
    for y in outputs:
        y[rng.random(y.shape) < 0.25] = np.nan
        y[rng.random(len(y)) < 0.2] = np.nan
    controls = [rng.normal(size=(n, 1)) for n in lengths]
    names = {"output_names": ["a", "b"], "control_names": ["u"]}
    ds = dl.from_arrays(outputs, controls, times=times, **names)
    ds["control"].attrs["hold"] = hold
    return ds


@pytest.mark.first(1)
@pytest.mark.parametrize("hold", ["zero", "linear"])
def test_the_linear_form_is_the_linear_state_space_model(hold):
    """log p of every run, in float64, over ragged, uneven, gappy, driven runs: equal to 1e-9 relative."""
    ds = uneven_runs(hold=hold)
    with precision.float64():
        signature = Signature(("a", "b"), ("u",), hold=hold)
        model = given(small(signature, form="linear", decoder="identity"))
        G = np.diag([0.4, 0.3])
        matrices = {
            "A": A,
            "B": B,
            "C": C,
            "Q": G @ G,
            "R": np.diag(SIGMA**2),
            "m0": [0.5, 0.0],
            "P0": np.eye(2),
        }
        known = LinearStateSpace.from_matrices(signature, matrices, offsets={"c": np.array([0.1, -0.2])})
        found, exact = dl.log_likelihood(model, ds), dl.log_likelihood(known, ds)
        np.testing.assert_allclose(found, exact, rtol=1e-9)
        ours, theirs = dl.smooth(model, ds), dl.smooth(known, ds)
    np.testing.assert_allclose(ours["output_mean"], theirs["output_mean"], atol=1e-8)
    np.testing.assert_allclose(ours["output_scale"], theirs["output_scale"], atol=1e-8)


def test_the_drift_without_a_choice_is_linear():
    """One base matrix leaves nothing to weigh: Runge-Kutta and Simpson agree with the matrix exponential."""
    with precision.float64():
        F, b, c, G = (
            jnp.asarray(A),
            jnp.asarray(B),
            jnp.asarray([0.1, -0.2]),
            jnp.diag(jnp.asarray([0.4, 0.3])),
        )
        network = eqx.nn.MLP(2, 1, 4, 1, key=jax.random.key(0))
        ends, z, dt = jnp.asarray([[1.0], [-2.0]]), jnp.asarray([1.0, -0.5]), jnp.asarray(0.7)
        crossed = eqx.filter_jit(lambda drift: drift.moved(z, ends, dt, G))
        mean, chol = map(np.asarray, crossed(LinearDrift(F, b, c)))
        near, factor = map(np.asarray, crossed(LocallyLinearDrift(F[None], b, c, network, 16)))
    np.testing.assert_allclose(near, mean, atol=1e-6)
    np.testing.assert_allclose(factor @ factor.T, chol @ chol.T, atol=1e-6)


def bend(x, _=None):
    """Mildly nonlinear: a pendulum with friction."""
    return jnp.stack([x[1], -4.0 * jnp.sin(x[0]) - 0.5 * x[1]])


@eqx.filter_jit
def crossed(x, T, G, substeps):
    return flow(bend, lambda x, fraction: jnp.asarray(G), jnp.asarray(x), jnp.asarray(T), substeps)


def test_the_noise_of_a_flow_is_of_order_four():
    """Against the moment equations dP/dt = J P + P J^T + G G^T, solved by scipy to 1e-11."""
    G, x, T = np.array([[0.1, 0.0], [0.2, 0.5]]), np.array([1.0, 0.5]), 0.8

    def moments(t, v):
        m, P = v[:2], v[2:].reshape(2, 2)
        J = np.array([[0.0, 1.0], [-4.0 * np.cos(m[0]), -0.5]])
        f = np.array([m[1], -4.0 * np.sin(m[0]) - 0.5 * m[1]])
        return np.concatenate([f, (J @ P + P @ J.T + G @ G.T).ravel()])

    exact = scipy.integrate.solve_ivp(moments, (0, T), [*x, 0, 0, 0, 0], rtol=1e-11, atol=1e-12).y[:, -1]
    errors = []
    with precision.float64():
        for substeps in (4, 8, 16):
            mean, S = map(np.asarray, crossed(x, T, G, substeps))
            errors.append(np.abs(np.concatenate([mean, (S @ S.T).ravel()]) - exact).max())
    slopes = np.diff(np.log2(errors))
    assert errors[-1] < 1e-5
    assert (slopes < -3.4).all(), errors


@pytest.mark.first(1)
@pytest.mark.parametrize("form", FORMS)
def test_an_interval_of_no_length_moves_nothing_and_has_finite_slopes(form):
    def spread(model):
        law = model.move(jnp.ones(2), jnp.ones(1), jnp.zeros(()), jnp.zeros(()), jnp.zeros(0))
        return jnp.sum(law.chol) + jnp.sum(law.mean)

    value, slope = eqx.filter_jit(eqx.filter_value_and_grad(spread))(small(form=form))
    assert float(value) == pytest.approx(2.0)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(slope))


def test_moments_across_an_interval_are_those_of_drawn_paths():
    """Euler-Maruyama by numpy, 40 000 paths of 400 steps: 5 standard errors and the linearisation's own bias."""
    G, x, T, steps = np.diag([0.05, 0.3]), np.array([1.0, 0.5]), 0.6, 400
    rng = np.random.default_rng(0)
    paths = np.repeat(x[:, None], 40_000, axis=1)
    for _ in range(steps):
        f = np.stack([paths[1], -4.0 * np.sin(paths[0]) - 0.5 * paths[1]])
        paths = paths + T / steps * f + np.sqrt(T / steps) * G @ rng.normal(size=paths.shape)
    mean, S = map(np.asarray, crossed(x, T, G, 8))
    np.testing.assert_allclose(mean, paths.mean(1), atol=0.01)
    np.testing.assert_allclose(S @ S.T, np.cov(paths), atol=0.004)


def plain(model, *, sigma, shrink, scale):
    """Encoder and decoder without their networks: y = a + sigma v, q = N(shrink y, scale^2)."""
    softplus_inverse = lambda s: jnp.log(jnp.expm1(jnp.asarray(s) - 1e-3))  # noqa: E731
    zero = lambda network: jax.tree.map(lambda x: 0 * x if eqx.is_inexact_array(x) else x, network)  # noqa: E731
    return eqx.tree_at(
        lambda m: (
            m.decoder.network,
            m.decoder.raw,
            m.recognition.network,
            m.recognition.skip,
            m.recognition.raw,
        ),
        model,
        (
            zero(model.decoder.network),
            softplus_inverse(sigma),
            zero(model.recognition.network),
            jnp.diag(jnp.asarray(shrink)),
            softplus_inverse(scale),
        ),
    )


def bound_and_likelihood(model, sigma, ds, draws):
    """Mean over draws of the one-draw bound, the bound of all of them, and the exact likelihood, summed over runs."""
    exact = given(small(form="linear", decoder="identity"), sigma=np.hypot(SIGMA, sigma))
    exact = eqx.tree_at(lambda m: (m.drift, m.G), exact, (model.drift, model.G))
    runs = ds.dyn.to_device()

    def of(method, model):
        keys = jax.random.split(jax.random.key(0), 2)
        return jax.vmap(lambda r, k: method.filter(model.process(r), k).log_density.sum())(runs, keys).sum()

    def found(model, exact):
        ones = jax.vmap(lambda k: -elbo(model, runs, k)[0])(jax.random.split(jax.random.key(1), draws))
        return ones.mean() * runs.observed.sum(), of(Amortised(draws), model), of(exact.inference, exact)

    return map(float, eqx.filter_jit(found)(model, exact))


@pytest.mark.slow
def test_the_bound_is_below_the_likelihood_and_more_draws_tighten_it():
    with precision.float64():
        sigma = np.array([0.15, 0.1])
        model = plain(given(small(form="linear")), sigma=sigma, shrink=[1.0, 1.0], scale=[0.14, 0.1])
        one, many, exact = bound_and_likelihood(model, sigma, uneven_runs(), 128)
    assert one < many < exact
    assert exact - many < 0.8 * (exact - one)


def test_the_bound_is_tight_where_the_encoder_is_the_posterior():
    """A state forgotten between samples makes a_k independent, and p(a_k | y_k) a formula."""
    with precision.float64():
        sigma = np.array([0.4, 0.5])
        drift = LinearDrift(-200 * jnp.eye(2), jnp.zeros((2, 1)), jnp.zeros(2))
        model = given(small(form="linear"))
        model = eqx.tree_at(
            lambda m: (m.drift, m.G, m.H, m.start_noise, m.start_mean),
            model,
            (drift, Noise(20 * jnp.eye(2)), jnp.eye(2), Noise(jnp.eye(2)), jnp.zeros(2)),
        )
        before = 20**2 / 400 + SIGMA**2
        after = before * sigma**2 / (before + sigma**2)
        right = plain(model, sigma=sigma, shrink=before / (before + sigma**2), scale=np.sqrt(after))
        wrong = plain(model, sigma=sigma, shrink=[1.0, 1.0], scale=sigma)
        runs = uneven_runs().dyn.to_device()
        measured = np.asarray(runs.observed)
        # Where a sample was measured in part, the encoder without its network is not the posterior.
        whole = jnp.asarray(measured.all(-1)[..., None] & measured)
        runs = eqx.tree_at(lambda r: r.observed, runs, whole)
        y = np.where(whole, runs.output, np.nan)
        exact = np.nansum(scipy.stats.norm.logpdf(y, 0, np.sqrt(before + sigma**2)))
        bounds = eqx.filter_jit(
            lambda m: (
                jax.vmap(lambda k: -elbo(m, runs, k)[0])(jax.random.split(jax.random.key(0), 8)) * whole.sum()
            )
        )
        tight, loose = np.asarray(bounds(right)), np.asarray(bounds(wrong))
    # With the posterior for q, every draw gives log p(y) itself.
    np.testing.assert_allclose(tight, exact, rtol=1e-6)
    assert loose.mean() < exact - 1


@pytest.mark.parametrize("form", some("nonlinear"))
def test_where_nothing_was_measured_there_is_nothing_to_see(form):
    """Values under the mask are not read, and padding at either end changes nothing."""
    model, runs = small(form=form, memory=20), uneven_runs(lengths=(20, 13)).dyn.to_device()
    filthy = eqx.tree_at(lambda r: r.output, runs, jnp.where(runs.observed, runs.output, 1e6))

    @eqx.filter_jit
    def inferred(model, runs, key):
        return jax.vmap(lambda i, n: model.infer(cut(runs, i, n, 20, 0), key=key).x)(
            jnp.arange(2), jnp.asarray([19, 12])
        )

    for key in (None, jax.random.key(3)):
        np.testing.assert_array_equal(inferred(model, runs, key), inferred(model, filthy, key))
    at_start = eqx.filter_jit(lambda w: model.with_memory(13).infer(w).x)(
        jax.tree.map(lambda x: x[1], runs)[:13]
    )
    np.testing.assert_allclose(at_start, inferred(model, runs, None)[1], rtol=1e-5, atol=1e-5)


def test_a_sample_without_measurements_may_be_left_out():
    """The linear form crosses two intervals as it crosses their sum."""
    rng = np.random.default_rng(5)
    t, y = np.cumsum(rng.uniform(0.1, 0.5, 12)), rng.normal(size=(12, 2))
    y[[3, 4, 8]] = np.nan
    kept = np.isfinite(y).all(1)
    names = {"output_names": ["a", "b"]}
    long, short = (dl.from_arrays([v], times=[s], **names) for v, s in ((y, t), (y[kept], t[kept])))
    model = small(Signature(("a", "b")), form="linear", states=3)
    infer = eqx.filter_jit(lambda model, runs: model.infer(jax.tree.map(lambda leaf: leaf[0], runs)).x)
    inferred = [infer(model.with_memory(n), ds.dyn.to_device()) for ds, n in ((long, 12), (short, 9))]
    np.testing.assert_allclose(*inferred, rtol=2e-4, atol=2e-5)
    identity = small(Signature(("a", "b")), form="linear", decoder="identity", states=3)
    np.testing.assert_allclose(*(dl.log_likelihood(identity, ds) for ds in (long, short)), rtol=1e-6)


@pytest.mark.slow
def test_a_gap_longer_than_any_it_was_fitted_to_is_crossed_in_steps_that_it_knows():
    """As if there were instants in between at which nothing was measured; beyond 4096 steps an error."""
    rng = np.random.default_rng(6)
    t, y = 0.2 * np.arange(60), rng.normal(size=(60, 2))
    y[5:50] = np.nan
    kept = np.isfinite(y).all(1)
    names = {"output_names": ["a", "b"]}
    dense, gap = (dl.from_arrays([v], times=[s], **names) for v, s in ((y, t), (y[kept], t[kept])))

    def fast(signature):
        model = small(signature, form="nonlinear", decoder="identity", memory=60).as_fitted()
        return eqx.tree_at(lambda m: m.drift.network.layers[-1], model, replace_fn=grown)

    def grown(layer):
        return jax.tree.map(lambda x: 6.0 * x, layer)

    model = fast(Signature(("a", "b"), longest_step=0.2))
    found = dl.filter(model, gap)["state_mean"].values[0]
    expected = dl.filter(model, dense)["state_mean"].values[0, kept]
    np.testing.assert_allclose(found[5:], expected[5:], atol=2e-3)
    at_once = fast(Signature(("a", "b")))
    assert np.abs(dl.filter(at_once, gap)["state_mean"].values[0, 5] - expected[5]).max() > 0.02
    start = [
        finer.infer(jax.tree.map(lambda leaf: leaf[0], ds.dyn.to_device())).x
        for finer, ds in ((for_intervals_of(model, gap), gap), (model, dense))
    ]
    np.testing.assert_allclose(*start, atol=2e-3)
    with pytest.raises(ArgumentError, match=r"takes over 4096 steps of 0\.2"):
        dl.filter(model, gap.assign_coords(t=gap["t"] * 1000.0))


@pytest.mark.slow
@pytest.mark.parametrize("form", some("locally_linear"))
def test_slopes_are_finite_whatever_is_missing(form):
    runs = uneven_runs(lengths=(9, 12)).dyn.to_device()
    nothing = eqx.tree_at(lambda r: r.observed, runs, jnp.zeros_like(runs.observed))
    for batch in (runs, nothing):
        slope = eqx.filter_jit(eqx.filter_grad(lambda m, b: elbo(m, b, jax.random.key(0))[0]))(
            small(form=form), batch
        )
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(slope))


def test_static_features_and_controls_steer():
    model = small(Signature(("a", "b"), ("u",), ("s",)), form="linear")
    model = eqx.tree_at(lambda m: m.drift.B, model, jnp.asarray([[1.0, 0.0], [0.0, 2.0]]))
    at = jax.jit(  # from the state 0, over a hundredth of a time unit
        lambda u, s: (
            model.move(jnp.zeros(2), jnp.stack([u]), jnp.zeros(()), jnp.asarray(0.01), jnp.stack([s])).mean
        )
    )
    np.testing.assert_allclose(at(1.0, 0.0) - at(0.0, 0.0), [0.01, 0.0], atol=2e-4)
    np.testing.assert_allclose(at(0.0, 1.0) - at(0.0, 0.0), [0.0, 0.02], atol=2e-4)


def noisy_pendulums(model, seed, runs=24, length=40):
    """Paths of the model itself, drawn step by step from its own transition, with gaps in what is measured."""
    key = jax.random.key(seed)
    dt = 0.15

    def path(key):
        for_start, for_steps, for_noise = jax.random.split(key, 3)
        x = model.start(jnp.zeros(0)).sample(for_start)
        step = lambda x, k: (model.move(x, jnp.zeros(0), 0.0, jnp.asarray(dt), jnp.zeros(0)).sample(k), x)  # noqa: E731
        _, x = jax.lax.scan(step, x, jax.random.split(for_steps, length))
        return jax.vmap(lambda x, k: model.emit(x, jnp.zeros(0)).sample(k))(
            x, jax.random.split(for_noise, length)
        )

    y = np.asarray(jax.jit(jax.vmap(path))(jax.random.split(key, runs)), float)
    gone = np.random.default_rng(seed).random((runs, length)) < 0.4
    return dl.from_arrays(list(y), dt=dt, output_names=["a", "b"]), gone


def hidden(ds, gone):
    """`gone`, per run and time, for every output."""
    return ds["output"].copy(data=np.broadcast_to(gone[..., None], ds["output"].shape))


class Bend(eqx.Module):
    """In place of a network."""

    def __call__(self, zv):
        return bend(zv)


@pytest.fixture(scope="module")
def truth():
    """A noisy pendulum whose angle and velocity are measured."""
    model = small(Signature(("a", "b")), decoder="identity", substeps=4, memory=30)
    return eqx.tree_at(
        lambda m: (m.drift.network, m.G, m.measurement),
        model,
        (
            Bend(),
            Noise(jnp.diag(jnp.asarray([0.1, 0.5]))),
            Measurement.of(jnp.asarray([0.2, 0.3]), fitted=True),
        ),
    )


@pytest.mark.slow
def test_intervals_hold_what_they_promise(truth):
    """90 % intervals of the true model cover 85 to 95 %: one step ahead, of missing values, and of forecasts."""
    ds, gone = noisy_pendulums(truth, 1)
    y, z = ds["output"].values, scipy.stats.norm.ppf(0.95)
    seen = ds.assign(output=ds["output"].where(~hidden(ds, gone)))
    ahead = dl.filter(truth, seen)
    error = np.abs(y - ahead["output_mean"].values) / ahead["output_scale"].values
    assert 0.85 < (error < z).mean() < 0.95
    full = dl.impute(truth, seen, samples=40)
    error = np.abs(y - full["output"].values)[gone] / full["output_scale"].values[gone]
    assert 0.85 < (error < z).mean() < 0.95
    drawn = full["output_draws"].transpose("sample", "trajectory", "time", "output_name").values
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    assert 0.83 < ((y > low) & (y < high))[gone].mean() < 0.95  # of 40 draws: 90 % less a little
    context = seen.isel(time=slice(0, 30))
    fc = dl.forecast(truth, context, horizon=10, samples=200, key=0)
    low, high = np.quantile(
        fc["output"].transpose("sample", "trajectory", "time", "output_name"), [0.05, 0.95], 0
    )
    assert 0.83 < ((y[:, 30:] > low) & (y[:, 30:] < high)).mean() < 0.96


@pytest.mark.slow
def test_a_fit_improves_on_its_start(truth):
    ds, gone = noisy_pendulums(truth, 2, runs=12, length=30)
    seen = ds.assign(output=ds["output"].where(~hidden(ds, gone)))
    model = ContinuousDiscrete.from_data(seen, form="locally_linear", states=2, width=8, memory=10, key=0)
    method = dl.fitting.Gradient(steps=60, batch=8, horizon=10, learning_rate=2e-2, validate_every=30)
    fit = dl.fit(model, seen, method=method, objective=elbo, progress=False)
    before, after = (float(dl.log_likelihood(m, seen).sum()) for m in (model, fit.model))
    assert after > before + 20


@pytest.mark.parametrize("form", FORMS)
def test_a_saved_model_is_the_same(form, tmp_path):
    ds = uneven_runs()
    model = ContinuousDiscrete.from_data(ds, form=form, states=3, width=4, key=1)
    dl.save(model, tmp_path / "model.dyn")
    other = dl.load(tmp_path / "model.dyn")
    assert jax.tree.structure(other) == jax.tree.structure(model)
    jax.tree.map(np.testing.assert_array_equal, model, other)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"form": "locally-linear"}, "did you mean 'locally_linear'|locally_linear"),
        ({"decoder": "none"}, "identity"),
        ({"substeps": 3}, "even number.*use 4"),
        ({"states": 0}, "states"),
        ({"decoder": "identity", "auxiliary": 3}, "these are the 2 outputs, got 3"),
        ({"draws": 0}, "draws"),
        ({"activation": "Tanh"}, "tanh"),
    ],
)
def test_refusals(options, text):
    with pytest.raises(ArgumentError, match=text):
        small(**options)


def test_more_refusals(linear):
    with pytest.raises(ArgumentError, match="widht"):
        ContinuousDiscrete.from_data(linear, widht=3)
    with pytest.raises(ArgumentError, match="state-space model"):
        elbo(dl.models.Persistence.from_data(linear), None, jax.random.key(0))
    with pytest.raises(ArgumentError, match="not been fitted"):
        dl.filter(ContinuousDiscrete.from_data(linear), linear)
    with pytest.raises(ArgumentError, match="memory"):
        small().with_memory(0)
