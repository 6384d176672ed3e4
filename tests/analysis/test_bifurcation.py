"""Bifurcation diagrams of the logistic map, over everything they can be drawn over."""

import jax.numpy as jnp
import numpy as np

import dynlearn as dl
from dynlearn.analysis import bifurcation

from .systems import at, map_of


def over_control(values, **options):
    model = map_of(lambda t, x, u, s: u * x * (1 - x), control_names=("r",))
    return bifurcation(model, at([0.3], controls={"r": 3.0}), "r", values, **options)


def branches(found) -> list[int]:
    """How many different values an orbit visits, for every value of the parameter."""
    return [np.unique(row.round(4)).size for row in found["output"].values[..., 0]]


def test_periods_double_where_they_should():
    """At 3 and 1 + sqrt(6) = 3.449; a window of period 3 begins at 1 + sqrt(8) = 3.828."""
    found = over_control([2.5, 2.95, 3.05, 3.44, 3.46, 3.54, 3.835, 3.9], steps=200, discard=2000)
    assert branches(found)[:-1] == [1, 1, 2, 2, 4, 4, 3]
    assert branches(found)[-1] > 100
    x = found["output"].values[0, 0, 0]
    np.testing.assert_allclose(x, 1 - 1 / 2.5, rtol=1e-5)


def test_exponents_are_those_of_the_closed_form():
    """log |2 - r| of the fixed point, log |4 + 2 r - r^2| / 2 of the cycle of 2, log 2 at r = 4."""
    r = np.array([2.2, 2.8, 3.1, 3.4, 4.0])
    found = over_control(r, steps=4000, discard=1000)
    expected = [np.log(abs(2 - v)) if v < 3 else np.log(abs(4 + 2 * v - v**2)) / 2 for v in r[:-1]]
    np.testing.assert_allclose(found["exponent"].values[:-1], expected, rtol=1e-3)
    np.testing.assert_allclose(found["exponent"].values[-1], np.log(2), rtol=0.02)


def test_the_way_to_a_value_does_not_matter():
    """All values at once, or each alone."""
    both, one = over_control([3.2, 3.5]), over_control([3.5])
    np.testing.assert_array_equal(both["output"].values[1], one["output"].values[0])


def test_over_a_static_feature():
    model = map_of(lambda t, x, u, s: s * x * (1 - x), static_names=("r",))
    context = at([0.3], static=[[3.0]], static_names=["r"])
    found = bifurcation(model, context, "r", [2.5, 3.2, 3.5])
    assert branches(found) == [1, 2, 4]
    np.testing.assert_allclose(found["output"], over_control([2.5, 3.2, 3.5])["output"], atol=1e-5)
    assert found.attrs["over"] == "r"


def test_over_one_of_two_controls():
    model = map_of(lambda t, x, u, s: u[:1] * x * (1 - x) + u[1], control_names=("r", "push"))
    context = at([0.3], controls={"r": 3.0, "push": 0.0})
    found = bifurcation(model, context, "push", [0.0, 0.1], control={"r": 2.5})
    np.testing.assert_allclose(
        found["output"].values[:, 0, 0], [0.6, (1.5 + np.sqrt(2.25 + 1)) / 5], rtol=1e-5
    )
    assert branches(bifurcation(model, context, "r", [2.5, 3.5], control={"push": 0.0})) == [1, 4]


def test_an_orbit_that_leaves_is_nan_from_there_on():
    found = over_control([3.2, 5.0], steps=20, discard=0)
    assert np.isfinite(found["output"].values[0]).all()
    assert np.isfinite(found["output"].values[1, 0]).all()
    assert np.isnan(found["output"].values[1, -1]).all()
    assert np.isnan(found["exponent"].values).tolist() == [False, True]


def test_a_flow_over_its_control():
    """dx/dt = u x - x^3: 0, and beyond u = 0 sqrt(u); the exponent per time is u, then -2 u."""
    signature = dl.models.Signature(("x",), ("u",), output_units=("m",), control_units=("N",), time_unit="s")
    field = lambda t, x, u, s: u * x - x**3  # noqa: E731
    model = dl.models.NeuralODE(signature, hidden=0, memory=1, field=field, key=0)
    units = {"t": "s", "x": "m", "u": "N"}
    context = at([0.3], controls={"u": 0.0}, dt=0.1, units=units)
    found = bifurcation(model, context, "u", [-1.0, 0.5, 1.0], interval=0.05)
    np.testing.assert_allclose(found["output"][:, 0, 0], [0, 0.5**0.5, 1], atol=1e-5)
    np.testing.assert_allclose(found["exponent"], [-1, -1, -2], rtol=1e-3)
    assert found["exponent"].attrs["units"] == "1/s"
    assert found["output_unit"].values.tolist() == ["m"]


def test_a_control_far_from_those_in_training_is_said(linear):
    model = dl.models.NeuralMap.from_data(linear, hidden=0, memory=1, width=4, key=0)
    one = linear.isel(trajectory=[0])
    assert "force" in bifurcation(model, one, "force", [0.0, 50.0], steps=2, discard=0).attrs["extrapolates"]
    assert "extrapolates" not in bifurcation(model, one, "force", [0.0], steps=2, discard=0).attrs
    assert jnp.isfinite(
        dl.analysis.lyapunov(model, one, control=50.0, steps=10, discard=0)["exponent"].values
    ).all()
    assert (
        "force" in dl.analysis.lyapunov(model, one, control=50.0, steps=10, discard=0).attrs["extrapolates"]
    )
