"""Lowered modules compute what PyTorch computes, and differentiate to what it differentiates to."""

import dataclasses
import inspect
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import dynlearn.torch
from dynlearn.contract.storage import files as storage
from dynlearn.errors import ArgumentError
from dynlearn.models import Fixed
from dynlearn.programs import OPERATIONS, Program
from tests.torch.compare import (
    agree,
    by_torch,
    compiled,
    compiled_batch,
    cotangents,
    lowered,
    pytree,
    to_numpy,
)
from tests.torch.functions import FUNCTIONS
from tests.torch.modules import MODULES, build, inputs
from tests.torch.variants import VARIANTS

pytestmark = [  # PyTorch's remarks on its own kernels
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
]


@pytest.mark.parametrize("name", MODULES)
def test_values_and_gradients_in_float64(name):
    """Compiled and batched: two inputs at once."""
    with jax.enable_x64(True):
        program, module, examples = lowered(name), build(name), [inputs(name, seed) for seed in (0, 1)]
        expected = [by_torch(module, example, program.names) for example in examples]
        together = jax.tree.map(lambda *a: np.stack(a), *(to_numpy(example) for example in examples))
        found = compiled_batch(program, together, cotangents(expected[0][0]))
        for i in range(2):
            for kind, a, b in zip(("output", "gradient"), found, expected[i], strict=True):
                agree([leaf[i] for leaf in a], b, MODULES[name].tolerance, f"{name}: {kind}")


@pytest.mark.first(20)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in FUNCTIONS | VARIANTS else []) for n in MODULES]
)
def test_values_and_gradients_in_float32(name, compilations):
    """Compiled, one input; other weights do not compile again."""
    program = single(lowered(name))
    module = build(name).float()
    example = pytree.tree_map(lambda a: a.float() if a.is_floating_point() else a, inputs(name, 0))
    expected = by_torch(module, example, program.names)
    example = jax.tree.map(jnp.asarray, to_numpy(example))
    against = [jnp.asarray(c) for c in cotangents(expected[0])]
    found = compiled(program, example, against)
    for kind, a, b in zip(("output", "gradient"), found, expected, strict=True):
        agree(a, b, 1e-5, f"{name}: {kind}")
    other = dataclasses.replace(program, weights=jax.tree.map(lambda w: w + 1, program.weights))
    with compilations() as compiled_now:
        jax.block_until_ready(compiled(other, example, against))
    assert compiled_now == []


def single(program: Program) -> Program:
    """In float32: the graph names no precision."""
    return jax.tree.map(lambda a: jnp.asarray(np.asarray(a)), program)


@pytest.mark.parametrize("name", MODULES)
def test_a_file_gives_the_program_back(name):
    arrays: list[np.ndarray] = []
    with jax.enable_x64(True):
        content = json.dumps(storage._encode(lowered(name), arrays, "program"), allow_nan=False)
        assert eqx.tree_equal(storage._decode(json.loads(content), arrays, "file"), lowered(name))


def test_float32_and_float64_modules_have_the_same_program():
    module, example = build("port hamiltonian"), inputs("port hamiltonian", 0)
    wide = lowered("port hamiltonian")
    narrow = dynlearn.torch.lower(module.float(), *(a.float() for a in example))
    assert narrow.text == wide.text
    assert {w.dtype for w in narrow.weights} == {np.dtype("float32")}
    with jax.enable_x64(True):
        widened = dynlearn.torch.lower(module.float(), *(a.float() for a in example))
        assert widened.text == wide.text
        for a, b in zip(widened.weights, narrow.weights, strict=True):
            assert a.dtype == np.float64
            np.testing.assert_array_equal(a, b)


def test_what_is_a_weight_and_what_is_fixed():
    program = lowered("pendulum")
    assert program.names == ("damping", "length")
    assert set(program.constants.names) == {"mass", "gravity", "scratch"}
    assert isinstance(program.constants, Fixed)
    assert lowered("tied").names == ("first.weight", "first.bias", "second.bias")


def test_weights_are_copies():
    module = nn.Linear(2, 2)
    program = dynlearn.torch.lower(module, torch.zeros(2))
    before = np.array(program.weights[0])
    with torch.no_grad():
        module.weight.add_(1.0)
    np.testing.assert_array_equal(program.weights[0], before)


@pytest.mark.parametrize("name", ["tied", "pendulum", "weight norm"])
def test_weights_go_back(name):
    with jax.enable_x64(True):
        module, example = build(name), inputs(name, 0)
        moved = dataclasses.replace(
            lowered(name), weights=tuple(1.5 * w + 0.1 for w in lowered(name).weights)
        )
        dynlearn.torch.write_back(moved, module)
        expected = to_numpy(module(*example))
        np.testing.assert_allclose(moved(*to_numpy(example)), expected, 1e-12)
        assert dynlearn.torch.weights_of(moved).keys() == set(moved.names)


