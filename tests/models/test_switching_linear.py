"""SwitchingLinear: regimes recovered, forecasts, files, switching by the state, refusals."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.scaling import anything
from dynlearn.errors import ArgumentError
from dynlearn.filtering.methods.enumerated import Enumerated
from dynlearn.fitting.methods.likelihood.switching_em import SwitchingEM
from dynlearn.models import Scaling, Signature, SwitchingLinear
from dynlearn.numerics import precision


def turned(radius: float, angle: float) -> np.ndarray:
    return radius * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


A = [turned(0.98, 0.15), turned(0.95, 0.6), 0.85 * np.eye(2)]
C = [np.zeros(2), np.zeros(2), np.array([0.4, -0.2])]
B = [np.array([0.0, 0.2]), np.array([0.2, 0.0]), np.array([0.0, 0.0])]
STAY = np.full((3, 3), 0.01) + 0.97 * np.eye(3)


def three_modes(seed: int, lengths, *, controlled: bool = False, missing: float = 0.0):
    """Runs of two noisy outputs, in units of their own, and the true regimes."""
    rng = np.random.default_rng(seed)
    outputs, controls, regimes = [], [], []
    for T in lengths:
        z, x, y, zs = rng.integers(3), rng.normal(size=2), [], []
        u = rng.normal(size=(T, 1))
        for k in range(T):
            if k:
                z = rng.choice(3, p=STAY[z])
                x = A[z] @ x + C[z] + 0.1 * rng.normal(size=2) + controlled * B[z] * u[k - 1]
            y.append([20.0, -3.0] + np.array([10.0, 0.5]) * (x + 0.1 * rng.normal(size=2)))
            zs.append(z)
        y = np.array(y)
        y[rng.random(y.shape) < missing] = np.nan
        outputs.append(y)
        controls.append(u)
        regimes.append(np.array(zs))
    return dl.from_arrays(outputs, controls if controlled else None, dt=0.1), regimes


def agreement(found: list[np.ndarray], true: list[np.ndarray], regimes: int = 3) -> float:
    """Share of samples in the right regime, names matched for the best."""
    found, true = np.concatenate(found), np.concatenate(true)
    return max((np.array(p)[found] == true).mean() for p in itertools.permutations(range(regimes)))


@eqx.filter_jit
def smoothed(model, runs):
    one = lambda run: model.inference.smooth(model.process(run), 0, jax.random.key(0)).smoothed.weight  # noqa: E731
    return jax.vmap(one)(runs)


def regimes_of(model, ds) -> list[np.ndarray]:
    weight = np.asarray(smoothed(model, ds.dyn.to_device()))
    return [w[:n].argmax(-1) for w, n in zip(weight, ds.dyn.lengths, strict=True)]


@pytest.fixture(scope="module")
def fitted():
    """From four runs, one of them short, with a tenth of the values missing; labels unseen."""
    train, _ = three_modes(0, (250, 250, 120, 250), missing=0.1)
    model = SwitchingLinear.from_data(train, regimes=3, states=2, key=0)
    return dl.fit(model, train, method=SwitchingEM(steps=14, restarts=1, polish=0), progress=False)


@pytest.mark.slow
def test_regimes_are_recovered_on_runs_that_the_fit_never_saw(fitted):
    test, true = three_modes(1, (300, 200, 300))
    assert agreement(regimes_of(fitted.model, test), true) >= 0.95
    loss = fitted.history["output"].sel(output_name="loss").values.ravel()
    assert loss[0] - loss[-1] > 0.02
    assert (np.diff(loss) < 1e-2).all()
    odds = np.diag(fitted.model.transition()["probabilities"])
    assert (odds > 0.9).all()
    radii = sorted(np.abs(np.linalg.eigvals(M["A"])).max() for M in fitted.model.matrices())
    np.testing.assert_allclose(radii, [0.85, 0.95, 0.98], atol=0.04)


@pytest.mark.slow
def test_a_hidden_state_is_found_by_the_quasi_newton_end():
    """One output of two states: the likelihood ends near that of the truth, which EM alone does not reach."""
    train, true = three_modes(9, (300,) * 5)
    train = train.isel(output_name=[0])
    signature = Signature.of(train, discrete=True)
    show, offset = np.array([[10.0, 0.0]]), np.array([20.0])
    each = [
        {"A": A[j], "c": C[j], "C": show, "d": offset, "Q": 0.01 * np.eye(2), "R": [[1.0]]} for j in range(3)
    ]
    truth = SwitchingLinear.from_matrices(signature, each, transition=STAY)
    start = SwitchingLinear.from_data(train, regimes=3, states=2, key=0)
    alone = dl.fit(start, train, method=SwitchingEM(steps=30, polish=0), progress=False)
    whole = dl.fit(start, train, method=SwitchingEM(steps=30), progress=False)
    best = float(dl.log_likelihood(truth, train).sum())
    assert whole.statistics["log_likelihood"] > alone.statistics["log_likelihood"] + 5
    assert whole.statistics["log_likelihood"] > best - 15
    assert whole.history.sizes["time"] == whole.statistics["steps"]
    assert agreement(regimes_of(whole.model, train), true) > agreement(regimes_of(truth, train), true) - 0.02


@pytest.mark.slow
def test_regimes_with_controls_and_gaps():
    train, true = three_modes(2, (250, 250, 250), controlled=True, missing=0.2)
    model = SwitchingLinear.from_data(train, regimes=3, states=2, key=0)
    model = dl.fit(model, train, method=SwitchingEM(steps=6, restarts=1, polish=0), progress=False).model
    assert agreement(regimes_of(model, train), true) >= 0.95


@pytest.mark.slow
def test_forecasts_hold_what_they_promise(fitted):
    """Central 90 % of drawn paths, 1 and 10 steps ahead of windows of other runs."""
    test, _ = three_modes(3, (400,) * 4)
    windows = test.dyn.windows(70, stride=30)
    fc = dl.forecast(fitted.model, windows.isel(time=slice(0, 60)), horizon=10, samples=200, key=0)
    truth = windows["output"].isel(time=slice(60, 70)).values
    low, high = np.quantile(fc["output"].values, [0.05, 0.95], axis=0)
    inside = (low < truth) & (truth < high)
    assert 0.8 < inside[:, 0].mean() < 0.98
    assert 0.8 < inside[:, -1].mean() < 0.98


@pytest.mark.slow
def test_the_mean_path_and_drawn_paths_agree(fitted):
    """One step is a mixture of which draws are draws; the state of a window is the filter's last belief."""
    model = fitted.model
    ds, _ = three_modes(4, (64,))
    run = jax.tree.map(lambda leaf: leaf[0], ds.dyn.to_device())
    belief = model.infer(run)
    last = model.inference.filter(model.process(run), jax.random.key(0)).filtered
    np.testing.assert_allclose(belief.log_weight, last.log_weight[-1], atol=1e-4)
    np.testing.assert_allclose(belief.mean, last.components.mean[-1], atol=1e-4)
    step = lambda s, k: model.step(s, jnp.zeros(0), jnp.zeros(()), jnp.asarray(0.1), key=k)  # noqa: E731
    mean = model.observe(step(belief, None), jnp.zeros(0))

    @jax.vmap
    def drawn(key):
        a, b, c = jax.random.split(key, 3)
        return model.observe(step(model.infer(run, key=a), b), jnp.zeros(0)).sample(c)

    draws = np.asarray(drawn(jax.random.split(jax.random.key(1), 8000)))
    np.testing.assert_allclose(draws.mean(0), mean.mean, atol=5 * np.max(draws.std(0) / np.sqrt(8000)))
    np.testing.assert_allclose(draws.std(0), mean.scale, rtol=0.05)


