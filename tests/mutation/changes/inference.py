"""Changes of dynlearn/inference."""

from .._change import Change

CHANGES = [
    Change(
        "a part of a run starts from the prior",
        "dynlearn/inference/_parts.py",
        "start = prior(part) if cut and start is None else start",
        "start = prior(part) if cut else start",
        ("tests/inference/test_parts.py",),
    ),
    Change(
        "a part of a run starts one sample early",
        "dynlearn/inference/_parts.py",
        "np.full(several, k), 1, length - (not cut)",
        "np.full(several, k - (k > 0)), 1, length - (not cut)",
        ("tests/inference/test_parts.py",),
    ),
    Change(
        "the density in scaled units",
        "dynlearn/inference/density.py",
        "return scaled - jnp.where(run.observed, jnp.log(model.scaling.output_scale), 0).sum(-1)",
        "return scaled",
        ("tests/inference/test_values.py::test_verbs_speak_in_physical_units",),
    ),
    Change(
        "the unit of an output counts where it was not measured",
        "dynlearn/inference/density.py",
        "jnp.where(run.observed, jnp.log(model.scaling.output_scale), 0).sum(-1)",
        "jnp.log(model.scaling.output_scale).sum(-1)",
        ("tests/inference/test_values.py::test_verbs_speak_in_physical_units",),
    ),
    Change(
        "outputs without the noise of their measurement",
        "dynlearn/inference/_outputs.py",
        "jnp.concatenate([H @ state.chol, chol_R], axis=-1)",
        "jnp.concatenate([H @ state.chol, 0 * chol_R], axis=-1)",
        ("tests/inference/test_values.py::test_verbs_speak_in_physical_units",),
    ),
    Change(
        "what was measured has the spread of what was not",
        "dynlearn/inference/impute.py",
        "np.where(measured, 0.0, found.scale)",
        "found.scale + 0.0 * measured + 1e-3",
        ("tests/inference/test_values.py::test_verbs_speak_in_physical_units",),
    ),
    Change(
        "draws replace what was measured",
        "dynlearn/inference/impute.py",
        "np.where(measured, original, draws.values)",
        "draws.values + 1e-3",
        ("tests/inference/test_values.py::test_verbs_speak_in_physical_units",),
    ),
    Change(
        "scales of outputs in scaled units",
        "dynlearn/inference/_outputs.py",
        "model.scaling.output_scale * mixed.scale",
        "mixed.scale",
        ("tests/inference/test_values.py::test_verbs_speak_in_physical_units",),
    ),
    Change(
        "a path has the density of its first state at every sample",
        "dynlearn/inference/density.py",
        "jnp.where(first, starts, jnp.where(process.moves, steps, 0))",
        "jnp.where(first, starts, jnp.where(process.moves, starts, 0))",
        (
            "tests/inference/test_values.py::test_the_density_of_a_path_is_that_of_its_start_its_steps_and_its_outputs",
        ),
    ),
]