def test_every_operation_is_reached_by_some_module():
    reached = {node.operation for name in MODULES for node in lowered(name).graph.nodes}
    assert reached - {"getitem"} == set(OPERATIONS)


def schema_of(name):
    _, operation, overload = name.split(".")
    return getattr(getattr(torch.ops.aten, operation), overload)._schema


def test_every_entry_of_the_table_is_an_operation_of_pytorch():
    assert [schema_of(name).name for name in OPERATIONS] == [
        "aten::" + name.split(".")[1] for name in OPERATIONS
    ]


OWN = [name for name, function in OPERATIONS.items() if function.__module__.startswith("dynlearn")]
"""Beside functions of JAX as they are, whose signatures cannot be read."""


@pytest.mark.parametrize("name", OWN)
def test_our_functions_take_the_arguments_of_pytorchs_schemas(name):
    schema, function = schema_of(name), OPERATIONS[name]
    memory = {"device", "layout", "pin_memory", "memory_format", "non_blocking", "generator"}
    needed = [a for a in schema.arguments if not a.has_default_value() and a.name not in memory]
    by_name = {a.name: a for a in schema.arguments if a.kwarg_only and a.name not in memory}
    bound = inspect.signature(function).bind(*(a for a in needed if not a.kwarg_only), **by_name)
    assert set(by_name) <= set(bound.arguments) | set(bound.kwargs)


layers = st.sampled_from(
    [
        lambda n: (nn.Linear(n, 3), 3),
        lambda n: (nn.Linear(n, 6, bias=False), 6),
        lambda n: (nn.LayerNorm(n), n),
        lambda n: (nn.Sequential(nn.Unflatten(-1, (1, n)), nn.Conv1d(1, 2, 1), nn.Flatten(-2)), 2 * n),
        lambda n: (nn.Sequential(nn.Unflatten(-1, (1, n)), nn.AvgPool1d(2, 1, 1), nn.Flatten(-2)), n + 1),
        *(lambda n, kind=kind: (kind(), n) for kind in (nn.Tanh, nn.ELU, nn.Softplus, nn.GELU, nn.Mish)),
        *(lambda n, kind=kind: (kind(), n) for kind in (nn.ReLU, nn.Hardswish, nn.Softsign, nn.SELU)),
        lambda n: (nn.Softmax(-1), n),
        lambda n: (nn.Bilinear(n, n, 3), 3),
    ]
)


joins = st.sampled_from(["none", "residual", "time", "flip", "roll"])


class Chain(nn.Module):
    """Layers one after the other, with residual sums, products with time, and reversals between."""

    def __init__(self, makers, joins, width):
        super().__init__()
        self.joins, self.parts = joins, nn.ModuleList()
        for make in makers:
            part, width = make(width)
            self.parts.append(part)

    def forward(self, t, x):
        for part, join in zip(self.parts, self.joins, strict=True):
            y = part(x, x) if isinstance(part, nn.Bilinear) else part(x)
            y = y + x if join == "residual" and y.shape == x.shape else y
            y = y * torch.sin(t) if join == "time" else y
            x = (
                y.flip(-1)
                if join == "flip"
                else torch.cat([y, y[..., :1]], -1)[..., 1:]
                if join == "roll"
                else y
            )
        return x


@settings(max_examples=10)
@given(st.lists(st.tuples(layers, joins), min_size=1, max_size=4), st.integers(0, 3))
def test_any_chain(chain, seed):
    torch.manual_seed(seed)
    module = Chain([make for make, _ in chain], [join for _, join in chain], 4).double()
    example = (torch.randn(()).double(), torch.randn(2, 4).double())
    with jax.enable_x64(True):
        program = dynlearn.torch.lower(module, *example)
        expected = by_torch(module, example, program.names)
        found = compiled(program, to_numpy(example), cotangents(expected[0]))
        for kind, a, b in zip(("output", "gradient"), found, expected, strict=True):
            agree(a, b, 1e-10, kind)


def test_inputs_are_checked():
    program = lowered("embedding")
    with pytest.raises(ArgumentError, match="lowered with 1 input arrays, got 2"):
        program(np.zeros((2, 2), int), np.zeros(2))
    with pytest.raises(ArgumentError, match=r"lowered with shape \(2, 2\), got \(3,\); batch with jax.vmap"):
        program(np.zeros(3, int))
    with pytest.raises(ArgumentError, match=r"lowered with int numbers, got float32.*astype\(int\)"):
        program(np.zeros((2, 2), "float32"))
