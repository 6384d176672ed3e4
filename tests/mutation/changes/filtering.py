"""Changes of dynlearn/filtering."""

from .._change import Change

CHANGES = [
    Change(
        "the amortised density without -log S",
        "dynlearn/filtering/methods/amortised.py",
        " - jnp.log(self.samples)",
        "",
        ("tests/inference/test_values.py::test_amortised_is_exact_where_the_encoder_is_the_posterior",),
    ),
    Change(
        "the amortised density without that of its draws",
        "dynlearn/filtering/methods/amortised.py",
        "jnp.where(measured, each, 0).sum(-1) - q, 0)",
        "jnp.where(measured, each, 0).sum(-1), 0)",
        ("tests/inference/test_values.py::test_amortised_is_exact_where_the_encoder_is_the_posterior",),
    ),
    Change(
        "the noise of the ensemble filter is summed over members",
        "dynlearn/filtering/methods/ensemble.py",
        ".reshape(found.shape[1], -1) / jnp.sqrt(self.size)",
        ".reshape(found.shape[1], -1)",
        ("tests/inference/test_values.py::test_a_method_says_what_the_joint_gaussian_says[ensemble]",),
    ),
    Change(
        "predictive weights of particles with the wrong sign",
        "dynlearn/filtering/methods/particle.py",
        "log_weight - log_p, -jnp.inf",
        "log_weight + log_p, -jnp.inf",
        ("tests/inference/test_values.py::test_a_method_says_what_the_joint_gaussian_says[particle]",),
    ),
    Change(
        "an unscented residual without its offset",
        "dynlearn/filtering/methods/_linearise.py",
        "e = (f - c - x @ F.T)",
        "e = (f - x @ F.T)",
        ("tests/inference/test_values.py::test_a_method_says_what_the_joint_gaussian_says[unscented]",),
    ),
    Change(
        "the density of a measurement without its volume",
        "dynlearn/filtering/kalman/_forward.py",
        "jnp.log(scale) - 0.5 * jnp.log(2 * jnp.pi)",
        "-0.5 * jnp.log(2 * jnp.pi)",
        ("tests/inference/test_values.py::test_a_method_says_what_the_joint_gaussian_says[exact]",),
    ),
]
