"""Cycles of piecewise-linear models against brute-force simulation, and against maps whose cycles are known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import dynlearn as dl
from dynlearn.analysis import cycles, fixed_points
from dynlearn.models import PLRNN, Signature
from dynlearn.numerics import precision

from .systems import FORMS, at, beginning, by_hand, random_network, skew_tent, with_cell

U = 0.5  # exact in float32


@eqx.filter_jit
def followed(model, z, u, steps):
    """F^steps(z) by the model's own step, and its derivative."""

    def advance(z):
        state = dl.models.recurrent.recurrent.RecurrentState(z, jnp.zeros(0), model.noise.start())
        held = model.signature.hold.still(u)
        return model.step(state, held, jnp.zeros(()), jnp.ones(())).z

    def body(_, now):
        z, J = now
        return advance(z), jax.jacfwd(advance)(z) @ J

    return jax.lax.fori_loop(0, steps, body, (z, jnp.eye(z.shape[0])))


def check_cycles(model, found, u) -> None:
    """Every cycle comes back under the model's own step, not earlier, with the eigenvalues of its derivative."""
    with precision.float64():
        double = precision.double(model)
        for i, period in enumerate(found["period"].values):
            points = found["state"].values[i, :period]
            assert np.isnan(found["state"].values[i, period:]).all()
            end, J = followed(double, jnp.asarray(points[0]), jnp.asarray(u), jnp.asarray(period))
            eigenvalues = np.linalg.eigvals(np.asarray(J))
            size = (1 + np.abs(points).max()) * max(1.0, np.abs(np.asarray(J)).max())
            np.testing.assert_allclose(end, points[0], atol=1e-9 * size)
            for k in range(1, period):
                step, _ = followed(double, jnp.asarray(points[k - 1]), jnp.asarray(u), jnp.asarray(1))
                np.testing.assert_allclose(step, points[k], atol=1e-9 * size)
                assert np.abs(points[k] - points[0]).max() > 1e-6
            for value in found["eigenvalue"].values[i]:
                assert np.abs(eigenvalues - value).min() < 1e-6 * size
            modulus = np.abs(eigenvalues).max()
            assert abs(found["modulus"].values[i] - modulus) < 1e-6 * size
            assert found["stable"].values[i] == (modulus < 1)
            scaled = model.scaling.output(found["output"].values[i, :period])
            np.testing.assert_allclose(scaled, points[:, : model.signature.outputs], rtol=1e-4, atol=1e-5)


def simulated(model, starts, u, longest=40) -> list[np.ndarray]:
    """The stable cycles that orbits from `starts` settle on, up to that period; None where they leave."""
    z = starts
    for _ in range(2000):
        z = by_hand(model, z, u)
        if not (np.abs(z) < 1e6).all():
            return None
    path = [z]
    for _ in range(longest):
        path.append(by_hand(model, path[-1], u))
    path, found = np.stack(path, axis=1), []
    for run in path:
        gaps = np.abs(run[1:] - run[0]).max(1)
        if gaps.min() < 1e-10:  # others have not settled yet
            found.append(run[: int(np.argmax(gaps < 1e-6)) + 1])
    return found


