"""Changes of dynlearn/programs."""

from .._change import Change

CHANGES = [
    Change(
        "a variance is divided by the count",
        "dynlearn/programs/operations/reductions.py",
        "(1 if correction is None else correction)\n    return kept",
        "(0 if correction is None else correction)\n    return kept",
        ("tests/torch/test_lowering.py::test_values_and_gradients_in_float64",),
    ),
    Change(
        "an ELU of negative numbers is not scaled",
        "dynlearn/programs/operations/activations.py",
        "scale * alpha * jnp.expm1(left)",
        "alpha * jnp.expm1(left)",
        ("tests/torch/test_lowering.py::test_values_and_gradients_in_float64",),
    ),
]
