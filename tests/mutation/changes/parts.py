"""Changes of dynlearn/parts."""

from .._change import Change

CHANGES = [
    Change(
        "what stands before a run is told in the old units",
        "dynlearn/parts/encoders/encoder.py",
        "Constant(change.control.backward(before))",
        "Constant(before)",
        ("tests/contract/test_rescaling.py::test_in_other_units_it_says_the_same",),
    ),
    Change(
        "the shift of the inputs is left out",
        "dynlearn/parts/networks/rescaled.py",
        "bias + weight @ inputs.offset",
        "bias",
        ("tests/contract/test_rescaling.py::test_the_layers_of_a_network_take_in_units",),
    ),
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
        "np.flatnonzero(in_a_row(measured) >= delays + 2)",
        "np.flatnonzero(measured & (np.arange(measured.shape[1]) > delays))",
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
    Change(
        "the wrong units are rectified",
        "dynlearn/parts/cells/almost_linear.py",
        "bent=jnp.arange(size) >= size - bent",
        "bent=jnp.arange(size) < bent",
        ("tests/models/test_recurrent.py::test_almost_linear_is_its_equation",),
    ),
    Change(
        "the clipped form adds what it takes away",
        "dynlearn/parts/cells/shallow.py",
        "V = jnp.concatenate([V, -V], axis=1)",
        "V = jnp.concatenate([V, V], axis=1)",
        ("tests/models/test_recurrent.py::test_the_common_form_is_the_same_map",),
    ),
    Change(
        "a local regression leaves its slope out",
        "dynlearn/parts/analogues/local_regression.py",
        'm + jnp.einsum("wij,wj->wi", X, back)',
        "m + 0 * back",
        ("tests/models/test_zero_shot.py::test_the_regression_is_weighted_least_squares",),
    ),
    Change(
        "a gap does not hide what follows it",
        "dynlearn/parts/analogues/local_regression.py",
        "known & jnp.roll(known, 1) & jnp.roll(known, -1)",
        "known & jnp.roll(known, 1)",
        ("tests/models/test_zero_shot.py::test_the_regression_is_weighted_least_squares",),
    ),
]
