"""The border to JAX's transformations: verbs on datasets are no part of a traced program."""

from typing import Any

import jax

from dynlearn.errors import ArgumentError


def check_concrete(verb: str, instead: str, *trees: Any) -> None:
    """Raise where an array of `trees` is traced, as under `jax.jit`, `grad` or `vmap`; `instead` says what can be."""
    leaves = (leaf for tree in trees for leaf in jax.tree.leaves(tree))
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        raise ArgumentError(
            f"{verb}: expected arrays, got traced ones (jax.jit, jax.grad or jax.vmap around it): it checks a dataset "
            f"and builds one, which cannot be traced. Inside such a function call {instead}."
        )


FOLLOW = "dl.models.rollout(model, model.infer(window), controls, times, intervals), window from ds.dyn.to_device()"
SCORE = "dl.inference.log_density(model, run), with one run of ds.dyn.to_device()"
