"""What would give a number that means nothing is refused, in words."""

import gymnasium
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, FitError
from dynlearn.fitting import Gradient, LeastSquares
from dynlearn.models import ARX, Koopman, NeuralMap, NeuralODE
from dynlearn.parts.liftings.fourier import Fourier


@pytest.fixture(scope="module")
def linear():
    return dl.datasets.load("linear", runs=4, length=40, measurement_noise=0.02, key=0)


def fit(*arguments, **options):
    return dl.fit(*arguments, progress=False, **options)


def test_a_model_that_was_not_fitted_does_not_forecast(linear):
    with pytest.raises(ArgumentError, match=r"this ARX has not been fitted.*dl\.fit"):
        dl.simulate(ARX.from_data(linear), linear)


def test_an_offset_that_float32_cannot_resolve(linear):
    far = linear.assign(output=linear["output"] + 1e8)
    with pytest.raises(ArgumentError, match=r"it varies by .* around 1e\+08.*subtract an offset"):
        fit(ARX.from_data(far), far)


def test_more_coefficients_than_data(linear):
    few = linear.isel(time=slice(0, 10))
    model = Koopman.from_data(few, lifting=Fourier(count=100))
    with pytest.raises(FitError, match=r"36 complete transitions do not determine 10\d coefficients.*ridge"):
        fit(model, few)
    assert fit(model, few, method=LeastSquares(ridge=1e-3)).reason.name == "SOLVED"


def test_a_validation_set_too_small_to_calibrate_on(linear):
    with pytest.raises(
        FitError, match=r"calibration: output 'position_1' was measured 3 times, this model needs 10"
    ):
        fit(ARX.from_data(linear, delays=0), linear, linear.isel(trajectory=[0], time=slice(0, 3)))


@pytest.mark.parametrize(
    ("horizon", "words"),
    [(4, r"off by \d\.\d+e\+2\d standard deviations within 4"), (9, "not finite within 9")],
)
def test_forecasts_too_far_off_for_an_error_law(horizon, words, linear):
    model = NeuralMap.from_data(linear, map=lambda t, x, u, s: 1e6 * x, hidden=0, memory=1, width=4)
    with pytest.raises(
        FitError, match=rf"forecasts of NeuralMap are {words} steps; the fitted dynamics are unst"
    ):
        fit(model, linear, method="calibration", calibration_horizon=horizon)


def test_an_objective_of_another_shape(linear):
    model, method = NeuralODE.from_data(linear, hidden=0, memory=1, width=4), Gradient(steps=1)
    with pytest.raises(ArgumentError, match=r"objective: expected a function \(model, batch, key\)"):
        fit(model, linear, method=method, objective=lambda model, batch, key: batch.output.sum())
    with pytest.raises(
        ArgumentError, match=r"objective: expected .*a scalar loss and a dict, got \(0\.0, \{\}\)"
    ):
        fit(model, linear, method=method, objective=lambda model, batch, key: (0.0, {}))
    with pytest.raises(ArgumentError, match="calling it failed"):
        fit(model, linear, method=method, objective=lambda model, batch: (0.0, {}))


def test_options_a_family_does_not_have(linear):
    with pytest.raises(ArgumentError, match="unknown option 'widht'; did you mean 'width'"):
        NeuralODE.from_data(linear, widht=3)


def test_one_sample_per_run(linear):
    with pytest.raises(ValueError, match="at least 2 samples"):
        ARX.from_data(linear.isel(time=slice(0, 1)))


COST = dl.control.Quadratic([0.0, 0.0], [1.0, 1.0], [0.1])


class Cart(gymnasium.Env):
    dt = 0.1
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.x = np.array([1.0, 0.0])
        return self.x.copy(), {}

    def step(self, action):
        self.x = self.x + self.dt * np.array([self.x[1], float(action[0])])
        return self.x.copy(), -float(self.x @ self.x), False, False, {}


@pytest.fixture(scope="module")
def cart():
    data = dl.from_gymnasium(Cart(), episodes=3, max_steps=30, seed=0)
    return data, ARX.from_data(data, delays=0)


def test_an_environment_of_another_step(cart):
    model = NeuralODE.from_data(cart[0], hidden=0, memory=1, width=4)
    mpc = dl.control.MPC(model, COST, 5, bounds=(-1, 1), interval=0.5)
    with pytest.raises(ArgumentError, match=r"plans with 0\.5, .*the environment says 0\.1"):
        dl.control.run(Cart(), mpc, episodes=1, max_steps=3, progress=False)
    with pytest.raises(ArgumentError, match=r"got the class Cart; make one"):
        dl.control.run(Cart, mpc, episodes=1, max_steps=3, progress=False)


def test_an_episode_without_a_single_plan(cart):
    impossible = dl.control.Constraint(lambda outputs, control, time: 1.0 + 0 * outputs[0], kind="hard")
    mpc = dl.control.MPC(cart[1], COST, 5, bounds=(-1, 1), constraints=(impossible,))
    runs = dl.control.run(Cart(), mpc, episodes=2, seed=4, max_steps=3, progress=False)
    assert np.isfinite(runs.output.values).all()  # nothing of it is thrown away
    for seed in (4, 5):
        said = f"In the episode of seed {seed} none of 3 plans was found ({{'infeasible': 3}}). No candidate keeps"
        assert said in runs.attrs["unplanned"]


def test_a_closed_loop_is_fitted_again(cart):
    data, model = cart
    mpc = dl.control.MPC(model, COST, 5, bounds=(-1, 1))
    runs = dl.control.run(Cart(), mpc, episodes=1, max_steps=20, progress=False)
    both = dl.concatenate([data, runs], prefixes=["random-", "mpc-"])
    assert fit(ARX.from_data(both, delays=0), both).reason.name == "SOLVED"


@pytest.mark.slow
def test_a_long_interval_is_crossed_in_steps_the_model_was_fitted_to():
    ds = dl.datasets.load("pendulum", runs=3, length=40, key=0)
    model = NeuralODE.from_data(ds, hidden=0, memory=1, width=8, key=0)
    model = dl.fitting.calibrate(model, ds)
    context = ds.isel(time=slice(0, 20))
    end = float(context["t"].max())
    u = np.zeros((1, len(ds.dyn.controls)))
    context["control"][:] = 0.0
    dt = ds.dyn.sampling().interval
    dense = dl.forecast(
        model, context, times=end + dt * np.arange(1, 33), controls=np.repeat(u, 32, 0), samples=1
    )
    once = dl.forecast(model, context, times=[end + 32 * dt], controls=u, samples=1)
    np.testing.assert_allclose(once["output_mean"][:, -1], dense["output_mean"][:, -1], rtol=1e-4, atol=1e-4)
    with pytest.raises(ArgumentError, match=r"takes over 4096 steps"):
        dl.forecast(model, context, times=[1e9], controls=u, samples=1)