@pytest.mark.parametrize("examples", [4, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("hold", ["zero", "linear"])
@pytest.mark.parametrize("form", FORMS)
def test_stable_cycles_of_random_networks_are_those_of_brute_force(form, hold, examples):
    @settings(max_examples=examples)
    @given(st.integers(0, 10**6), st.floats(0.8, 2.0))
    def holds(seed, gain):
        model = random_network(form, seed, gain, hold)
        y = np.random.default_rng(seed).normal(size=(8, 2))
        stable = simulated(model, beginning(model, y), U)
        assume(stable is not None)
        context = at(*y, names=("y", "w"), controls={"u": 0.0}, hold=hold)
        periods = {1, 2, 3, *(len(cycle) for cycle in stable)}
        found = cycles(model, context, periods=periods, control={"u": U}, starts=100, steps=2000)
        check_cycles(model, found, np.array([U]))
        for cycle in stable:
            rows = found.isel(cycle=np.flatnonzero(found["period"].values == len(cycle)))
            apart = [np.abs(row[: len(cycle)] - cycle[0]).max(1).min() for row in rows["state"].values]
            assert min(apart, default=np.inf) < 1e-5
            # In float64 what brute force settles on cannot repel.
            assert rows["modulus"].values[np.argmin(apart)] < 1 + 1e-6

    holds()


def test_brute_force_meets_cycles_of_many_periods():
    """Or the property above would say little."""
    met = set()
    for seed in range(25):
        model = random_network("almost linear", seed, 1.6)
        y = np.random.default_rng(seed).normal(size=(8, 2))
        met |= {len(cycle) for cycle in simulated(model, beginning(model, y), U) or []}
    assert {1, 2, 4} < met
    assert max(met) > 5


def test_fixed_points_solve_a_linear_system_in_every_region():
    """By hand: (1 - A - W D) z = h, kept where the last units have the signs that D says."""
    count = 0
    for seed in range(20):
        model = random_network("almost linear", seed, 1.5)
        A, W = np.diag(np.asarray(model.cell.a, float)), np.asarray(model.cell.W, float)
        h = np.asarray(model.cell.h, float) + np.asarray(model.cell.drive, float) @ [U]
        expected = []
        for code in range(8):
            on = np.array([1, *(code >> k & 1 for k in range(3))])
            z = np.linalg.solve(np.eye(4) - A - W * on, h)
            if ((z[1:] > 0) == on[1:].astype(bool)).all():
                expected.append(z)
        found = fixed_points(model, at([0.1, 0.2], names=("y", "w"), controls={"u": 0.0}), control=U)
        assert found.sizes["cycle"] == len(expected)
        for z in expected:
            assert np.abs(found["state"].values[:, 0] - z).max(1).min() < 1e-9
        count += len(expected)
    assert count > 20


def test_a_tent_map_has_as_many_cycles_as_its_code_has_words():
    """Every word of two symbols is a cycle: 2, 1, 2, 3, 6, 9 of the periods 1 to 6, all of which repel."""
    found = cycles(skew_tent(0.4), at([0.1], names=("y",)), periods=range(1, 7))
    assert np.bincount(found["period"].values).tolist() == [0, 2, 1, 2, 3, 6, 9]
    assert not found["stable"].any()
    below = (found["state"].values[..., 0] < 0).sum(1)
    slopes = 2.5**below * (1 / 0.6) ** (found["period"].values - below)
    np.testing.assert_allclose(found["modulus"], slopes, rtol=1e-6)


def test_a_cycle_of_period_40_is_exact_though_it_expands_a_billionfold():
    model = skew_tent(0.4)
    found = cycles(model, at([0.1], names=("y",)), periods=[39, 40], starts=40)
    assert {39, 40} <= set(found["period"].values.tolist())
    for cycle, period in zip(found["state"].values, found["period"].values, strict=True):
        z = cycle[:period]
        np.testing.assert_allclose(by_hand_tent(model, z), np.roll(z, -1, axis=0), atol=1e-12)
    assert found["modulus"].min() > 1e9


def by_hand_tent(model, z):
    a, W, h = (float(np.ravel(getattr(model.cell, name))[0]) for name in ("a", "W", "h"))
    return a * z + W * np.maximum(z, 0) + h


def test_all_points_at_once_agree_with_one_after_another(monkeypatch):
    """Both ways of solving for a cycle, on cycles that either can do."""
    from dynlearn.analysis import _linear_cycles

    model, context = random_network("clipped", 3, 2.0), at([0.1, 0.2], names=("y", "w"), controls={"u": 0.0})
    options = {"control": U, "periods": range(1, 9), "starts": 100}
    one = cycles(model, context, **options)
    monkeypatch.setattr(_linear_cycles, "EXPANDS", 0.0)
    other = cycles(model, context, **options)
    assert one.sizes["cycle"] > 3
    np.testing.assert_allclose(one["state"], other["state"], atol=1e-8)


def test_a_state_that_nothing_moves_is_no_cycle():
    """Every state of z' = z + relu(0 z) is a fixed point: none is alone."""
    model = PLRNN(Signature(("y",), interval=1.0), latent=1, width=2, memory=1, key=0)
    model = with_cell(model, a=[1.0], W1=[[0.0, 0.0]])
    found = cycles(model, at([0.3], names=("y",)), periods=[1, 2])
    assert found.sizes["cycle"] == 0
    assert found["state"].dims == ("cycle", "phase", "mode")


def test_cycles_are_in_physical_units_with_their_names():
    found = fixed_points(skew_tent(0.4, scale=10.0), at([0.1], names=("y",)))
    z = found["state"].values[:, 0, 0]
    np.testing.assert_allclose(np.sort(z), [-0.4, 0.6 / (1 + 1 / 0.6)], rtol=1e-6)
    np.testing.assert_allclose(found["output"].sel(output_name="y").values[:, 0], 10 * z, rtol=1e-6)


def test_static_features_and_controls_move_the_fixed_point():
    """z' = a z + 0.3 u + 0.7 s + h, with no rectifier: z = (0.3 u + 0.7 s + h) / (1 - a)."""
    signature = Signature(("y",), ("u",), ("s",), interval=1.0)
    model = dl.models.ALRNN(signature, latent=1, nonlinear=0, memory=1, key=0)
    model = with_cell(model, a=[0.5], W=[[0.0]], h=[0.2], drive=[[0.3, 0.7]])
    context = at([0.0], names=("y",), controls={"u": 0.0}, static=[[2.0]], static_names=["s"])
    found = fixed_points(model, context, control={"u": 1.0})
    np.testing.assert_allclose(found["output"].values.ravel(), [(0.3 + 1.4 + 0.2) / 0.5], rtol=1e-6)
    np.testing.assert_allclose(found["eigenvalue"].values.ravel(), [0.5], rtol=1e-6)
