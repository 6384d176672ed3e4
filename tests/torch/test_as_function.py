"""as_function: torch modules as transitions and observations of state-space models."""

import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.models import NonlinearStateSpace, Signature

torch = pytest.importorskip("torch")


class Net(torch.nn.Module):
    """A small network of all its arguments; with t, driven by sin(t)."""

    def __init__(self, inputs, values, timed=True, dtype="float32", seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(inputs, 6), torch.nn.Tanh(), torch.nn.Linear(6, values)
        ).to(getattr(torch, dtype))
        self.timed = timed

    def forward(self, *given):
        t, rows = (torch.sin(given[0]), given[1:]) if self.timed else (0, given)
        return self.net(torch.cat(rows, -1)) + t


class Calls(torch.nn.Module):
    """Calls a function, so that a test can say in a line what its module does wrong."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def by_torch(module, batched, t, *rows):
    rows = [torch.tensor(row)[None] if batched else torch.tensor(row) for row in rows if row.size]
    with torch.no_grad():
        found = module(*([] if t is None else [torch.tensor(t, dtype=rows[0].dtype)]), *rows)
    return (found[0] if batched else found).numpy()


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize(("controls", "statics"), [(0, 0), (2, 0), (0, 1), (1, 2)])
def test_a_transition_is_the_modules(controls, statics, batched):
    module = Net(3 + controls + statics, 3)
    f = dl.torch.as_function(module, 3, controls, statics, batched=batched)
    rows = [np.random.default_rng(0).normal(size=n).astype("float32") for n in (3, controls, statics)]
    np.testing.assert_allclose(f(jnp.asarray(0.7), *rows), by_torch(module, batched, 0.7, *rows), atol=1e-6)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("statics", [0, 2])
def test_an_observation_is_the_modules(statics, batched):
    module = Net(3 + statics, 2, timed=False)
    h = dl.torch.as_function(module, 3, statics=statics, kind="observation", outputs=2, batched=batched)
    rows = [np.random.default_rng(1).normal(size=n).astype("float32") for n in (3, statics)]
    found = h(*rows)
    assert found.shape == (2,)
    np.testing.assert_allclose(found, by_torch(module, batched, None, *rows), atol=1e-6)


def test_in_float64_they_agree_to_the_last_digits():
    with jax.enable_x64(True):
        module = Net(3, 2, timed=False, dtype="float64")
        h = dl.torch.as_function(module, 3, kind="observation", outputs=2)
        x = np.array([0.3, -1.0, 2.0])
        np.testing.assert_allclose(h(x, np.zeros(0)), by_torch(module, True, None, x), rtol=1e-13)


def model_of(f, h):
    signature = Signature(("y",), ("u",), interval=0.5)
    return NonlinearStateSpace(signature, states=2, transition=f, observation=h, key=0)


def functions():
    modules = Net(3, 2), Net(2, 1, timed=False, seed=1)
    f = dl.torch.as_function(modules[0], 2, 1)
    return modules, f, dl.torch.as_function(modules[1], 2, kind="observation", outputs=1)


def runs():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 2, 9, 1))
    return dl.from_arrays(*values, dt=0.5, output_names=["y"], control_names=["u"])


def test_a_state_space_model_of_two_modules_is_filtered_as_by_functions_written_in_jax():
    _, f, h = functions()

    def network(program, *rows):
        hidden, last = program.weights[:2], program.weights[2:]
        return last[0] @ jnp.tanh(hidden[0] @ jnp.concatenate(rows) + hidden[1]) + last[1]

    assert f.program.names == ("net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias")
    written = model_of(
        lambda t, x, u, s: network(f.program, x, u) + jnp.sin(t), lambda x, s: network(h.program, x)
    )
    found, expected = (dl.log_likelihood(model, runs()) for model in (model_of(f, h), written))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.slow
def test_a_fit_moves_the_weights_and_they_go_home():
    (module, _), f, h = functions()
    start = model_of(f, h)

    @eqx.filter_grad
    def slope(model):
        window = jax.tree.map(lambda leaf: leaf[0], runs().dyn.to_device())
        return dl.inference.log_density(model, window).sum()

    found = slope(start)
    for function in (found.transition.function, found.emission.mean.function):
        assert all(np.abs(w).max() > 0 for w in function.program.weights)
    moved = eqx.tree_at(lambda m: m.transition.function.program.weights[3], start, jnp.array([5.0, -5.0]))
    dl.torch.write_back(moved.transition.function.program, module)
    np.testing.assert_array_equal(module.net[2].bias.detach(), [5.0, -5.0])


def test_members_of_an_ensemble_differ():
    model = dl.models.Ensemble.of(model_of(*functions()[1:]), 2, key=0)
    for part in ("transition", "emission"):
        one, other = (getattr(model.member(i), part) for i in (0, 1))
        pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
        assert sum(bool((a != b).any()) for a, b in pairs if a.ndim == 2) >= 2


def test_a_saved_model_opens_without_torch(tmp_path):
    model = model_of(*functions()[1:]).as_fitted()
    dl.save(model, tmp_path / "model.dyn")
    runs().to_netcdf(tmp_path / "runs.nc", engine="scipy")
    script = f"""