def test_padding_before_a_run_changes_nothing(fitted):
    ds, _ = three_modes(5, (40,))
    run = jax.tree.map(lambda leaf: leaf[0], ds.dyn.to_device())
    later = jax.tree.map(
        lambda leaf: (
            jnp.concatenate([jnp.full((24, *leaf.shape[1:]), 7, leaf.dtype), leaf]) if leaf.ndim else leaf
        ),
        run,
    )
    later = eqx.tree_at(lambda w: w.valid, later, later.valid.at[:24].set(False))
    later = eqx.tree_at(
        lambda w: (w.observed, w.static), later, (later.observed.at[:24].set(False), run.static)
    )
    for one, other in zip(*(jax.tree.leaves(fitted.model.infer(w)) for w in (run, later)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_saved_and_loaded(fitted, tmp_path):
    path = tmp_path / "switching.dyn"
    dl.save(fitted.model, path)
    again = dl.load(path)
    assert again.regime_names == ("r0", "r1", "r2")
    for one, other in zip(
        *(jax.tree.leaves(eqx.filter(m, eqx.is_array)) for m in (fitted.model, again)), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_matrices_are_those_it_was_built_from():
    rng = np.random.default_rng(0)
    signature = Signature(("a", "b"), ("u",), interval=0.5)
    scaling = Scaling(
        rng.normal(size=2), np.exp(rng.normal(size=2)), rng.normal(size=1), np.exp(rng.normal(size=1)),
        np.zeros(0), np.ones(0), np.asarray(1.0), *anything(1),
    )  # fmt: skip
    each = []
    for _ in range(2):
        square = lambda n: (lambda L: L @ L.T + 0.1 * np.eye(n))(rng.normal(size=(n, n)))  # noqa: E731
        each.append({
            "A": rng.normal(size=(3, 3)), "B": rng.normal(size=(3, 1)), "c": rng.normal(size=3),
            "C": rng.normal(size=(2, 3)), "d": rng.normal(size=2), "Q": square(3), "R": square(2),
        })  # fmt: skip
    shared = [M | {name: each[0][name] for name in ("C", "d", "R")} for M in each]
    state = {"logits": rng.normal(size=(2, 2)), "W": rng.normal(size=(2, 3))}
    for given, transition in ((each, state), (shared, {"probabilities": [[0.9, 0.1], [0.0, 1.0]]})):
        model = SwitchingLinear.from_matrices(signature, given, transition=transition, scaling=scaling)
        assert model.system.shared == (given is shared)
        for ours, theirs in zip(model.matrices(), given, strict=True):
            for name in theirs:
                np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-5, err_msg=name)
        for name, value in transition.items():
            np.testing.assert_allclose(model.transition()[name], value, rtol=1e-5, atol=1e-7)


def test_the_likelihood_is_in_physical_units():
    """The same model computed in two scalings, collapsed and enumerated."""
    ds, _ = three_modes(6, (8, 6))
    sizes = {"states": 2, "regimes": 2, "scaling": Scaling.of(ds), "key": 0}
    scaled = SwitchingLinear(Signature.of(ds, discrete=True), **sizes).as_fitted()
    plain = SwitchingLinear.from_matrices(
        scaled.signature, scaled.matrices(), transition=scaled.transition(), initial={"P0": 10 * np.eye(2)}
    )
    for method in (None, Enumerated()):
        found = [dl.log_likelihood(m, ds, method=method).values for m in (scaled, plain)]
        np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-2)


@pytest.mark.slow
def test_switching_by_the_state_is_learned():
    """A ball between two walls, one output: right of 1 it is pushed left, left of -1 right."""
    rng = np.random.default_rng(0)
    outputs, regimes = [], []
    for _ in range(3):
        x, z, y, zs = 0.0, 0, [], []
        for _ in range(200):
            if abs(x) > 1:
                z = int(x > 0)
            x = 0.98 * x + (-0.12 if z else 0.12) + 0.03 * rng.normal()
            y.append([x + 0.02 * rng.normal()])
            zs.append(z)
        outputs.append(np.array(y))
        regimes.append(np.array(zs))
    ds = dl.from_arrays(outputs, dt=1.0)
    likelihood = {}
    for switching in ("markov", "state"):
        model = SwitchingLinear.from_data(ds, regimes=2, states=1, switching=switching, key=0)
        result = dl.fit(model, ds, method=SwitchingEM(steps=12, restarts=1, polish=0), progress=False)
        likelihood[switching] = result.statistics["log_likelihood"]
        if switching == "state":
            assert agreement(regimes_of(result.model, ds), regimes, 2) >= 0.95
            # Right of the middle the regime that pushes left becomes likelier.
            W, M = result.model.transition()["W"][:, 0], result.model.matrices()
            slope = (W[1] - W[0]) * M[0]["C"][0, 0]
            push = (M[1]["c"][0] - M[0]["c"][0]) * M[0]["C"][0, 0]
            assert slope * push < 0
    assert likelihood["state"] > likelihood["markov"] + 20


@pytest.mark.slow
def test_gradients_of_the_likelihood_are_finite():
    ds, _ = three_modes(7, (40, 25), controlled=True, missing=0.3)
    for options in ({"switching": "state"}, {"per_regime_outputs": True}):
        sizes = {"states": 3, "regimes": 2, "scaling": Scaling.of(ds), "key": 0}
        model = SwitchingLinear(Signature.of(ds, discrete=True), **sizes, **options)

        @eqx.filter_jit
        @eqx.filter_grad
        def slope(model, runs):
            one = lambda run: model.inference.filter(model.process(run), jax.random.key(0)).log_density  # noqa: E731
            return jax.vmap(one)(runs).sum()

        leaves = jax.tree.leaves(eqx.filter(slope(model, ds.dyn.to_device()).system, eqx.is_array))
        assert all(np.isfinite(leaf).all() for leaf in leaves)
        assert max(np.abs(leaf).max() for leaf in leaves) > 0


@pytest.mark.slow
def test_other_precision_gives_the_same(fitted):
    ds, _ = three_modes(8, (100,))
    single = smoothed(fitted.model, ds.dyn.to_device())
    with precision.float64():
        model = jax.tree.map(
            lambda a: jnp.asarray(a, jnp.float64) if eqx.is_inexact_array(a) else a, fitted.model
        )
        double = smoothed(model, ds.dyn.to_device())
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, np.asarray(double), atol=2e-3)


