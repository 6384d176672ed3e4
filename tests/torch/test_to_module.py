"""to_module: any model in torch, with its numbers, its gradients and its weights."""

import copy
import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.errors import ArgumentError

torch = pytest.importorskip("torch")
PAST, HORIZON = 8, 5


class Linear(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2, bias=False)

    def forward(self, t, x):
        return self.layer(x)


def families(ds):
    models = dl.models
    node = models.NeuralODE.from_data(ds, hidden=1, memory=4, width=8, key=0)
    return {
        "NeuralODE": node,
        "Ensemble": models.Ensemble.of(node, 2, key=0),
        "NeuralSDE": models.NeuralSDE.from_data(ds, hidden=0, memory=1, width=8, key=0),
        "NeuralMap": models.NeuralMap.from_data(ds, hidden=0, memory=1, width=8, key=0),
        "Koopman": models.Koopman.from_data(
            ds, lifting=models.dictionaries.Fourier(count=6, delays=2), key=0
        ),
        "ARX": models.ARX.from_data(ds, delays=2),
        "Persistence": models.Persistence.from_data(ds),
    }


@pytest.fixture(scope="module")
def gappy(make_linear):
    """Three driven runs of 13 samples, two values of one of them missing."""
    ds = make_linear(lengths=(PAST + HORIZON,) * 3)
    ds["output"] = ds.output.where(
        ~((ds.trajectory == 1) & (ds.time.isin([3, 4])) & (ds.output_name == "speed"))
    )
    return ds


@pytest.fixture(scope="module")
def models(linear):
    return families(linear)


@pytest.fixture(scope="module")
def nets(models):
    return {name: dl.torch.to_module(model) for name, model in models.items()}


def tensors(ds, dtype="float32"):
    """times, outputs, controls of the past and the horizon after it."""
    dtype = getattr(torch, dtype)
    times = torch.tensor(ds.t.values, dtype=torch.float64).expand(ds.sizes["trajectory"], -1)
    control = np.nan_to_num(ds.control.values)
    return times, torch.tensor(ds.output.values[:, :PAST], dtype=dtype), torch.tensor(control, dtype=dtype)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["NeuralODE", "Ensemble", "Koopman", "ARX"])
def test_its_forecast_is_the_models(name, nets, linear, gappy):
    net = copy.deepcopy(nets[name])
    model = net.adopt(_declared_fitted(net.to_model())).to_model()
    given = gappy if net.signature.interval is None else linear.isel(time=slice(0, PAST + HORIZON))
    context, ahead = given.isel(time=slice(0, PAST)), given.isel(time=slice(PAST, None))
    expected = dl.forecast(model, context, HORIZON, controls=ahead.control, samples=1)
    mean, scale = net(*tensors(given))
    np.testing.assert_allclose(mean.detach(), expected.output_mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scale.detach(), expected.output_scale, rtol=1e-5)


def _declared_fitted(model):
    """With error laws that count as fitted: their values do not matter here."""
    return jax.tree.map(
        lambda node: (
            dataclasses.replace(node, fitted=True) if isinstance(node, dl.models.ErrorGrowth) else node
        ),
        model,
        is_leaf=lambda node: isinstance(node, dl.models.ErrorGrowth),
    )


def test_a_stochastic_model_is_followed_along_its_mean_path(nets, linear):
    net = nets["NeuralSDE"]
    model, (times, outputs, controls) = net.to_model(), tensors(linear.isel(time=slice(0, PAST + HORIZON)))
    mean, scale = net(times, outputs, controls)
    x = outputs[:, -1]
    for k in range(HORIZON):
        x = x + 0.1 * net.vector_field(float(times[0, PAST - 1 + k]), x, controls[:, PAST - 1 + k])
    np.testing.assert_allclose(mean[:, -1].detach(), x.detach(), rtol=1e-4)
    sigma = model.measurement.sigma * model.scaling.output_scale
    np.testing.assert_allclose(scale[0, 0].detach(), sigma, rtol=1e-5)


def test_parameters_have_the_names_they_have_in_the_model(nets):
    net = nets["NeuralODE"]
    names, fixed = dict(net.named_parameters()), dict(net.named_buffers())
    assert {"field.network.layers.0.weight", "encoder.network.layers.1.bias"} <= names.keys()
    assert {"scaling.output_mean", "noise.sigma"} <= fixed.keys()
    assert tuple(names["field.network.layers.0.weight"].shape) == (8, 4)
    assert set(net.state_dict()) == names.keys() | fixed.keys()
    imported = dl.torch.from_module(Linear(), 2, kind="step", dt=0.1)
    assert [*dict(dl.torch.to_module(imported).named_parameters())] == ["map.function.program.layer.weight"]
    assert [*dict(nets["Koopman"].named_parameters())][:3] == ["A", "B", "c"]


