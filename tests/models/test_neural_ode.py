"""NeuralODE: its step is the solution of its field, wherever in time."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

import dynlearn as dl
from dynlearn.solvers import Adaptive, FixedStep
from dynlearn.trajectories.window import cut


@pytest.mark.first(2)
@pytest.mark.parametrize("hold", ["zero", "linear"])
@pytest.mark.parametrize(
    "solver", [FixedStep("rk4", 8), Adaptive("tsit5", rtol=1e-8, atol=1e-10)], ids=["fixed", "adaptive"]
)
def test_a_step_is_the_solution_of_the_field(solver, hold, make_linear):
    with jax.enable_x64(True):
        ds = make_linear(hold=hold)
        model = dl.models.NeuralODE.from_data(ds, hidden=1, memory=3, width=8, solver=solver, key=3)
        field = eqx.filter_jit(model.vector_field)
        state = model.infer(cut(ds.dyn.to_device(), 0, jnp.asarray(2), 3, 0))
        ends = np.array([[0.5], [-1.0]])
        given = jnp.asarray(ends if hold == "linear" else ends[0])
        found = eqx.filter_jit(model.step)(state, given, jnp.asarray(0.2), jnp.asarray(0.4)).x

        def rhs(t, x):
            u = ends[0] + (t - 0.2) / 0.4 * (ends[1] - ends[0]) if hold == "linear" else ends[0]
            return np.asarray(field(t, jnp.asarray(x), model.scaling.control(jnp.asarray(u)), jnp.zeros(0)))

        solved = scipy.integrate.solve_ivp(
            rhs, (0.2, 0.6), np.asarray(state.x), "DOP853", rtol=1e-9, atol=1e-11
        )
    np.testing.assert_allclose(found, solved.y[:, -1], rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("solver", [FixedStep("rk4", 1), Adaptive()], ids=["fixed", "adaptive"])
def test_a_forecast_does_not_depend_on_when_the_clock_started(solver, make_linear):
    """Controls between samples are interpolated by the time in the interval, which float32 cannot tell from
    instants near 1e6."""
    ds = make_linear(hold="linear")
    model = dl.models.NeuralODE.from_data(ds, hidden=1, memory=3, width=8, solver=solver)
    model = dl.fitting.calibrate(model, ds)
    late = ds.assign_coords(t=ds["t"] + 1e6)
    late["t"].attrs = ds["t"].attrs
    near, far = (dl.simulate(model, d, warmup=5)["output"].values for d in (ds, late))
    np.testing.assert_allclose(far, near, rtol=1e-3, atol=1e-3)
