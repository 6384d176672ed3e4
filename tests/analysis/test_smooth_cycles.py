"""Fixed points and cycles of smooth maps and flows against closed forms and known counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.analysis import cycles, fixed_points

from .systems import at, flow_of, henon, logistic, lorenz, map_of, van_der_pol

XYZ = ("x", "y", "z")


def rows(found, values) -> np.ndarray:
    """Of each of `values`, outputs of a fixed point, the row in which it was found, to 1e-6."""
    apart = np.abs(found["output"].values[:, 0] - np.asarray(values)[:, None]).max(2)
    assert apart.min(1).max() < 1e-5
    return apart.argmin(1)


def test_the_logistic_map_at_4_has_as_many_cycles_as_its_code_has_words():
    found = cycles(logistic(4.0), at([0.2]), periods=range(1, 7), starts=200)
    assert np.bincount(found["period"].values).tolist() == [0, 2, 1, 2, 3, 6, 9]
    # sin^2 turns it into the tent map of slope 2; at the fixed point 0, where that folds, the slope is 4.
    expected = np.where(found["output"].values[:, 0, 0] < 1e-9, 4.0, 2.0 ** found["period"].values)
    np.testing.assert_allclose(found["modulus"], expected, rtol=1e-6)


@pytest.mark.parametrize("r", [2.5, 3.2, 3.5])
def test_the_cycles_of_the_logistic_map_have_the_slopes_of_the_closed_form(r):
    found = cycles(logistic(r), at([0.2]), periods=[1, 2, 4], starts=100)
    by_period = {n: found["eigenvalue"].values[found["period"].values == n, 0] for n in (1, 2, 4)}
    np.testing.assert_allclose(np.sort(by_period[1].real), np.sort([r, 2 - r]), rtol=1e-6)
    np.testing.assert_allclose(by_period[2].real, [4 + 2 * r - r**2] * (r > 3), rtol=1e-6)
    assert len(by_period[4]) == (r > 1 + 6**0.5)
    stable = found["period"].values[found["stable"].values]
    assert stable.tolist() == [1 if r < 3 else 2 if r < 1 + 6**0.5 else 4]


def test_the_cycles_of_henons_map():
    """2, 1, 0, 1, 0 and 2 of the periods 1 to 6; fixed points b x_- and eigenvalues in closed form."""
    found = cycles(map_of(henon, "xy"), at([0.1, 0.1], names="xy"), periods=range(1, 7), starts=200)
    assert np.bincount(found["period"].values, minlength=7).tolist() == [0, 2, 1, 0, 1, 0, 2]
    x = (-0.7 + np.array([1, -1]) * np.sqrt(0.7**2 + 4 * 1.4)) / 2.8
    row = rows(found, np.stack([x, 0.3 * x], axis=1))
    root = np.sqrt((1.4 * x) ** 2 + 0.3)
    np.testing.assert_allclose(
        np.sort(found["eigenvalue"].values[row].real),
        np.sort(np.stack([-1.4 * x - root, -1.4 * x + root], 1)),
        rtol=1e-5,
    )
    # Around a cycle the determinant is (-0.3)^period.
    product = np.prod(found["eigenvalue"].values, axis=1)
    np.testing.assert_allclose(product, (-0.3) ** found["period"].values, rtol=1e-6, atol=1e-9)


def lorenz_equilibria():
    c = np.sqrt(8 / 3 * 27)
    return np.array([[0, 0, 0], [c, c, 27], [-c, -c, 27]])


def lorenz_jacobian(x, y, z):
    return np.array([[-10, 10, 0], [28 - z, -1, -x], [y, x, -8 / 3]])


@pytest.mark.parametrize(
    "solver",
    [None, pytest.param(dl.solvers.Adaptive(rtol=1e-5), marks=pytest.mark.slow)],
    ids=["fixed", "adaptive"],
)
def test_the_equilibria_of_lorenz(solver):
    dt = 0.05
    model = flow_of(lorenz, XYZ, solver=solver)
    found = fixed_points(model, at([1.0, 1.0, 20.0], names=XYZ, dt=dt), steps=400, starts=60)
    assert found.sizes["cycle"] == 3
    assert not found["stable"].any()
    for point, row in zip(lorenz_equilibria(), rows(found, lorenz_equilibria()), strict=True):
        expected = np.exp(np.linalg.eigvals(lorenz_jacobian(*point)) * dt)
        for value in expected:
            assert np.abs(found["eigenvalue"].values[row] - value).min() < 1e-6
        assert abs(found["modulus"].values[row] - np.abs(expected).max()) < 1e-6


def test_the_equilibrium_of_van_der_pol_in_scaled_units():
    """Data far from 0, of another scale: the field is given in physical units, the eigenvalues have none."""
    ds = dl.from_arrays(
        100 + 30 * np.random.default_rng(0).normal(size=(1, 50, 2)), dt=0.1, output_names=["x", "v"]
    )
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, field=van_der_pol, key=0)
    found = fixed_points(model, at([1.0, 0.0], names="xv"), interval=0.2)
    np.testing.assert_allclose(found["output"].values[:, 0], [[0, 0]], atol=1e-4)
    mu = np.roots([1, -0.5, 1])
    np.testing.assert_allclose(
        np.sort_complex(found["eigenvalue"].values[0]), np.sort_complex(np.exp(0.2 * mu)), rtol=1e-4
    )


def test_a_control_moves_the_fixed_point_of_a_map_and_of_a_flow():
    relax = lambda t, x, u, s: u - 2 * x  # noqa: E731
    model = dl.models.NeuralODE(dl.models.Signature(("x",), ("u",)), hidden=0, memory=1, field=relax, key=0)
    found = fixed_points(model, at([0.0], controls={"u": 0.0}, dt=0.1), control=3.0)
    np.testing.assert_allclose(found["output"].values.ravel(), [1.5], rtol=1e-6)
    np.testing.assert_allclose(found["eigenvalue"].values.ravel(), [np.exp(-0.2)], rtol=1e-6)
    step = map_of(lambda t, x, u, s: 0.5 * x + u + s, control_names=("u",), static_names=("s",))
    context = at([0.0], controls={"u": 0.0}, static=[[0.25]], static_names=["s"])
    found = fixed_points(step, context, control={"u": 1.0})
    np.testing.assert_allclose(found["output"].values.ravel(), [2.5], rtol=1e-6)


def test_the_fixed_point_of_a_koopman_model_solves_its_linear_system():
    ds = dl.datasets.load(
        "van_der_pol" if "van_der_pol" in dl.datasets.names() else "linear", runs=3, length=60, key=0
    )
    model = dl.models.Koopman.from_data(ds, lifting=dl.models.dictionaries.Polynomial(2), ridge=1e-4)
    u = dict.fromkeys(model.signature.control_names, 0.2)
    found = cycles(model, ds, periods=[1, 2, 3], control=u or None)
    A, B, c = (np.asarray(a, float) for a in (model.A, model.B, model.c))
    scaled = (np.full(len(u), 0.2) - np.asarray(model.scaling.control_mean)) / np.asarray(
        model.scaling.control_scale
    )
    np.testing.assert_allclose(
        found["state"].values[0, 0], np.linalg.solve(np.eye(len(A)) - A, B @ scaled + c), rtol=1e-4, atol=1e-5
    )
    assert found["period"].values.tolist() == [1]
    np.testing.assert_allclose(
        np.abs(found["eigenvalue"][0]), np.abs(model.eigenvalues()), rtol=1e-4, atol=1e-6
    )


def test_the_fixed_point_of_an_autoregression_is_where_it_settles(linear):
    model, one = dl.models.ARX.from_data(linear, delays=1), linear.isel(trajectory=[0])
    found = fixed_points(model, one, control=0.3)
    settled = dl.analysis.bifurcation(model, one, "force", [0.3], steps=1, discard=400)
    np.testing.assert_allclose(found["output"][0], settled["output"][0], rtol=1e-4)
    rate = dl.analysis.lyapunov(model, one, control=0.3, steps=400)["exponent"].values[0, 0]
    np.testing.assert_allclose(np.log(found["modulus"]) / 0.1, rate, rtol=1e-2)


def test_a_state_space_model_is_followed_without_its_noise():
    signature = dl.models.Signature(("y",), interval=1.0)
    model = dl.models.NonlinearStateSpace(
        signature,
        states=2,
        memory=2,
        transition=lambda t, x, u, s: henon(t, x, u, s),
        observation=lambda x, s: 10 * x[:1],
        inference="extended",
        key=0,
    )
    found = fixed_points(
        model, dl.from_arrays([[1.0, 2.0, 1.5]], dt=1.0, output_names=["y"]), starts=60, steps=20
    )
    x = (-0.7 + np.array([1, -1]) * np.sqrt(0.7**2 + 4 * 1.4)) / 2.8
    np.testing.assert_allclose(np.sort(found["output"].values.ravel()), np.sort(10 * x), rtol=1e-5)
    np.testing.assert_allclose(found["eigenvalue"].values.prod(1), [-0.3, -0.3], rtol=1e-5)


def test_around_an_orbit_that_leaves_cycles_are_found_all_the_same():
    """From (3, 3) Henon's map goes to infinity."""
    found = fixed_points(map_of(henon, "xy"), at([3.0, 3.0], names="xy"))
    assert found.sizes["cycle"] == 2


