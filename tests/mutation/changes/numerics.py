"""Changes of dynlearn/numerics."""

from .._change import Change

VALUES = "tests/inference/test_values.py"
METHOD = f"{VALUES}::test_a_method_says_what_the_joint_gaussian_says"
LAWS = "tests/numerics/test_laws.py"

CHANGES = [
    Change(
        "one key for all runs",
        "dynlearn/numerics/keys.py",
        "jax.vmap(lambda w: jax.random.fold_in(jax.random.fold_in(key, w[0]), w[1]))",
        "jax.vmap(lambda w: jax.random.fold_in(key, 0 * w[0]))",
        ("tests/forecasting/test_draws.py",),
    ),
    Change(
        "the amortised density without -log S",
        "dynlearn/numerics/filtering/amortised.py",
        " - jnp.log(self.samples)",
        "",
        (f"{VALUES}::test_amortised_is_exact_where_the_encoder_is_the_posterior",),
    ),
    Change(
        "the amortised density without that of its draws",
        "dynlearn/numerics/filtering/amortised.py",
        "jnp.where(measured, each, 0).sum(-1) - q, 0)",
        "jnp.where(measured, each, 0).sum(-1), 0)",
        (f"{VALUES}::test_amortised_is_exact_where_the_encoder_is_the_posterior",),
    ),
    Change(
        "the noise of the ensemble filter is summed over members",
        "dynlearn/numerics/filtering/ensemble.py",
        ".reshape(found.shape[1], -1) / jnp.sqrt(self.size)",
        ".reshape(found.shape[1], -1)",
        (f"{METHOD}[ensemble]",),
    ),
    Change(
        "predictive weights of particles with the wrong sign",
        "dynlearn/numerics/filtering/particle.py",
        "log_weight - log_p, -jnp.inf",
        "log_weight + log_p, -jnp.inf",
        (f"{METHOD}[particle]",),
    ),
    Change(
        "an unscented residual without its offset",
        "dynlearn/numerics/filtering/_linearise.py",
        "e = (f - c - x @ F.T)",
        "e = (f - x @ F.T)",
        (f"{METHOD}[unscented]",),
    ),
    Change(
        "half the penalty of BIC",
        "dynlearn/numerics/_subspace_order.py",
        "deviance + d * np.log(N) + n * count * np.log(N / count)",
        "deviance + (d * np.log(N) + n * count * np.log(N / count)) / 2",
        ("tests/fitting/test_steps_by_hand.py::test_the_penalties_of_an_order_are_those_of_its_parameters",),
    ),
    Change(
        "AIC without the initial states",
        "dynlearn/numerics/_subspace_order.py",
        "deviance + 2 * (d + n * count)",
        "deviance + 2 * d",
        ("tests/fitting/test_steps_by_hand.py::test_the_penalties_of_an_order_are_those_of_its_parameters",),
    ),
    Change(
        "Student's t with the variance of its width",
        "dynlearn/numerics/distributions/student_t.py",
        "return self.width * jnp.sqrt(self.freedom / (self.freedom - 2))",
        "return self.width",
        (LAWS,),
    ),
    Change(
        "a negative binomial of the complementary probability",
        "dynlearn/numerics/distributions/counts.py",
        "self.size / (self.size + self.mean)",
        "self.mean / (self.size + self.mean)",
        (LAWS,),
    ),
    Change(
        "the variance of a mixture forgets that its means differ",
        "dynlearn/numerics/distributions/mixture.py",
        "length(jnp.concatenate([weight * self.components.scale, weight * apart], axis=-2), axis=-2)",
        "length(weight * self.components.scale, axis=-2)",
        ("tests/numerics/test_distributions.py",),
    ),
    Change(
        "a mixture draws every component alike",
        "dynlearn/numerics/distributions/mixture.py",
        "jax.random.categorical(pick, jnp.log(self.weight), shape=batch)",
        "jax.random.categorical(pick, 0 * jnp.log(self.weight), shape=batch)",
        ("tests/numerics/test_distributions.py",),
    ),
    Change(
        "a window past the end of its run",
        "dynlearn/numerics/window.py",
        "inside = (index >= 0) & (index < one.length)",
        "inside = index < one.length",
        ("tests/numerics/test_window.py",),
    ),
    Change(
        "lags count the interval after each sample twice",
        "dynlearn/numerics/window.py",
        "summed = jnp.cumsum(steps[..., ::-1], axis=-1)[..., ::-1]",
        "summed = jnp.cumsum(steps, axis=-1)",
        ("tests/numerics/test_window.py",),
    ),
    Change(
        "the density of a measurement without its volume",
        "dynlearn/numerics/kalman_forward.py",
        "jnp.log(scale) - 0.5 * jnp.log(2 * jnp.pi)",
        "-0.5 * jnp.log(2 * jnp.pi)",
        (f"{METHOD}[exact]",),
    ),
    Change(
        "Simpson's rule with equal weights",
        "dynlearn/numerics/flow.py",
        "2 * second @ G, G",
        "second @ G, G",
        ("tests/models/test_continuous_discrete.py::test_the_noise_of_a_flow_is_of_order_four",),
    ),
    Change(
        "the ramp of a linear hold is as strong as a step",
        "dynlearn/numerics/discretisation.py",
        "slope * E[:n, n + m :]",
        "E[:n, n : n + m]",
        (
            "tests/inference/test_exact.py::test_smoothing_imputation_and_likelihood_are_those_of_the_joint_gaussian",
        ),
    ),
]