import sys, dynlearn as dl, xarray as xr
model = dl.load({str(tmp_path / "model.dyn")!r})
print(float(dl.log_likelihood(model, xr.load_dataset({str(tmp_path / "runs.nc")!r}, engine="scipy")).sum()))
assert "torch" not in sys.modules
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    expected = float(dl.log_likelihood(model, runs()).sum())
    assert float(found.stdout) == pytest.approx(expected, rel=1e-6)


OBSERVED = {"kind": "observation", "outputs": 1}
REFUSED = {
    "not a module": (
        lambda x: x,
        {},
        r"module: expected a torch.nn.Module with forward\(t, x\), got function",
    ),
    "kind": (Net(2, 2), {"kind": "observe"}, "unknown kind 'observe'"),
    "states": (Net(2, 2), {"states": 0}, "states: expected an integer >= 1, got 0"),
    "outputs of a transition": (Net(2, 2), {"outputs": 2}, "outputs: expected None for kind 'transition'"),
    "no outputs": (Net(2, 1), {"kind": "observation"}, "needs the number of values it returns"),
    "outputs": (Net(2, 1), OBSERVED | {"outputs": 0}, "outputs: expected an integer >= 1, got 0"),
    "controls": (Net(2, 1), OBSERVED | {"controls": 1}, "controls: expected 0 for kind 'observation'"),
    "arguments": (
        Calls(lambda x: x[:, :1]),
        OBSERVED | {"statics": 1},
        r"called as forward\(x, s\), which Calls.forward does not take: .*s is passed where statics > 0",
    ),
    "time": (Calls(lambda x: x), {}, r"called as forward\(t, x\), which Calls.forward does not take"),
    "states back": (
        Net(2, 3),
        {},
        r"expected a tensor of floats \(3, 2\) back, one per state, got .*\(3, 3\)",
    ),
    "outputs back": (
        Net(2, 2, timed=False),
        OBSERVED,
        r"Net\(x \(3, 2\)\), expected a tensor of floats \(3, 1\) back, one per output, got .*\(3, 2\)",
    ),
    "rows": (
        Calls(lambda x: x - x.mean(0)),
        OBSERVED | {"outputs": 2},
        "every row of x must be computed on its own",
    ),
    "one state": (
        Calls(lambda x: x @ torch.ones(2, 1) if x.dim() == 1 else x[:, 0]),
        OBSERVED,
        r"expected a tensor of floats \(3, 1\) back",
    ),
    "branch": (Calls(lambda x: x[:, :1] if x.sum() > 0 else -x[:, :1]), OBSERVED, "decides by the values"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_said(case):
    module, options, words = REFUSED[case]
    with pytest.raises(ArgumentError, match=words):
        dl.torch.as_function(module, **({"states": 2} | options))
