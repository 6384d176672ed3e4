"""A model made of a torch module is fitted, planned with, saved; its weights go back."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError

torch = pytest.importorskip("torch")
QUICK = dl.fitting.Gradient(steps=60, batch=16, horizon=4, validate_every=30, learning_rate=1e-2)


class Step(torch.nn.Module):
    """x + a network; the last layer's bias is frozen."""

    def __init__(self, seed=0, width=8):
        super().__init__()
        torch.manual_seed(seed)
        self.net = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Tanh(), torch.nn.Linear(width, 2))
        self.net[2].bias.requires_grad_(False)

    def forward(self, t, x, u):
        return x + self.net(torch.cat([x, u], -1))


@pytest.fixture(scope="module")
def fitted(linear):
    """(module, the model made of it, the result of a short fit)."""
    module = Step()
    model = dl.torch.from_module(module, 2, 1, "step", data=linear)
    return module, model, dl.fit(model, linear, linear, method=QUICK, progress=False)


def mapped(model, x, u):
    """One step of the model, in physical units."""
    state = model.infer(_past(model, x))
    return model.observe(model.step(state, u, jnp.zeros(()), jnp.asarray(0.1)), u).mean


def _past(model, x):
    past = dl.from_arrays(
        np.asarray(x)[None], np.zeros((1, model.signature.controls)), dt=0.1
    ).dyn.to_device()
    return jax.tree.map(lambda leaf: leaf[0], past)


def test_a_fit_moves_the_weights_and_write_back_brings_them_home(fitted):
    module, _, result = fitted
    loss = result.history.output.sel(output_name="loss").values.ravel()
    assert loss[-1] < 0.5 * loss[0]
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    dl.torch.write_back(result.model, module)
    assert not torch.equal(module.net[0].weight, before["net.0.weight"])
    assert torch.equal(module.net[2].bias, before["net.2.bias"])
    x, u = torch.tensor([[3.5, 2.0]]), torch.tensor([[0.3]])
    expected = module(torch.zeros(()), x, u)[0].detach().numpy()
    np.testing.assert_allclose(mapped(result.model, x[0], jnp.array([0.3])), expected, rtol=1e-5)


def test_calibration_leaves_the_weights_and_fits_the_error_law(fitted, linear):
    _, model, _ = fitted
    calibrated = dl.fit(model, linear, method="calibration", progress=False).model
    same = jax.tree.map(lambda a, b: bool((a == b).all()), model.map, calibrated.map)
    assert all(jax.tree.leaves(same))
    assert calibrated.noise.fitted


def test_it_forecasts_and_plans(fitted, linear):
    model = fitted[2].model
    context, ahead = linear.isel(time=slice(0, 20)), linear.isel(time=slice(20, 25))
    found = dl.forecast(model, context, 5, controls=ahead.control, samples=4)
    x, u = context.output.values[:, -1], linear.control.values
    for k in range(5):
        x = np.stack([mapped(model, *one) for one in zip(x, u[:, 19 + k], strict=True)])
        np.testing.assert_allclose(found.output_mean.values[:, k], x, rtol=1e-4)
    cost = dl.control.Quadratic([3.0, 3.0], Q=[1.0, 1.0], R=[0.1])
    mpc = dl.control.MPC(model, cost, horizon=4, bounds=(-1.0, 1.0))
    action = mpc.act(mpc.init(), linear.output.values[0, 0])[0]
    other = mpc.act(mpc.init(), 6.0 - linear.output.values[0, 0])[0]
    assert np.shape(action) == (1,)
    assert action[0] != other[0]


LOADS = """
import json, sys
from importlib.abc import MetaPathFinder

class NoTorch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError("there is no torch here")

sys.meta_path.insert(0, NoTorch())
import numpy as np, dynlearn as dl

model, ds = dl.load(sys.argv[1]), dl.read(sys.argv[2])
print(json.dumps(dl.forecast(model, ds, 3, controls=np.zeros((3, 1)), samples=1).output_mean.values.tolist()))
"""


@pytest.mark.slow
def test_a_saved_model_is_loaded_where_there_is_no_torch(fitted, linear, tmp_path):
    context, model = linear.isel(time=slice(0, 4)), fitted[2].model
    dl.save(model, tmp_path / "model.dyn")
    dl.write(context, tmp_path / "context.nc")
    command = [sys.executable, "-c", LOADS, str(tmp_path / "model.dyn"), str(tmp_path / "context.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    here = dl.forecast(model, context, 3, controls=np.zeros((3, 1)), samples=1).output_mean.values
    np.testing.assert_allclose(json.loads(done.stdout), here, rtol=1e-6)


def test_members_of_an_ensemble_have_weights_of_their_own():
    class Field(Step):
        def forward(self, t, x, u):
            return super().forward(t, x, u) - x

    model = dl.torch.from_module(Field(), 2, 1)
    ensemble = dl.models.Ensemble.of(dl.models.Smoothed.of(model), 3, key=0)
    first, bias, last, *_ = ensemble.members.model.field.function.program.weights
    for weight, own in ((first, model.field.function.program.weights[0]), (last, None)):
        assert not np.array_equal(weight[0], weight[1])
        if own is not None:
            np.testing.assert_array_equal(np.sort(abs(weight[0]).ravel()), np.sort(abs(own).ravel()))
    np.testing.assert_array_equal(bias[0], bias[1])
    with pytest.raises(
        ArgumentError, match=r"an ensemble has 3 sets of weights; choose one, e.g. model.member\(0\)"
    ):
        dl.torch.write_back(ensemble, Field())
    target = Field(seed=1)
    dl.torch.write_back(ensemble.member(1), target)
    np.testing.assert_array_equal(target.net[0].weight.detach(), first[1])


def test_drift_and_diffusion_go_back_together_or_not_at_all():
    drift, diffusion = Step(0), Step(1)
    model = dl.torch.from_module(drift, 2, 1, "sde", diffusion=diffusion)
    targets = Step(2), Step(3)
    with pytest.raises(
        ArgumentError, match=r"diffusion: expected the torch.nn.Module to write to, got NoneType"
    ):
        dl.torch.write_back(model, targets[0])
    untouched = targets[0].net[0].weight.detach().clone()
    with pytest.raises(ArgumentError, match=r"expected 'net.0.weight' of shape \(9, 3\)"):
        dl.torch.write_back(model, targets[0], diffusion=Step(width=9))
    assert torch.equal(targets[0].net[0].weight, untouched)
    dl.torch.write_back(model, targets[0], diffusion=targets[1])
    for target, source in zip(targets, (drift, diffusion), strict=True):
        assert torch.equal(target.net[0].weight, source.net[0].weight)


def test_what_cannot_be_written_is_said(fitted, linear):
    model = fitted[2].model
    with pytest.raises(ArgumentError, match="ARX without a torch module in it"):
        dl.torch.write_back(dl.models.ARX.from_data(linear), Step())
    with pytest.raises(ArgumentError, match="diffusion: expected None, this NeuralMap has none"):
        dl.torch.write_back(model, Step(), diffusion=Step())
    more = Step()
    more.gain = torch.nn.Parameter(torch.ones(()))
    with pytest.raises(ArgumentError, match=r"also has the parameters \['gain'\]"):
        dl.torch.write_back(model, more)
