"""Basins against maps and flows whose attractors are known."""

import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.analysis import basins
from dynlearn.analysis._attractors import _has_settled

from .systems import flow_of, lorenz, map_of


def test_the_basins_of_a_bistable_map_meet_at_its_fixed_point_between():
    model = map_of(lambda t, x, u, s: x + 0.5 * (x - x**3) + u, control_names=("u",))
    found = basins(model, {"x": (-1.2, 1.3)}, points=26, steps=200, control=0.0)
    x, label = found["x"].values, found["attractor"].values
    assert (label[x > 1e-9] == label[-1]).all()
    assert (label[x < -1e-9] == label[0]).all()
    np.testing.assert_allclose(found["mean"].sel(output_name="x")[label[[0, -1]]], [-1, 1], atol=1e-5)
    np.testing.assert_allclose(found["spread"], 0, atol=1e-5)
    np.testing.assert_allclose(found["share"], np.bincount(label) / 26)
    assert found["share"].values.tolist() == sorted(found["share"].values, reverse=True)
    # A push that leaves one equilibrium only.
    pushed = basins(model, {"x": (-1.2, 1.3)}, points=10, steps=400, control={"u": 0.5})
    assert pushed["share"].values.tolist() == [1.0]


def test_what_runs_away_belongs_to_none():
    """x' = x^2 goes to 0 from within (-1, 1) and to infinity from beyond."""
    found = basins(map_of(lambda t, x, u, s: x**2), {"x": (-1.5, 1.5)}, points=16, steps=100)
    np.testing.assert_array_equal(found["attractor"], np.where(np.abs(found["x"]) < 1, 0, -1))
    lost = basins(map_of(lambda t, x, u, s: 2 * x), {"x": (1, 2)}, points=3, steps=100)
    assert (lost["attractor"].values == -1).all()
    assert lost.sizes["attractor_number"] == 0
    # Slow enough to be near while it is looked at, and gone while it would be followed.
    slow = basins(map_of(lambda t, x, u, s: 1.05 * x), {"x": (1, 2)}, points=3, steps=100)
    assert (slow["attractor"].values == -1).all()


@pytest.mark.parametrize("rate", [0.99, 0.999])
@pytest.mark.parametrize("steps", [32, 100, 500, 2000])
def test_what_is_still_on_its_way_is_no_attractor(rate, steps):
    """x' = a x has one attractor, 0: after some steps an orbit is near it or on its way, never on another one."""
    found = basins(map_of(lambda t, x, u, s: rate * x), {"x": (-2, 2)}, points=20, steps=steps)
    x, label = found["x"].values, found["attractor"].values
    assert set(np.unique(label)) <= {-2, 0}
    assert found.sizes["attractor_number"] == (0 in label)
    # After twice so many steps: what has come close has settled, what is far off has not.
    left = np.abs(x) * rate ** (2 * steps)
    assert (label[left < 0.01] == 0).all()
    assert (label[left > 0.2] == -2).all()
    np.testing.assert_allclose(found["share"], [np.mean(label == 0)] if 0 in label else [])
    np.testing.assert_allclose(found["mean"], 0, atol=0.05)
    assert found["attractor"].attrs["flag_meanings"] == "not_settled leaves"


def test_slow_growth_is_not_settled():
    found = basins(map_of(lambda t, x, u, s: 1.001 * x), {"x": (1, 2)}, points=3, steps=200)
    assert (found["attractor"].values == -2).all()


@pytest.mark.parametrize("steps", [32, 64, 128])
def test_a_spiral_that_has_not_come_to_rest_is_no_attractor(steps):
    model = flow_of(duffing, ("x", "v"), solver=dl.solvers.FixedStep("rk4", 2))
    found = basins(model, {"v": (-1.5, 1.5), "x": (-2.0, 2.0)}, points=12, steps=steps, interval=0.1)
    assert found.sizes["attractor_number"] == (0 if steps == 32 else 2)
    np.testing.assert_allclose(
        np.sort(found["mean"].sel(output_name="x")), [-1, 1][: 2 * (steps > 32)], atol=0.1
    )


def test_a_slow_cycle_is_not_settled_before_it_returns():
    """A turn of 0.02: 314 steps to come around."""
    c, s = np.cos(0.02), np.sin(0.02)

    def turn(t, x, u, _):
        x = x * (1 + 0.1 * (1 - jnp.sum(x**2)))
        return jnp.array([[c, -s], [s, c]], x.dtype) @ x

    ranges = {"x": (0.2, 1.0)}
    short, long = (basins(map_of(turn, "xy"), ranges, points=4, steps=n) for n in (150, 1500))
    assert (short["attractor"].values == -2).all()
    assert (long["attractor"].values == 0).all()
    np.testing.assert_allclose(long["spread"], 0.5**0.5, atol=0.02)


def test_orbits_that_return_have_settled():
    """At rest, around a cycle of two, chaotic, and around circles of all kinds of periods."""
    k = np.arange(900)
    chaotic = [0.3]
    for _ in range(899):
        chaotic.append(3.9 * chaotic[-1] * (1 - chaotic[-1]))
    assert _has_settled(np.ones((900, 1)), 0.1)
    assert _has_settled(np.where(k % 2, 1.0, -1.0)[:, None], 0.1)
    assert _has_settled(np.array(chaotic)[:, None] / 0.25, 0.1)
    for angle in np.random.default_rng(0).uniform(0.03, 0.09, 40):
        assert _has_settled(np.stack([np.cos(angle * k), np.sin(angle * k)], 1), 0.1)