def test_in_float64():
    with jax.enable_x64(True):
        found = cycles(logistic(3.2), at([0.2]), periods=[2])
        assert found["output"].dtype == np.float64
        x = found["output"].values[0, :, 0]
        np.testing.assert_allclose(
            np.sort(x), (4.2 + np.array([-1, 1]) * np.sqrt(4.2 * 0.2)) / 6.4, rtol=1e-12
        )


def test_one_program_serves_every_period(compilations):
    model, context = logistic(3.9), at([0.2])
    cycles(model, context, periods=[1, 5])
    with compilations() as names:
        cycles(model, context, periods=[2, 3, 4, 5])
    assert "newton" not in names


def test_a_longest_step_is_crossed_in_pieces():
    """Over an interval of 1 one step of RK4 with the field -10 x leaves: the model was made for steps of 0.1."""
    signature = dl.models.Signature(("x",), longest_step=0.1)
    decay = lambda t, x, u, s: -10 * x  # noqa: E731
    model = dl.models.NeuralODE(signature, hidden=0, memory=1, field=decay, key=0)
    found = dl.analysis.lyapunov(model, at([1.0]), steps=20, interval=1.0)
    np.testing.assert_allclose(found["exponent"].values, [[-10.0]], rtol=0.02)
    assert jnp.isfinite(jnp.asarray(found["error"].values)).all()
