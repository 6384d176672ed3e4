"""Changes of dynlearn/models."""

from .._change import Change

CHANGES = [
    Change(
        "context tiling is off by one",
        "dynlearn/models/baselines/tiling.py",
        "jnp.roll(filled, 1, axis=0)",
        "filled",
        ("tests/evaluation/test_closed_forms.py::test_errors_of_the_floors",),
    ),
    Change(
        "an ARX step uses the control held before",
        "dynlearn/models/regression/arx.py",
        "return ARXState(self._moved(state.v, u), self.noise",
        "return ARXState(self._moved(state.v, 0 * u), self.noise",
        ("tests/forecasting/test_by_hand.py",),
    ),
    Change(
        "Akaike's penalty is halved",
        "dynlearn/models/regression/arx.py",
        "+ 2 * (k + 1) / n",
        "+ (k + 1) / n",
        ("tests/models/test_regression.py::test_akaikes_criterion_is_that_of_the_textbook",),
    ),
    Change(
        "Koopman forgets the offset",
        "dynlearn/models/koopman/koopman.py",
        "return self.A @ z + self.B @ u + self.c",
        "return self.A @ z + self.B @ u",
        ("tests/models/test_regression.py::test_a_koopman_step_is_affine_in_scaled_lifted_coordinates",),
    ),
    Change(
        "a trend's slope is not added to its level",
        "dynlearn/models/linear/structural/level.py",
        "A = jnp.array([[1.0, 1.0], [0.0, 1.0]])",
        "A = jnp.array([[1.0, 0.5], [0.0, 1.0]])",
        ("tests/models/test_structural.py",),
    ),
    Change(
        "a block of the patch transformer begins where the last one did",
        "dynlearn/models/zero_shot/patch_transformer.py",
        "jnp.concatenate([state.past[self.ahead :], state.ahead])",
        "jnp.concatenate([state.past[: -self.ahead], state.ahead])",
        ("tests/models/test_zero_shot.py",),
    ),
    Change(
        "a path of blocks is a sample late",
        "dynlearn/models/zero_shot/patch_transformer.py",
        "place = state.place + jnp.arange(steps)",
        "place = state.place + jnp.maximum(jnp.arange(steps) - 1, 0)",
        ("tests/models/test_zero_shot.py::test_a_path_of_blocks_is_what_steps_give",),
    ),
    Change(
        "what was not seen stands in the transformer's context",
        "dynlearn/models/zero_shot/patch_transformer.py",
        "y, _ = held_values(value, past.observed)",
        "y, _ = held_values(self.scaling.output(past.output), past.valid[:, None] | past.observed)",
        ("tests/models/test_zero_shot.py::test_what_was_not_measured_is_not_read",),
    ),
    Change(
        "noise along the way grows with the interval",
        "dynlearn/models/wrappers/perturbed.py",
        "self.spread.process * jnp.sqrt(interval)",
        "self.spread.process * interval",
        ("tests/models/test_perturbed.py",),
    ),
    Change(
        "a perturbed model starts at the mean",
        "dynlearn/models/wrappers/perturbed.py",
        "self._moved(self.model.infer(past), self.spread.initial, key)",
        "self.model.infer(past)",
        ("tests/models/test_perturbed.py",),
    ),
]