def test_orbits_that_move_on_have_not():
    k = np.arange(900)[:, None]
    turn = np.concatenate([np.cos(0.7 * k), np.sin(0.7 * k)], 1)
    for orbit in (0.001 * k, 1.001**k, 0.999**k, (-0.999) ** k, 0.999**k * turn):
        assert not _has_settled(orbit, 0.1)
    # It comes to rest at 0, from 0.05 here: within a quarter of what is near or not.
    end = 0.99 ** k[:300]
    assert _has_settled(end, 0.22)
    assert not _has_settled(end, 0.18)
    # Not one turn of a circle.
    assert not _has_settled(np.concatenate([np.cos(0.002 * k), np.sin(0.002 * k)], 1), 0.1)


def duffing(t, x, u, s):
    return jnp.array([x[1], x[0] - x[0] ** 3 - 0.3 * x[1]])


def test_the_two_basins_of_duffings_oscillator():
    """Against steps of RK4 written down here, from the same grid."""
    model = flow_of(duffing, ("x", "v"), solver=dl.solvers.FixedStep("rk4", 2))
    found = basins(model, {"v": (-1.5, 1.5), "x": (-2.0, 2.0)}, points=12, steps=600, interval=0.1)
    assert found["attractor"].dims == ("v", "x")
    assert found.sizes["attractor_number"] == 2
    v, x = np.meshgrid(found["v"], found["x"], indexing="ij")
    z, dt = np.stack([x, v]), 0.05

    def field(z):
        return np.stack([z[1], z[0] - z[0] ** 3 - 0.3 * z[1]])

    for _ in range(1200):
        a = field(z)
        b = field(z + dt / 2 * a)
        c = field(z + dt / 2 * b)
        z = z + dt / 6 * (a + 2 * b + 2 * c + field(z + dt * c))
    right = int(np.argmax(found["mean"].sel(output_name="x").values))
    np.testing.assert_allclose(np.sort(found["mean"].sel(output_name="x")), [-1, 1], atol=1e-3)
    agree = (found["attractor"].values == right) == (z[0] > 0)
    assert agree.mean() > 0.99


def test_a_point_inside_a_cycle_is_another_attractor():
    """r' = r + 0.3 r (1 - r^2) (4 r^2 - 1): the origin from within 1/2, the circle of radius 1 from beyond."""

    def turn(t, x, u, s):
        square = jnp.sum(x**2)
        x = x * (1 + 0.1 * (1 - square) * (4 * square - 1))
        return jnp.array([[np.cos(2.0), -np.sin(2.0)], [np.sin(2.0), np.cos(2.0)]], x.dtype) @ x

    found = basins(map_of(turn, "xy"), {"x": (-0.75, 0.75), "y": (-0.75, 0.75)}, points=14, steps=400)
    radius = np.hypot(*np.meshgrid(found["x"], found["y"], indexing="ij"))
    np.testing.assert_array_equal(found["attractor"].values == 1, radius < 0.5)
    np.testing.assert_allclose(found["spread"], [[0.5**0.5] * 2, [0, 0]], atol=1e-2)


def test_a_chaotic_attractor_is_one():
    ds = dl.from_arrays(
        np.random.default_rng(0).normal(size=(1, 40, 3)) * 8 + [0, 0, 24],
        dt=0.02,
        output_names=["x", "y", "z"],
    )
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, field=lorenz, key=0)
    found = basins(model, {"x": (-15, 15)}, at={"y": 3.0, "z": 15.0}, points=12, steps=3000, interval=0.02)
    assert found["share"].values.tolist() == [1.0]
    np.testing.assert_allclose(found["mean"].sel(output_name="z"), 23.5, atol=1)


@pytest.mark.parametrize(("steps", "near"), [(500, 1.0), (1000, 0.5)])
def test_orbits_too_short_to_fill_a_chaotic_attractor_are_on_one_or_on_none(steps, near):
    """10 time units of Lorenz are some 13 turns: orbits of other starts touch, and see other parts of it."""
    box = {"x": (-15, 15), "y": (-15, 15)}
    few = basins(
        flow_of(lorenz, "xyz"), box, at={"z": 20.0}, points=10, steps=steps, interval=0.02, near=near
    )
    assert few["share"].size == 1
    assert set(np.unique(few["attractor"])) <= {-2, 0}
    assert float(few["share"][0]) > 0.6


def test_other_outputs_and_static_features_stand_where_they_are_told():
    """x' = y' = .. : what y and s are decides alone."""
    model = map_of(
        lambda t, x, u, s: jnp.array([0.5 * x[0] + jnp.sign(x[1]) + s[0], x[1]]), "xy", static_names=("s",)
    )
    ranges = {"x": (-1.0, 1.0)}
    at_mean = basins(model, ranges, points=3, steps=100)
    np.testing.assert_allclose(at_mean["mean"], [[0, 0]], atol=1e-6)
    told = basins(model, ranges, at={"y": 0.25, "s": 2.0}, points=3, steps=100)
    np.testing.assert_allclose(told["mean"], [[6, 0.25]], rtol=1e-6)
