"""Outputs and gradients of a module, by PyTorch and by its program, in one order."""

import dataclasses
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import torch

import dynlearn.torch
from dynlearn.programs import Program
from tests.torch.modules import build, inputs

pytree = torch.utils._pytree


@cache
def lowered(name: str) -> Program:
    """In float64."""
    with jax.enable_x64(True):
        return dynlearn.torch.lower(build(name), *inputs(name, 0))


def to_numpy(tree: Any) -> Any:
    return pytree.tree_map(lambda a: a.detach().numpy() if isinstance(a, torch.Tensor) else a, tree)


def in_order(tree: Any) -> list:
    """Leaves in JAX's order, which sorts keys."""
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    if isinstance(tree, tuple | list):
        return [leaf for item in tree for leaf in in_order(item)]
    return [] if tree is None else [tree]


def cotangents(leaves: list) -> list[np.ndarray]:
    """One for each floating leaf."""
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=np.shape(leaf)) for leaf in leaves]
    return [d for d, leaf in zip(drawn, leaves, strict=True) if np.asarray(leaf).dtype.kind == "f"]


def by_torch(module: torch.nn.Module, example: tuple, names: tuple[str, ...]) -> tuple[list, list]:
    """Leaves of the outputs; gradients of their product with the cotangents, inputs first."""
    example = pytree.tree_map(lambda a: a.clone().requires_grad_(a.is_floating_point()), example)
    outputs = module(*example)
    order = in_order(outputs)
    leaves = to_numpy(order)
    floating = [a for a in order if isinstance(a, torch.Tensor) and a.is_floating_point()]
    pairs = [(a, torch.tensor(c).to(a)) for a, c in zip(floating, cotangents(leaves), strict=True)]
    pairs = [(a, c) for a, c in pairs if a.requires_grad]
    targets = [a for a in in_order(example) if a.is_floating_point()]
    targets += [module.get_parameter(name) for name in names]
    if not targets or not pairs:
        return leaves, [np.zeros(a.shape) for a in targets]
    found = torch.autograd.grad([a for a, _ in pairs], targets, [c for _, c in pairs], allow_unused=True)
    return leaves, [
        np.zeros(a.shape) if g is None else g.numpy() for g, a in zip(found, targets, strict=True)
    ]


def by_jax(program: Program, example: tuple, against: list) -> tuple[list, list]:
    """The same of a program."""
    moved, still = eqx.partition((jax.tree.leaves(example), program.weights), eqx.is_inexact_array)
    structure = jax.tree.structure(example)

    def run(moved):
        leaves, weights = eqx.combine(moved, still)
        outputs = dataclasses.replace(program, weights=weights)(*jax.tree.unflatten(structure, leaves))
        outputs = [jnp.asarray(a) for a in jax.tree.leaves(outputs)]
        return [a for a in outputs if jnp.issubdtype(a.dtype, jnp.floating)], outputs

    _, back, outputs = jax.vjp(run, moved, has_aux=True)
    return outputs, jax.tree.leaves(back(against))


compiled = eqx.filter_jit(by_jax)


@eqx.filter_jit
def compiled_batch(program: Program, examples: tuple, against: list) -> tuple[list, list]:
    return jax.vmap(by_jax, (None, 0, None))(program, examples, against)


def agree(found: list, expected: list, tolerance: float, what: str) -> None:
    assert len(found) == len(expected)
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        if b.dtype.kind == "f":
            assert a.dtype.kind == "f"
            finite = np.abs(b[np.isfinite(b)])
            size = max(1.0, finite.max(initial=0.0))
            np.testing.assert_allclose(a, b, 0, tolerance * size, err_msg=f"{what} {i}")
        else:
            assert a.dtype.kind == b.dtype.kind
            np.testing.assert_array_equal(a, b, err_msg=f"{what} {i}")