@pytest.mark.parametrize("name", ["NeuralODE", "Ensemble", "NeuralSDE", "Koopman", "Persistence"])
def test_the_model_comes_back_bit_for_bit(name, nets, models):
    model, net = models[name], nets[name]
    assert eqx.tree_equal(net.to_model(), model, typematch=True)
    other = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(2)
    assert eqx.tree_equal(net.to_model(), model)
    assert bool(eqx.tree_equal(other.to_model(), model)) == (name == "Persistence")
    other.load_state_dict(net.state_dict())
    assert eqx.tree_equal(other.to_model(), model)


def test_gradients_are_those_of_jax(nets, gappy):
    net, (times, outputs, controls) = nets["NeuralODE"], tensors(gappy)
    net.zero_grad()
    mean, scale = net(times, outputs.requires_grad_(), controls.requires_grad_())
    (mean.square().sum() + scale.sum()).backward()
    window = gappy.dyn.to_device()

    def loss(model, output):
        def one(w, y):
            past = eqx.tree_at(lambda p: p.output, w, y)[PAST - model.memory : PAST]
            ahead = w.control[PAST - 1 :], w.time[PAST - 1 :], w.interval[PAST - 1 : -1]
            found = dl.models.rollout(model, model.infer(past), *ahead)[1]
            return (found.mean**2).sum() + found.scale.sum()

        return jax.vmap(one)(window, output).sum()

    moved, fixed = eqx.partition(net.to_model(), eqx.is_inexact_array)
    gradient = jax.jit(jax.grad(lambda m, y: loss(eqx.combine(m, fixed), y), argnums=(0, 1)))
    of_model, of_output = gradient(moved, window.output)
    for name in ("field", "encoder"):
        layer = getattr(of_model, name).network.layers[0]
        found = getattr(net, name).network.layers.get_submodule("0")
        np.testing.assert_allclose(found.weight.grad, layer.weight, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs.grad, of_output[:, :PAST], rtol=1e-4, atol=1e-4)
    assert (outputs.grad[1, 3:5, 1] == 0).all()
    assert (controls.grad[:, -1] == 0).all()
    assert (controls.grad[:, PAST - 1 : -1] != 0).all()


def test_gradcheck_of_first_and_second_order(make_linear):
    with jax.enable_x64(True):
        ds = make_linear(lengths=(5,) * 2)
        net = dl.torch.to_module(dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, width=3, depth=1))
        times, outputs, controls = tensors(ds, "float64")
        names, weights = zip(*net.named_parameters(), strict=True)

        def call(outputs, controls, *weights):
            moved = dict(zip(names, weights, strict=True))
            return torch.func.functional_call(net, moved, (times, outputs, controls))

        given = [t.detach().clone().requires_grad_() for t in (outputs[:, :2], controls, *weights)]
        assert torch.autograd.gradcheck(call, given, fast_mode=True)
        assert torch.autograd.gradgradcheck(lambda *g: call(*g)[0], given, fast_mode=True)


def test_torch_trains_it(nets, linear):
    net = copy.deepcopy(nets["NeuralODE"])
    times, past, controls = tensors(linear.isel(time=slice(0, PAST + HORIZON)))
    truth = torch.tensor(linear.output.values[:, PAST : PAST + HORIZON], dtype=torch.float32)
    optimizer, losses = torch.optim.Adam(net.parameters(), 1e-2), []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (net(times, past, controls)[0] - truth).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert net.scaling.output_mean.grad is None
    frozen = copy.deepcopy(net).requires_grad_(False)
    assert not frozen(times, past, controls)[0].requires_grad


def test_dynlearn_takes_it_as_it_takes_a_model(nets, linear):
    net = copy.deepcopy(nets["ARX"])
    result = dl.fit(net, linear, progress=False)
    assert result.model is net
    assert net.to_model().noise.fitted
    found, expected = (
        dl.forecast(m, linear.isel(time=slice(0, 20)), 1, controls=np.zeros((1, 1)), samples=2)
        for m in (net, net.to_model())
    )
    xr.testing.assert_identical(found, expected)


