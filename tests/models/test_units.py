"""Scaling, fields and crossings against formulas in physical units."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.contract.rollout import cross, rollout
from dynlearn.models import AbstractModel, Scaling, Signature
from dynlearn.numerics.distributions import Gaussian
from dynlearn.parts.fields.given import GivenField, GivenMap
from dynlearn.parts.fields.learned import ConstantDiffusion, LearnedField


def test_scaling_is_by_mean_and_deviation_of_what_was_measured(uneven):
    """And time by the median over outputs of std(y) / rms(dy/dt)."""
    found, y = Scaling.of(uneven), uneven["output"].values
    np.testing.assert_allclose(found.output_mean, np.nanmean(y, axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found.output_scale, np.nanstd(y, axis=(0, 1)), rtol=1e-5)
    u, s = uneven["control"].values, uneven["static"].values
    np.testing.assert_allclose(found.control_scale, np.nanstd(u, axis=(0, 1)), rtol=1e-5)
    rate = np.diff(y, axis=1) / np.diff(uneven["t"].values, axis=1)[..., None]
    ratios = [np.nanstd(y[..., j]) / np.sqrt(np.nanmean(rate[..., j] ** 2)) for j in range(2)]
    assert float(found.time_scale) == pytest.approx(np.median(ratios), rel=1e-5)
    for name, values in (("output", y), ("control", u), ("static", s)):
        axes = tuple(range(values.ndim - 1))
        wanted = (values - np.nanmean(values, axes)) / np.nanstd(values, axes)
        scaled = getattr(found, name)(jnp.asarray(values))
        np.testing.assert_allclose(scaled, wanted, atol=1e-4)
        np.testing.assert_allclose(getattr(found, f"{name}_inverse")(scaled), values, atol=1e-4)


def scaling() -> Scaling:
    values = {
        "output_mean": [1.0, -2.0],
        "output_scale": [2.0, 0.5],
        "control_mean": [3.0],
        "control_scale": [4.0],
        "static_mean": [5.0],
        "static_scale": [0.1],
        "time_scale": 4.0,
    }
    return dataclasses.replace(Scaling.unit(2, 1, 1), **{k: jnp.asarray(v) for k, v in values.items()})


def test_learned_fields_are_per_physical_time():
    network = eqx.nn.MLP(4, 2, 3, 1, key=jax.random.key(0))
    x, u, s = jnp.array([0.3, -1.0]), jnp.array([0.7]), jnp.array([-0.2])
    plain = network(jnp.concatenate([x, u, s]))
    np.testing.assert_allclose(LearnedField(network)(0.0, x, u, s, scaling()), plain / 4.0, rtol=1e-6)
    raw = jnp.array([0.5, -1.0])
    np.testing.assert_allclose(
        ConstantDiffusion(raw)(0.0, x, u, s, scaling()), np.log1p(np.exp(raw)) / 2.0, rtol=1e-6
    )


@pytest.mark.parametrize(("kind", "offset"), [(GivenField, 0.0), (GivenMap, 1.0)])
def test_functions_of_the_user_are_called_in_physical_units(kind, offset):
    """X = mean + scale x; a field gives dX/dt, a map the next X: both come back in scaled units."""
    function = lambda t, X, u, s: X * u[0] + s[0] + t  # noqa: E731
    x, mean, scale = np.array([0.3, -1.0]), np.array([1.0, -2.0]), np.array([2.0, 0.5])
    X, u, s = mean + scale * x, 3.0 + 4.0 * 0.7, 5.0 + 0.1 * -0.2
    wanted = (X * u + s + 1.5 - offset * mean) / scale
    found = kind(function)(1.5, jnp.asarray(x), jnp.array([0.7]), jnp.array([-0.2]), scaling())
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


class Adding(AbstractModel):
    """A state that adds up what its steps were given; an output that is the state and 1000 times the control then."""

    signature: Signature = eqx.field(static=True)
    scaling: Scaling = eqx.field(default_factory=lambda: Scaling.unit(1, 1))
    objective: str = eqx.field(static=True, default="multi_step")
    method: str = eqx.field(static=True, default="gradient")
    memory: int = eqx.field(static=True, default=1)
    required: int = eqx.field(static=True, default=1)

    @classmethod
    def of(cls, hold):
        return cls(Signature(("y",), ("u",), interval=1.0, hold=hold))

    def infer(self, past, *, key=None):
        return past.output[-1]

    def step(self, state, control, time, interval, *, key=None):
        linear = self.signature.hold == "linear"
        return state + (time + 10 * (control[0] + 3 * control[1] if linear else control)) * interval

    def observe(self, state, control):
        return Gaussian(state + 1000 * control, jnp.ones(1))


@pytest.mark.parametrize("hold", ["zero", "linear"])
def test_an_interval_in_pieces_is_that_many_steps_one_after_the_other(hold):
    ends = jnp.array([[1.0], [3.0]]) if hold == "linear" else jnp.array([1.0])
    found = cross(Adding.of(hold), jnp.array([0.5]), ends, jnp.asarray(2.0), jnp.asarray(0.8), pieces=4)
    expected = 0.5
    for j in range(4):
        a, b = 1.0 + 2.0 * j / 4, 1.0 + 2.0 * (j + 1) / 4
        expected += (2.0 + 0.2 * j + 10 * (a + 3 * b if hold == "linear" else 1.0)) * 0.2
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


@pytest.mark.parametrize("hold", ["zero", "linear"])
def test_a_rollout_hands_each_step_its_instant_interval_and_controls(hold):
    u, t = np.array([1.0, -2.0, 4.0, 0.5]), np.array([3.0, 3.2, 4.0, 4.1])
    dt = np.diff(t)
    ahead = jnp.asarray(u)[:, None], jnp.asarray(t), jnp.asarray(dt)
    states, outputs = rollout(Adding.of(hold), jnp.array([0.5]), *ahead)
    x, wanted = 0.5, []
    for k in range(3):
        x += (t[k] + 10 * (u[k] + 3 * u[k + 1] if hold == "linear" else u[k])) * dt[k]
        wanted.append(x)
    np.testing.assert_allclose(states[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(outputs.mean[:, 0], np.array(wanted) + 1000 * u[1:], rtol=1e-5)
