"""Changes of dynlearn/models."""

from .._change import Change

HAND = "tests/forecasting/test_by_hand.py"
UNITS = "tests/models/test_units.py"

CHANGES = [
    Change(
        "context tiling is off by one",
        "dynlearn/models/tiling.py",
        "jnp.roll(filled, 1, axis=0)",
        "filled",
        ("tests/evaluation/test_closed_forms.py::test_errors_of_the_floors",),
    ),
    Change(
        "the model error starts at once",
        "dynlearn/models/_error_growth.py",
        "jnp.where(positive, -(self.spread**2) * jnp.expm1(-power), 0.0)",
        "self.spread**2 + 0 * power",
        (
            "tests/models/test_error_growth.py::test_fit_recovers_the_law",
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "a drawn error forgets the one before",
        "dynlearn/models/_error_growth.py",
        "rho = jnp.exp(-interval / self.memory)",
        "rho = 0 * jnp.exp(-interval / self.memory)",
        (
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "sigma and spread are added as deviations",
        "dynlearn/models/_error_growth.py",
        "jnp.sqrt(self.sigma**2 + v * error.variance)",
        "self.sigma + jnp.sqrt(v * error.variance)",
        (
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "an ARX step uses the control held before",
        "dynlearn/models/arx.py",
        "v = _delays.shift(state.v, self.advance(state.v, u), u, self.delays)",
        "v = _delays.shift(state.v, self.advance(state.v, 0 * u), u, self.delays)",
        (HAND,),
    ),
    Change(
        "Akaike's penalty is halved",
        "dynlearn/models/arx.py",
        "+ 2 * (k + 1) / n",
        "+ (k + 1) / n",
        ("tests/models/test_regression.py::test_akaikes_criterion_is_that_of_the_textbook",),
    ),
    Change(
        "delays in the wrong order",
        "dynlearn/models/_delays.py",
        "jnp.concatenate([y, ys[: p * delays], u, us[: m * (delays - 1)]])",
        "jnp.concatenate([y, ys[: p * delays], us[: m * (delays - 1)], u])",
        ("tests/models/test_regression.py::test_a_delay_vector_holds_the_newest_first",),
    ),
    Change(
        "transitions across a gap are regressed",
        "dynlearn/models/_delays.py",
        "known[:-1] & known[1:] & run.valid[:-1] & run.valid[1:]",
        "known[:-1] & run.valid[:-1] & run.valid[1:]",
        ("tests/models/test_regression.py::test_edmd_with_control_recovers_the_spectrum",),
    ),
    Change(
        "the ridge is not per sample",
        "dynlearn/models/_regression.py",
        "s**2 + self.samples * ridge",
        "s**2 + ridge",
        ("tests/models/test_regression.py::test_a_ridge_is_a_penalty_per_sample_that_spares_the_offset",),
    ),
    Change(
        "the ridge shrinks the offset",
        "dynlearn/models/_regression.py",
        "self.y_mean - self.x_mean @ weights",
        "-self.x_mean @ weights",
        ("tests/models/test_regression.py::test_a_ridge_is_a_penalty_per_sample_that_spares_the_offset",),
    ),
    Change(
        "Koopman forgets the offset",
        "dynlearn/models/koopman.py",
        "return self.A @ z + self.B @ u + self.c",
        "return self.A @ z + self.B @ u",
        ("tests/models/test_regression.py::test_a_koopman_step_is_affine_in_scaled_lifted_coordinates",),
    ),
    Change(
        "a scaled output keeps its mean",
        "dynlearn/models/_scaling.py",
        "return (y - self.output_mean) / self.output_scale",
        "return y / self.output_scale",
        (UNITS,),
    ),
    Change(
        "statics are not scaled",
        "dynlearn/models/_scaling.py",
        "return (s - self.static_mean) / self.static_scale",
        "return s",
        (UNITS,),
    ),
    Change(
        "the time scale is a rate",
        "dynlearn/models/_scaling.py",
        "ratios.append(spread / speed)",
        "ratios.append(speed / spread)",
        (UNITS,),
    ),
    Change(
        "a field of the user's own is not divided by the scale",
        "dynlearn/models/_fields.py",
        "return self.function(time, mean + scale * x, *physical) / scale",
        "return self.function(time, mean + scale * x, *physical)",
        (UNITS,),
    ),
    Change(
        "a constant diffusion per time, not per root of time",
        "dynlearn/models/_fields.py",
        "return jax.nn.softplus(self.raw) / jnp.sqrt(scaling.time_scale)",
        "return jax.nn.softplus(self.raw) / scaling.time_scale",
        (UNITS,),
    ),
    Change(
        "a learned field per second, whatever the time scale",
        "dynlearn/models/_fields.py",
        "return self.network(jnp.concatenate([x, u, s])) / scaling.time_scale",
        "return self.network(jnp.concatenate([x, u, s]))",
        (UNITS,),
    ),
    Change(
        "a linear hold ends where it began",
        "dynlearn/models/_rollout.py",
        "jnp.stack([control[:-1], control[1:]], axis=1)",
        "jnp.stack([control[:-1], control[:-1]], axis=1)",
        (f"{UNITS}::test_a_rollout_hands_each_step_its_instant_interval_and_controls",),
    ),
    Change(
        "an interval in pieces is crossed at one instant",
        "dynlearn/models/_rollout.py",
        "model.step(state, u, time + j * dt, dt, key=k), None",
        "model.step(state, u, time, dt, key=k), None",
        (UNITS,),
    ),
    Change(
        "a trend's slope is not added to its level",
        "dynlearn/models/structural/level.py",
        "A = jnp.array([[1.0, 1.0], [0.0, 1.0]])",
        "A = jnp.array([[1.0, 0.5], [0.0, 1.0]])",
        ("tests/models/test_structural.py",),
    ),
]
