"""Products of float32 matrices keep float32, whatever the device's default."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.numerics.precision import compiled

PACKAGE = Path(dl.__file__).parent


def product(a, b):
    return jnp.tanh(a @ b)


def precisions(function, *arrays):
    """What every product of matrices in the program of `function` asks for."""
    return re.findall(r"precision=([^\n]*)", str(jax.make_jaxpr(function)(*arrays)))


def test_a_compiled_program_asks_for_whole_products_and_so_does_its_gradient():
    A = jnp.ones((3, 3))
    slope = jax.grad(lambda a, b: compiled(product)(a, b).sum())
    assert precisions(product, A, A) == [], "JAX says nothing, and a GPU rounds"
    for function, count in ((compiled(product), 1), (slope, 2)):
        found = precisions(function, A, A)
        assert len(found) >= count
        assert all("HIGHEST" in one for one in found), found


def test_a_setting_of_the_users_own_is_kept():
    A = jnp.ones((3, 3))
    with jax.default_matmul_precision("tensorfloat32"):
        found = precisions(compiled(product), A, A)
    assert found
    assert not any("HIGHEST" in one for one in found)


@pytest.mark.parametrize(
    ("solver", "adjoint"),
    [
        ("rk4", "direct"),
        ("rk4", "continuous"),
        ("tsit5", "checkpointed"),
        ("kvaerno5", "checkpointed"),
        ("euler_maruyama", ""),
    ],
)
def test_a_field_and_its_gradient_take_whole_products_inside_somebody_elses_program_too(solver, adjoint):
    W, times = jnp.eye(2), jnp.linspace(0, 1, 3)
    drift = lambda t, x, u, p: p @ x  # noqa: E731

    def end(W):
        if solver == "euler_maruyama":
            diffusion = lambda t, x, u, p: 0.1 * jnp.ones(2)  # noqa: E731
            return dl.solvers.solve_sde(drift, diffusion, jnp.ones(2), times, key=0, parameters=W).last.sum()
        kind = dl.solvers.FixedStep if solver == "rk4" else dl.solvers.Adaptive
        solved = dl.solvers.solve_ode(
            drift, jnp.ones(2), times, parameters=W, solver=kind(solver), adjoint=adjoint
        )
        return solved.last.sum()

    for function in (end, jax.grad(end)):
        program = str(jax.make_jaxpr(function)(W))
        found = precisions(function, W)
        assert len(found) == program.count("dot_general[") > 0
        assert all("HIGHEST" in one for one in found), found


def test_programs_are_compiled_through_the_one_door():
    # Those without products of matrices, or whose function is `exact_products` of another.
    others = {
        "solvers/sde/brownian.py",
        "torch/shared/autograd.py",
        "torch/native/_blocks.py",
        "fitting/methods/gradient.py",
    }
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(
            r"^(?!.*>>>).*(@|= |return |partial\()(eqx\.filter_jit|jax\.jit)\b",
            path.read_text(),
            re.MULTILINE,
        )
    }
    assert found == others | {"numerics/precision.py"}


def test_a_program_takes_arguments_by_name_as_by_place_and_compiles_once():
    traces = []

    @compiled
    def scaled(x, factor=2.0):
        traces.append(1)
        return factor * x

    x = np.arange(3.0)
    np.testing.assert_allclose(scaled(x, jnp.asarray(3.0)), scaled(x=x, factor=jnp.asarray(3.0)))
    assert scaled.__name__ == "scaled"
    assert len(traces) == 1
