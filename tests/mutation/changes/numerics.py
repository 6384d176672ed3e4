"""Changes of dynlearn/numerics."""

from .._change import Change

CHANGES = [
    Change(
        "one key for all runs",
        "dynlearn/numerics/keys.py",
        "jax.vmap(lambda w: jax.random.fold_in(jax.random.fold_in(key, w[0]), w[1]))",
        "jax.vmap(lambda w: jax.random.fold_in(key, 0 * w[0]))",
        ("tests/forecasting/test_draws.py",),
    ),
    Change(
        "Student's t with the variance of its width",
        "dynlearn/numerics/distributions/student_t.py",
        "return self.width * jnp.sqrt(self.freedom / (self.freedom - 2))",
        "return self.width",
        ("tests/numerics/test_laws.py",),
    ),
    Change(
        "a negative binomial of the complementary probability",
        "dynlearn/numerics/distributions/counts.py",
        "self.size / (self.size + self.mean)",
        "self.mean / (self.size + self.mean)",
        ("tests/numerics/test_laws.py",),
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
        "Simpson's rule with equal weights",
        "dynlearn/numerics/linear/flow.py",
        "2 * second @ G, G",
        "second @ G, G",
        ("tests/models/test_continuous_discrete.py::test_the_noise_of_a_flow_is_of_order_four",),
    ),
    Change(
        "the ramp of a linear hold is as strong as a step",
        "dynlearn/numerics/linear/discretisation.py",
        "slope * E[:n, n + m :]",
        "E[:n, n : n + m]",
        ("tests/numerics/test_discretisation.py::test_every_block_is_its_integral",),
    ),
    Change(
        "the newest programs go first",
        "dynlearn/numerics/compilation_cache.py",
        "in sorted(found):",
        "in sorted(found, reverse=True):",
        ("tests/numerics/test_compilation_cache.py::test_the_oldest_programs_go_first",),
    ),
]
