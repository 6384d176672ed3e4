"""Changes of dynlearn/parts."""

from .._change import Change

CHANGES = [
    Change(
        "delays in the wrong order",
        "dynlearn/parts/liftings/embedding.py",
        "jnp.concatenate([y, ys[: p * delays], u, us[: m * (delays - 1)]])",
        "jnp.concatenate([y, ys[: p * delays], us[: m * (delays - 1)], u])",
        ("tests/models/test_regression.py::test_a_delay_vector_holds_the_newest_first",),
    ),
    Change(
        "transitions across a gap are regressed",
        "dynlearn/parts/liftings/embedding.py",
        "np.nonzero((index - last_gap >= delays + 2) & measured)",
        "np.nonzero((index >= delays + 1) & measured)",
        ("tests/models/test_regression.py::test_edmd_with_control_recovers_the_spectrum",),
    ),
    Change(
        "a field of the user's own is not divided by the scale",
        "dynlearn/parts/fields/given.py",
        "return self.function(time, mean + scale * x, *physical) / scale",
        "return self.function(time, mean + scale * x, *physical)",
        ("tests/models/test_units.py",),
    ),
    Change(
        "a constant diffusion per time, not per root of time",
        "dynlearn/parts/fields/learned.py",
        "return jax.nn.softplus(self.raw) / jnp.sqrt(scaling.time_scale)",
        "return jax.nn.softplus(self.raw) / scaling.time_scale",
        ("tests/models/test_units.py",),
    ),
    Change(
        "a learned field per second, whatever the time scale",
        "dynlearn/parts/fields/learned.py",
        "return self.network(jnp.concatenate([x, u, s])) / scaling.time_scale",
        "return self.network(jnp.concatenate([x, u, s]))",
        ("tests/models/test_units.py",),
    ),
]