def test_maps_of_a_batch_of_states_are_in_physical_units(nets, linear):
    x, u = torch.tensor([[3.0, 2.5], [4.0, 1.0]]), torch.tensor([[0.2], [-0.1]])
    net = nets["NeuralMap"]
    model = net.to_model()
    times = 0.1 * torch.arange(2.0).expand(2, 2)
    next_x = net(times, x[:, None], torch.stack([u, u], 1))[0][:, 0]
    np.testing.assert_allclose(net.step(0.0, x, u).detach(), next_x.detach(), rtol=1e-5)
    assert model.hidden == 0
    sde = nets["NeuralSDE"]
    scaled = sde.to_model()
    for name in ("vector_field", "diffusion"):
        y, v = jnp.asarray(x.numpy()), jnp.asarray(u.numpy())
        y, v = scaled.scaling.output(y), scaled.scaling.control(v)
        expected = jax.vmap(lambda a, b, n=name: getattr(scaled, n)(0.5, a, b, jnp.zeros(0)))(y, v)
        found = getattr(sde, name)(0.5, x, u).detach()
        np.testing.assert_allclose(found, expected * scaled.scaling.output_scale, rtol=1e-5)
    with pytest.raises(ArgumentError, match="step: this model has vector_field and diffusion"):
        sde.step(0.0, x, u)


def test_what_torch_changes_in_place_is_noticed(nets, linear):
    net, given = copy.deepcopy(nets["NeuralODE"]), tensors(linear.isel(time=slice(0, PAST + HORIZON)))
    mean = net(*given)[0]
    with torch.no_grad():
        net.field.network.layers.get_submodule("0").weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        mean.sum().backward()
    mean = net(*given)[0]
    before = net(*given)[0].detach().clone()
    mean.detach().mul_(0)
    assert torch.equal(net(*given)[0], before)


T, Y, U = 0.1 * torch.arange(13.0).expand(3, 13), torch.ones(3, 8, 2), torch.zeros(3, 13, 1)
REFUSED = {
    "times": ((T[0], Y, U), r"times: expected shape \(batch, past \+ horizon\), got \(13,\)"),
    "decreasing": ((-T, Y, U), "strictly increasing"),
    "type": ((T.int(), Y, U), "times: expected float32 or float64 without a gradient, got torch.int32"),
    "outputs": ((T, Y[:, :, :1], U), r"outputs: expected shape \(3, past, 2\) with 1 <= past < 13"),
    "no horizon": ((T[:, :8], Y, U[:, :8]), r"with 1 <= past < 8"),
    "controls": ((T, Y), r"controls: expected a tensor of shape \(3, 13, 1\), got NoneType"),
    "NaN": ((T, Y, U / 0), "controls: expected finite values"),
    "precision": ((T, Y.double(), U), r"outputs: expected torch.float32.* got torch.float64; call .to"),
    "device": ((T, Y.to("meta"), U), "outputs: expected the module's device cpu, got meta"),
    "statics": ((T, Y, U, torch.ones(3, 1)), r"statics: expected a tensor of shape \(3, 0\), got \(3, 1\)"),
    "unknown state": ((T, Y / 0 * 0, U), r"the state of the runs \[0, 1, 2\] cannot be inferred"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_said(case, nets):
    given, words = REFUSED[case]
    with pytest.raises(ArgumentError, match=words):
        nets["NeuralODE"](*given)


def test_what_it_cannot_become_is_said(nets, linear):
    with pytest.raises(ArgumentError, match="to_module: expected a dynlearn model, got Dataset"):
        dl.torch.to_module(linear)
    with pytest.raises(ArgumentError, match=r"expected float32 numbers, got torch.float64.*jax_enable_x64"):
        copy.deepcopy(nets["ARX"]).double().to_model()
    with pytest.raises(ArgumentError, match=r"got torch\.float16"):
        copy.deepcopy(nets["ARX"]).half().to_model()
    with pytest.raises(
        ArgumentError, match=r"on the device meta, JAX has cpu here; move it with .to\('cpu'\)"
    ):
        copy.deepcopy(nets["ARX"]).to("meta").to_model()
    with pytest.raises(
        ArgumentError, match=r"discrete-time model with interval 0.1 s, got intervals between 0.2"
    ):
        nets["ARX"](2 * T, Y, U)
    with pytest.raises(ArgumentError, match="adopt: expected a model with the arrays of this one"):
        copy.deepcopy(nets["ARX"]).adopt(nets["Koopman"].to_model())