def test_refusals(linear, uneven, make_linear):
    with pytest.raises(ValueError, match="a discrete-time model needs regular sampling"):
        SwitchingLinear.from_data(uneven)
    with pytest.raises(ArgumentError, match=r"controls held constant between samples .* got hold='linear'"):
        SwitchingLinear.from_data(make_linear(hold="linear"))
    with pytest.raises(ArgumentError, match="expected a signature with an interval"):
        SwitchingLinear(Signature(("y",)), states=1, regimes=2, key=0)
    with pytest.raises(ArgumentError, match="unknown switching 'Markov'; did you mean 'markov'"):
        SwitchingLinear.from_data(linear, switching="Markov")
    with pytest.raises(ArgumentError, match="regimes: expected an integer >= 1, got 0"):
        SwitchingLinear.from_data(linear, regimes=0)
    with pytest.raises(ArgumentError, match=r"regime_names: expected 2 different names, got \['a', 'a'\]"):
        SwitchingLinear.from_data(linear, regimes=2, regime_names=["a", "a"])
    with pytest.raises(ValueError, match="use fewer of them or longer runs"):
        SwitchingLinear.from_data(linear.isel(time=slice(0, 5)), regimes=3)
    with pytest.raises(ArgumentError, match=r"this SwitchingLinear has not been fitted.*dl\.fit"):
        dl.filter(SwitchingLinear.from_data(linear, regimes=2, states=2), linear)
    with pytest.raises(ArgumentError, match="SwitchingEM: expected sticky to be a number >= 0, got -1"):
        SwitchingEM(sticky=-1)
    with pytest.raises(ArgumentError, match="SwitchingEM: expected a SwitchingLinear, got LinearStateSpace"):
        dl.fit(dl.models.LinearStateSpace.from_data(linear), linear, method=SwitchingEM(), progress=False)
    good = {"A": [[0.5]], "C": [[1.0]], "Q": [[1.0]], "R": [[1.0]]}
    signature, even = Signature(("y",), interval=1.0), [[0.5, 0.5], [0.5, 0.5]]
    for second, words in (
        ({"Z": [[1.0]]}, "unknown matrix of regime 1 'Z'"),
        (
            {"C": [[1.0, 2.0]]},
            r"C of regime 1: expected finite numbers of shape \(1, 1\), got shape \(1, 2\)",
        ),
        ({"Q": [[-1.0]]}, "Q of regime 1: expected a covariance"),
    ):
        with pytest.raises(ArgumentError, match=words):
            SwitchingLinear.from_matrices(signature, [good, good | second], transition=even)
    for transition, words in (
        ([[0.5, 0.4], [0.5, 0.5]], "rows of probabilities that add up to 1"),
        ([[1.0]], r"transition: expected finite numbers of shape \(2, 2\), got shape \(1, 1\)"),
        ({"logits": [[0.0, 0.0], [0.0, 0.0]]}, "or 'logits' and 'W', got"),
    ):
        with pytest.raises(ArgumentError, match=words):
            SwitchingLinear.from_matrices(signature, [good, good], transition=transition)
    with pytest.raises(ArgumentError, match="a list with one mapping per regime"):
        SwitchingLinear.from_matrices(signature, good, transition=[[1.0]])
    with pytest.raises(
        ArgumentError, match="initial: expected probabilities of the regimes that add up to 1"
    ):
        SwitchingLinear.from_matrices(
            signature, [good, good], transition=even, initial={"probabilities": [1.0, 1.0]}
        )
    model = SwitchingLinear.from_matrices(signature, [good, good], transition=even)
    ds = dl.from_arrays(np.zeros((20, 1)), dt=1.0, output_names=["y"])
    with pytest.raises(ArgumentError, match="method: Exact is not for a SwitchingLinear; leave method out"):
        dl.filter(model, ds, method="exact")
    with pytest.raises(ArgumentError, match=r"at most 16384 paths of regimes, got 2\^20"):
        dl.filter(model, ds, method="enumerated")
