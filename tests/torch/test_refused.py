# ruff: noqa: E501  (a table reads better with its rows on one line)
"""What cannot be lowered, and the words the user gets."""

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import dynlearn.torch
from dynlearn.errors import ArgumentError
from dynlearn.programs import OPERATIONS
from tests.torch.rows import Op

X = torch.ones(2)


class Spectral(nn.Module):
    def forward(self, x):
        return torch.fft.rfft(x).abs()


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls += 1
        return x * self.calls


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.zeros(2)

    def forward(self, x):
        self.last = x + self.last
        return self.last


class Unregistered(nn.Module):
    def __init__(self):
        super().__init__()
        self.rate = torch.ones(2, requires_grad=True)

    def forward(self, x):
        return self.rate * x


class Hamiltonian(nn.Module):
    """Its field is the gradient of a network."""

    def __init__(self):
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))

    def forward(self, x):
        with torch.enable_grad():
            x = x.requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)
        return gradient.flip(-1) * torch.tensor([1.0, -1.0])


ROWS = {
    "no module": (lambda: torch.sin, X, r"expected a torch\.nn\.Module, got builtin_function_or_method; wrap"),
    "a number as input": (lambda: nn.Linear(1, 1), 0.5, r"tensors as example inputs, got float \(0\.5\); pass torch\.as_t"),
    "complex": (nn.Identity, X.to(torch.complex64), r"complex ones in 'example input 0'; keep real"),
    "double": (lambda: nn.Linear(2, 2).double(), X, r"'weight', 'bias' is float64.*jax_enable_x64.*or module\.float\(\)"),
    "double input": (nn.Identity, X.double(), r"'example input 0' is float64.*module\.float\(\)"),
    "double inside": (lambda: Op(lambda x: x.double()), X, r"_to_copy\.default.*asks for float64.*jax_enable_x64"),
    "dropout": (lambda: nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)), X, r"'1' in training mode.*call module\.eval\(\) first"),
    "batch norm": (lambda: nn.ModuleDict({"norm": nn.BatchNorm1d(2)}), X, r"'norm' in training mode"),
    "recurrent dropout": (lambda: nn.GRU(2, 2, num_layers=2, dropout=0.5), X[None], r"'the module itself' in training mode"),
    "functional dropout": (lambda: Op(F.dropout).eval(), X, r"dropout.*\(Op\), rows\.py:\d+: return self\.function.*draws random numbers: call module\.eval\(\)"),
    "dropout of attention": (lambda: Op(lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.1)).eval(), X[None, None], r"scaled_dot_product_attention\.default.*draws random"),
    "noise": (lambda: Op(lambda x: x + torch.randn(2)), X, r"aten\.randn\.default.*take them as an input"),
    "branch": (lambda: Op(lambda x: x if x.sum() > 0 else -x), X, r"cannot trace Op, at test_refused\.py:\d+: .*decides by the values of a tensor.*write torch\.where"),
    "shape by values": (lambda: Op(lambda x: x[x > 0]), X, r"depends on the values of tensors in the module itself \(Op\)"),
    "loop by values": (lambda: Op(lambda x: x * int(x[0])), X, r"values of"),
    "numpy": (lambda: Op(lambda x: torch.tensor(x.detach().numpy())), X, r"cannot trace Op, at test_refused\.py:\d+.*numpy.*check that module\(\*example_inputs\) runs"),
    "wrong shape": (lambda: nn.Linear(3, 2), X, r"cannot trace Linear: RuntimeError.*check that module\(\*example_inputs\) runs"),
    "gradient inside": (Hamiltonian, X, r"differentiates inside itself.*lower the inner network alone.*jax\.grad"),
    "vjp inside": (lambda: Op(lambda x: torch.func.vjp(torch.sin, x)[0]), X, r"differentiates inside itself"),
    "buffer": (Counting, X, r"forward changes 'calls' in place.*no memory.*take the old one as an input"),
    "attribute": (Remembering, X, r"keeps tensors in attributes.*self\.last"),
    "unregistered": (Unregistered, X, r"'rate' requires a gradient but is no parameter.*make it a torch\.nn\.Parameter"),
    "old weight norm": (lambda: nn.utils.weight_norm(nn.Linear(2, 2)), X, r"attributes.*parametrizations"),
    "wide integers": (lambda: Op(lambda x: x * torch.tensor(2**40)), X, r"integers beyond 32 bits.*jax_enable_x64"),
    "input": (lambda: Op(lambda x: x.mul_(2)), X, r"forward changes 'inputs_0' in place"),
    "output": (lambda: Op(lambda x: torch.distributions.Normal(x, 1.0)), X, r"cannot trace Op"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
@pytest.mark.parametrize("row", ROWS)
def test_refusals(row):
    make, example, words = ROWS[row]
    with pytest.raises(ArgumentError, match=f"(?s){words}"):
        dynlearn.torch.lower(make(), example)


def test_unknown_operations_are_listed_at_once_with_their_places():
    module = nn.Sequential(nn.Linear(2, 4), Spectral(), Op(lambda x: torch.special.i1(x)))
    with pytest.raises(ArgumentError) as caught:
        dynlearn.torch.lower(module, X)
    words = str(caught.value)
    assert "in 2 place(s)" in words
    assert "aten._fft_r2c.default in '1' (Spectral), test_refused.py:" in words
    assert ": return torch.fft.rfft(x).abs()" in words
    assert "aten.special_i1.default in '2' (Op)" in words
    assert "dynlearn.programs.OPERATIONS" in words


def test_an_operation_of_ones_own(monkeypatch):
    module = Op(lambda x: torch.special.i1(x))
    monkeypatch.setitem(OPERATIONS, "aten.special_i1.default", jax.scipy.special.i1)
    found = dynlearn.torch.lower(module, X)(X.numpy())
    np.testing.assert_allclose(found, module(X).numpy(), 1e-6)


def test_training_mode_is_fine_where_it_changes_nothing():
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0), nn.Tanh()).train()
    assert dynlearn.torch.lower(module, X)(X.numpy()).shape == (2,)


def test_a_refused_module_leaves_no_trace():
    """Neither in the module nor in PyTorch: the next one is lowered as if nothing had been."""
    module = Remembering()
    for bad in (module, Op(lambda x: torch.func.vjp(torch.sin, x)[0])):
        with pytest.raises(ArgumentError):
            dynlearn.torch.lower(bad, X)
    assert module.last.tolist() == [0, 0]
    assert dynlearn.torch.lower(nn.Linear(2, 1), X).names == ("weight", "bias")


def test_double_modules_in_a_double_session():
    with jax.enable_x64(True):
        assert dynlearn.torch.lower(nn.Linear(2, 2).double(), X.double()).weights[0].dtype == "float64"


def test_weights_of_another_module_are_refused():
    program = dynlearn.torch.lower(nn.Linear(2, 3), X)
    other = nn.Linear(2, 2)
    before = other.weight.clone()
    with pytest.raises(
        ArgumentError, match=r"'weight' of shape \(2, 2\), as the module has it, got \(3, 2\)"
    ):
        dynlearn.torch.write_back(program, other)
    with pytest.raises(ArgumentError, match=r"unknown parameter 'weight'; did you mean '0\.weight'"):
        dynlearn.torch.write_back(program, nn.Sequential(other))
    assert torch.equal(other.weight, before)
