"""Changes of dynlearn/contract."""

from .._change import Change

CHANGES = [
    Change(
        "the model error starts at once",
        "dynlearn/contract/error_growth.py",
        "jnp.where(positive, -(self.spread**2) * jnp.expm1(-power), 0.0)",
        "self.spread**2 + 0 * power",
        (
            "tests/contract/test_error_growth.py::test_fit_recovers_the_law",
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "a drawn error forgets the one before",
        "dynlearn/contract/error_growth.py",
        "rho = jnp.exp(-interval / self.correlation_time)",
        "rho = 0 * jnp.exp(-interval / self.correlation_time)",
        (
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "a path is measured with the noise that moves it",
        "dynlearn/contract/error_growth.py",
        "return grown + self.sigma * drawn[:, 1]",
        "return grown + self.sigma * drawn[:, 0]",
        (
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "sigma and spread are added as deviations",
        "dynlearn/contract/error_growth.py",
        "jnp.sqrt(self.sigma**2 + v * error.variance)",
        "self.sigma + jnp.sqrt(v * error.variance)",
        (
            "tests/forecasting/test_draws.py::test_paths_of_a_deterministic_model_have_the_covariance_of_its_error_law",
        ),
    ),
    Change(
        "a scaled output keeps its mean",
        "dynlearn/contract/scaling.py",
        "return (y - self.output_mean) / self.output_scale",
        "return y / self.output_scale",
        ("tests/models/test_units.py",),
    ),
    Change(
        "statics are not scaled",
        "dynlearn/contract/scaling.py",
        "return (s - self.static_mean) / self.static_scale",
        "return s",
        ("tests/models/test_units.py",),
    ),
    Change(
        "the time scale is a rate",
        "dynlearn/contract/scaling.py",
        "ratios.append(spread / speed)",
        "ratios.append(speed / spread)",
        ("tests/models/test_units.py",),
    ),
    Change(
        "an interval in pieces is crossed at one instant",
        "dynlearn/contract/rollout.py",
        "model.step(state, u, time + j * dt, dt, key=k), None",
        "model.step(state, u, time, dt, key=k), None",
        ("tests/models/test_units.py",),
    ),
    Change(
        "data replace the state whatever their strength",
        "dynlearn/contract/forcing.py",
        "return z, z + pull * (target - z)",
        "return z, jnp.where(pull > 0, target, z)",
        ("tests/models/test_recurrent.py::test_data_take_the_place_of_the_state_by_the_strength",),
    ),
]
