"""Models that are trained in torch: the numbers of their twins, and the whole path from fit to forecast."""

import copy
import functools
import inspect
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import dynlearn as dl
from dynlearn.errors import ArgumentError, DivergedError, FileFormatError, FitError
from dynlearn.fitting.examples import predict
from dynlearn.models import rollout
from dynlearn.solvers import Adaptive, FixedStep, StochasticStep, brownian_increments

torch.set_num_threads(1)  # these tensors are small, and the tests run side by side

HORIZON = 5
FEW = {"steps": 6, "batch": 8, "horizon": 3, "validate_every": 2, "validation_windows": 8}


class Spring(torch.nn.Module):
    """A user's own field: t, x and u in physical units; one buffer, one frozen parameter."""

    def __init__(self):
        super().__init__()
        self.A = torch.nn.Parameter(torch.tensor([[-0.5, 2.0], [-2.0, -0.5]]))
        self.gain = torch.nn.Parameter(torch.tensor([[0.0], [1.0]]), requires_grad=False)
        self.register_buffer("rest", torch.tensor([3.0, 3.0]))

    def forward(self, t, x, u):
        return (x - self.rest) @ self.A.T + u @ self.gain.T + 0.1 * torch.sin(t)


class Spread(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.log = torch.nn.Parameter(torch.zeros(2))

    def forward(self, t, x, u):
        return 0.2 * torch.exp(self.log) * (1 + 0.1 * torch.tanh(x - 3))


def build(family: str, **options):
    return functools.partial(getattr(dl.torch, family).from_data, **{"width": 8, "key": 0, **options})


def own(family: str, **modules):
    """With fresh modules each time: they become parts of the model."""
    return lambda ds: build(family, hidden=0, memory=1, **{k: m() for k, m in modules.items()})(ds)


CASES = {
    "node": ("zero", build("NeuralODE", hidden=0, memory=1)),
    "node hidden static uneven gaps": ("uneven", build("NeuralODE", hidden=2, memory=4)),
    "node linear hold": ("linear", build("NeuralODE", hidden=1, memory=3, activation="softplus")),
    "node own field": ("zero", own("NeuralODE", field=Spring)),
    "sde": ("uneven", build("NeuralSDE", hidden=1, memory=3)),
    "sde own fields": ("zero", own("NeuralSDE", field=Spring, diffusion=Spread)),
}


@pytest.fixture(scope="module")
def data(linear, uneven, make_linear):
    return {"zero": linear, "uneven": uneven, "linear": make_linear(hold="linear")}


@pytest.fixture(scope="module", params=CASES)
def case(request, data):
    kind, make = CASES[request.param]
    return data[kind], make


@eqx.filter_jit
def mean_paths(model, batch):
    return jax.vmap(lambda w: predict(model, w).mean)(batch)


def both(model, ds, count=12) -> tuple[np.ndarray, np.ndarray]:
    """Mean forecasts of some windows, in torch and by the twin."""
    windows = dl.torch.Windows(ds, model, HORIZON)
    index = np.linspace(0, len(windows) - 1, count).astype(int)
    there = model(windows.batch(index)).detach().numpy()
    return there, np.asarray(mean_paths(model.twin(), windows.examples.take(jnp.asarray(index))))


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


# The same numbers


def test_arguments_and_weights_are_those_of_the_jax_model(data):
    for family in ("NeuralODE", "NeuralSDE"):
        ours, theirs = getattr(dl.torch, family), getattr(dl.models, family)
        for function in ("__init__", "from_data"):
            of = [inspect.signature(getattr(cls, function)).parameters for cls in (ours, theirs)]
            assert [(p.name, p.kind, p.default) for p in of[0].values()] == [
                (p.name, p.kind, p.default) for p in of[1].values()
            ]
        options = {"hidden": 1, "memory": 3, "width": 8, "key": 3}
        twin = ours.from_data(data["uneven"], **options).twin()
        expected = theirs.from_data(data["uneven"], **options)
        assert jax.tree.structure(twin) == jax.tree.structure(expected)
        for a, b in zip(jax.tree.leaves(twin), jax.tree.leaves(expected), strict=True):
            assert np.array_equal(a, b) if hasattr(a, "shape") else a == b


def test_names_of_tensors_are_those_of_the_twins_arrays(case):
    ds, make = case
    model = make(ds)
    places = set(model._twin.places)
    assert set(model.state_dict()) == places
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == places - {
        n for n in places if n.startswith(("scaling", "noise")) or "gain" in n or "rest" in n
    }


def test_the_same_weights_give_the_same_trajectories(case):
    ds, make = case
    assert relative(*both(make(ds), ds)) < 1e-5


@pytest.mark.parametrize("scheme", ["euler", "heun", "midpoint", "rk4"])
def test_fixed_steps_agree_in_double_precision(scheme, uneven):
    with jax.enable_x64(True):
        model = build("NeuralODE", hidden=1, memory=3, solver=FixedStep(scheme, 3))(uneven)
        assert next(model.parameters()).dtype == torch.float64
        assert relative(*both(model, uneven)) < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "scheme"), [("zero", "tsit5"), ("linear", "dopri8")])
def test_adaptive_steps_agree_within_their_tolerance(kind, scheme, data):
    solver = Adaptive(scheme, rtol=1e-5, atol=1e-7)
    assert (
        relative(*both(build("NeuralODE", hidden=1, memory=2, solver=solver)(data[kind]), data[kind])) < 1e-4
    )


def test_states_are_inferred_alike_from_masked_uneven_windows(uneven):
    model = build("NeuralODE", hidden=2, memory=6)(uneven)
    windows = dl.torch.Windows(uneven, model, HORIZON)
    index = np.arange(len(windows))
    window = windows.batch(index)
    past = window.first(6)
    assert not past.valid.all()
    assert not past.observed[past.valid].all()
    state = model.infer(past)
    twin = model.twin()
    expected = jax.vmap(lambda w: twin.infer(w[:6]))(windows.examples.take(jnp.asarray(index)))
    np.testing.assert_allclose(state.x.detach(), expected.x, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(state.static, expected.static, rtol=1e-6)
    nothing = past._replace(observed=torch.zeros_like(past.observed))
    assert model.infer(nothing).x[:, :2].isnan().all()


def test_the_control_that_is_not_decided_yet_is_not_read(data):
    model = build("NeuralODE", hidden=1, memory=3)(data["zero"])
    past = dl.torch.Windows(data["zero"], model, HORIZON).batch([5, 6]).first(3)
    altered = past._replace(control=past.control.clone())
    altered.control[:, -1] = 1e6
    assert torch.equal(model.infer(past).x, model.infer(altered).x)


def test_steps_chain_to_the_forecast(data):
    model = build("NeuralODE", hidden=1, memory=3)(data["linear"])
    window = dl.torch.Windows(data["linear"], model, HORIZON).batch([4, 9])
    state = model.infer(window.first(3))
    state = model.step(state, window.control[:, 2:4], window.time[:, 2], window.interval[:, 2])
    assert torch.allclose(model.outputs_of(state.x), model(window)[:, 0])


@pytest.mark.first(1)
@pytest.mark.parametrize(("scheme", "substeps"), [("euler_maruyama", 2), ("milstein", 1), ("heun", 2)])
def test_the_same_brownian_increments_give_the_same_paths(scheme, substeps, uneven):
    """With a diffusion in which every entry depends on every state."""
    with jax.enable_x64(True):
        model = build("NeuralSDE", hidden=1, memory=3, solver=StochasticStep(scheme, substeps))(uneven)
        with torch.no_grad():
            for p in model.diffusion_field.parameters():
                p.mul_(3)
        windows = dl.torch.Windows(uneven, model, HORIZON)
        index, k = np.array([3, 11, 30]), model.memory
        there = windows.batch(index)
        here = windows.examples.take(jnp.asarray(index))
        twin = model.twin()
        keys = jax.random.split(jax.random.key(1), len(index))
        states = model.signature.outputs + 1

        def drawn(key, interval):
            each = jax.random.split(key, HORIZON)
            return jax.vmap(lambda i, dt: brownian_increments(i, dt[None], states, substeps=substeps)[0])(
                each, interval
            )

        def path(window, key):
            ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
            return rollout(twin, twin.infer(window[:k]), *ahead, key=key)[0].x

        increments = jax.vmap(drawn)(keys, here.interval[:, k - 1 : -1])
        found = model.follow(model.infer(there.first(k)), there, torch.from_numpy(np.array(increments)))
        expected = np.asarray(jax.vmap(path)(here, keys))
        assert np.abs(expected[..., 2]).max() > 0.01
        assert relative(found.detach().numpy(), expected) < 1e-12


def test_a_path_can_be_differentiated_where_no_graph_is_kept(uneven):
    model = build("NeuralSDE", hidden=1, memory=3, solver=StochasticStep("milstein"))(uneven)
    window = dl.torch.Windows(uneven, model, HORIZON).batch([3, 5])
    draws = []
    for mode in (torch.enable_grad, torch.no_grad):
        with mode():
            draws.append(model.draw(window, paths=2, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(draws[0], draws[1])
    assert draws[0].requires_grad
    assert not draws[1].requires_grad


def test_the_adjoint_gives_the_gradients_of_the_solver(uneven):
    """The adjoint of a fine grid: the two differ by the error of the discretisation."""
    with jax.enable_x64(True):
        model = build("NeuralODE", hidden=1, memory=3, solver=FixedStep("rk4", 8))(uneven)
        window = dl.torch.Windows(uneven, model, HORIZON).batch([3, 11, 30])
        found = []
        for adjoint in (False, True):
            model.zero_grad()
            model.loss(window, adjoint=adjoint)[0].backward()
            found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert relative(found[1].numpy(), found[0].numpy()) < 1e-7
    adaptive = build("NeuralODE", hidden=0, memory=1, solver=Adaptive(rtol=1e-6, atol=1e-8))(uneven)
    window = dl.torch.Windows(uneven, adaptive, 2).batch([3, 11])
    window = window._replace(control=window.control.clone().requires_grad_())
    by_control = []
    for adjoint in (False, True):
        by_control += torch.autograd.grad(adaptive(window, adjoint=adjoint).sum(), window.control)
    assert relative(by_control[1].numpy(), by_control[0].numpy()) < 1e-3


# Fit, forecast, evaluate


def test_a_fit_in_torch_lowers_the_loss_and_a_forecast_follows(case):
    ds, make = case
    model = make(ds)
    windows = dl.torch.Windows(ds, model, 3)
    window = windows.batch(np.arange(len(windows)))

    def loss() -> float:
        with torch.no_grad():
            return float(model.loss(window, generator=torch.Generator().manual_seed(0))[0])

    before = loss()
    settings = {**FEW, "steps": 60, "validate_every": 20, "learning_rate": 1e-2}
    result = dl.fit(model, ds, ds, dl.torch.Training(**settings), progress=False, calibration_horizon=HORIZON)
    assert result.model is model
    assert result.statistics["steps"] == 60
    assert loss() < 0.95 * before
    dl.validate(result.history)
    assert {"loss", "gradient", "validation"} <= set(result.history.dyn.outputs)

    ahead = ds.isel(time=slice(12, 16))
    options = {"controls": ahead["control"], "times": ahead["t"].values, "samples": 5, "key": 1}
    found = [dl.forecast(m, ds.isel(time=slice(0, 12)), **options) for m in (model, model.twin())]
    assert found[0].identical(found[1])
    assert np.isfinite(found[0]["output_scale"]).all()
    assert (found[0]["output_scale"] > 0).all()


@pytest.mark.slow
def test_every_verb_takes_it_as_it_is(linear, tmp_path):
    _, make = CASES["node own field"]
    model = dl.fitting.calibrate(make(linear).twin(), linear, horizon=HORIZON)
    model = make(linear).adopt(model)
    options = {"context": 12, "horizon": 3, "train": linear, "samples": 5}
    scores = [dl.evaluate(m, linear, **options) for m in (model, model.twin())]
    assert scores[0]["model"].values[0] == "NeuralODE"
    assert scores[0].identical(scores[1])
    dl.save(model, tmp_path / "model.dyn")
    loaded = dl.load(tmp_path / "model.dyn")
    assert dl.simulate(loaded, linear, warmup=12).identical(dl.simulate(model, linear, warmup=12))
    cost = dl.control.Quadratic(target=[3.0, 3.0], Q=np.eye(2), R=np.eye(1))
    mpc = dl.control.MPC(model, cost, horizon=3, bounds=(-1.0, 1.0), interval=0.1)
    assert type(mpc.model) is dl.models.NeuralODE


def test_a_state_dict_holds_all_of_it(uneven):
    _, make = CASES["node hidden static uneven gaps"]
    model, other = make(uneven), build("NeuralODE", hidden=2, memory=4, key=1)(uneven)
    window = dl.torch.Windows(uneven, model, 3).batch([2, 5])
    assert not torch.equal(other(window), model(window))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(window), model(window))


@pytest.mark.slow
def test_it_trains_on_the_windows_of_a_gradient_fit_to_the_same_weights(uneven):
    """Which a model of torch can have as well: its twin is fitted, and what it became taken back."""
    settings = {**FEW, "steps": 20, "validate_every": 5, "weight_decay": 0.1, "clip": 0.5}
    results, models = [], []
    for method in (dl.torch.Training(**settings), dl.fitting.Gradient(**settings)):
        models.append(build("NeuralODE", hidden=1, memory=3)(uneven))
        before = weights(models[-1])
        results.append(dl.fit(models[-1], uneven, uneven, method, progress=False, key=2))
        assert results[-1].model is models[-1]
        assert weights(models[-1]) != before
    names = sorted(results[0].history.dyn.outputs)
    numbers = [r.history["output"].sel(output_name=names).values for r in results]
    np.testing.assert_allclose(*numbers, rtol=1e-3)
    assert results[0].reason is results[1].reason
    for a, b in zip(models[0].field.parameters(), models[1].field.parameters(), strict=True):
        assert torch.allclose(a, b, rtol=0, atol=1e-3)


@pytest.fixture(scope="module")
def small(linear):
    return lambda **options: dl.torch.NeuralODE.from_data(
        linear, **{"hidden": 0, "memory": 1, "width": 8, **options}
    )


def weights(model) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in model.state_dict().values()]


@pytest.mark.parametrize("family", ["NeuralODE", "NeuralSDE"])
def test_the_same_key_gives_the_same_fit(family, linear):
    def fitted(key):
        model = build(family, hidden=0, memory=1)(linear)
        torch.manual_seed(key + 100)  # torch's own generator is not what a fit takes its numbers from
        return weights(dl.fit(model, linear, method=dl.torch.Training(**FEW), key=key, progress=False).model)

    assert fitted(0) == fitted(0)
    assert fitted(0) != fitted(1)


@pytest.mark.parametrize("validated", [True, False])
def test_a_resumed_fit_ends_as_one_that_was_never_stopped(validated, linear, small, tmp_path, monkeypatch):
    from dynlearn.fitting.checkpoint.checkpoint import Checkpoint

    validation = linear if validated else None
    method = dl.torch.Training(**FEW)
    whole = dl.fit(small(), linear, validation, method, progress=False)
    path = tmp_path / "fit.checkpoint"

    class Stop(Exception):
        pass

    save = Checkpoint.save

    def killed(self, progress):
        save(self, progress)
        if progress.step == 4:
            raise Stop

    model = small()
    before = weights(model)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(Stop):
            dl.fit(model, linear, validation, method, progress=False, checkpoint=path)
    assert weights(model) == before, "a fit that did not end leaves the model as it was"
    resumed = dl.fit(model, linear, validation, method, progress=False, checkpoint=path)
    assert weights(resumed.model) == weights(whole.model)
    assert resumed.history.identical(whole.history)
    assert resumed.reason is whole.reason
    with pytest.raises(FileFormatError, match=r"method.batch is \d+ there and 9 here"):
        dl.fit(small(), linear, validation, dl.torch.Training(**{**FEW, "batch": 9}), checkpoint=path)


def test_a_fit_leaves_the_number_of_threads_as_it_was(linear, small, monkeypatch):
    seen = []
    loss = dl.torch.NeuralODE.loss

    def noticed(self, *args, **options):
        seen.append(torch.get_num_threads())
        return loss(self, *args, **options)

    monkeypatch.setattr(dl.torch.NeuralODE, "loss", noticed)
    settings = {**FEW, "steps": 1}
    dl.fit(small(), linear, method=dl.torch.Training(**settings, threads=2), progress=False)
    assert (seen, torch.get_num_threads()) == ([2], 1)


def test_it_stops_early_and_keeps_the_best(linear, small):
    method = dl.torch.Training(**{**FEW, "steps": 40, "learning_rate": 0.5, "clip": 1e3, "patience": 2})
    result = dl.fit(small(), linear, linear, method, progress=False)
    assert result.reason.name in ("EARLY_STOPPED", "NOT_IMPROVED")
    assert result.statistics["steps"] < 40


def test_a_diverged_fit_keeps_the_last_good_weights(linear, small):
    model = small()
    before = weights(model)
    with torch.no_grad():
        model.field.network.layers[-1].bias.fill_(3e38)
    broken = copy.deepcopy(model)
    method = dl.torch.Training(**FEW)
    with pytest.raises(FitError, match="are not finite"):
        dl.fit(broken, linear, method=method, progress=False)
    assert weights(broken) == weights(model) != before
    diverging = dl.torch.Training(**{**FEW, "learning_rate": 1e30, "clip": 1e30, "steps": 40})
    result = dl.fit(small(), linear, linear, diverging, progress=False)
    assert result.reason.name == "DIVERGED"
    assert all(torch.isfinite(tensor).all() for tensor in result.model.state_dict().values())


def test_an_adaptive_solver_that_gives_up_is_a_sentence(linear):
    model = build("NeuralODE", hidden=0, memory=1, solver=Adaptive(rtol=1e-6, max_steps=2))(linear)
    with torch.no_grad():
        model.field.network.layers[-1].weight.mul_(1e3)
    window = dl.torch.Windows(linear, model, 3).batch([0, 1])
    with pytest.raises(DivergedError, match=r"could not be crossed \(max_num_steps exceeded"):
        model(window)


def test_a_twin_is_of_now_and_apart(small):
    model = small()
    first = model.twin()
    kept = np.array(first.field.network.layers[0].bias)
    with torch.no_grad():
        model.field.network.layers[0].bias.add_(1)
    assert np.array_equal(first.field.network.layers[0].bias, kept)
    assert np.array_equal(model.twin().field.network.layers[0].bias, kept + 1)
    clone = copy.deepcopy(model)
    assert clone.adopt(first) is clone
    assert np.array_equal(clone.field.network.layers[0].bias.detach(), kept)
    assert np.array_equal(model.field.network.layers[0].bias.detach(), kept + 1)


def test_a_users_field_is_exported_once_and_its_weights_come_back(linear, monkeypatch):
    field = Spring()
    model = dl.torch.NeuralODE.from_data(linear, field=field, hidden=0, memory=1)
    monkeypatch.setattr(sys.modules["dynlearn.torch.door.from_module"], "lower", None)
    before = field.A.detach().clone()
    dl.fit(model, linear, method=dl.torch.Training(**FEW), progress=False)
    assert not torch.equal(field.A, before), "the module given is a part of the model"
    assert np.array_equal(model.twin().field.function.program.weights[0], field.A.detach())
    assert torch.equal(field.gain, Spring().gain), "a frozen parameter stays"


def test_bad_input_is_answered_in_words(linear, small):
    model = small()
    settings = dl.torch.Training(**FEW)
    with pytest.raises(ArgumentError, match=r"build it with dl\.torch\.NeuralODE\.from_data"):
        dl.fit(model.twin(), linear, method=settings, progress=False)
    with pytest.raises(
        ArgumentError, match="in torch a NeuralODE is fitted by 'multi_step', got 'likelihood'"
    ):
        dl.fit(model, linear, method=settings, objective="likelihood", progress=False)
    sde = build("NeuralSDE", hidden=0, memory=1)(linear)
    with pytest.raises(ArgumentError, match="leave adjoint out"):
        dl.fit(sde, linear, method=dl.torch.Training(**FEW, adjoint=True), progress=False)
    with pytest.raises(ArgumentError, match="Training: expected steps to be an integer >= 1, got 0"):
        dl.torch.Training(steps=0)
    with pytest.raises(ArgumentError, match=r"expected learning_rate > 0, .* got 0, 1.0, 0.0, 0.99"):
        dl.torch.Training(learning_rate=0)
    with pytest.raises(ArgumentError, match="expected adjoint to be True or False"):
        dl.torch.Training(adjoint=1)
    frozen = small(field=Spring().requires_grad_(False))
    with pytest.raises(ArgumentError, match="has nothing to train"):
        dl.fit(frozen, linear, method=settings, progress=False)
    with pytest.raises(ArgumentError, match="no differentiable equal of the scheme 'kvaerno5'"):
        small(solver=Adaptive("kvaerno5"))
    with pytest.raises(ArgumentError, match="torchsde has no equal of the scheme 'sra1'"):
        dl.torch.NeuralSDE.from_data(linear, noise="additive", solver=StochasticStep("sra1"))
    with pytest.raises(ArgumentError, match=r"field: expected a torch\.nn\.Module"):
        small(field=lambda t, x, u: x)
    with pytest.raises(ArgumentError, match="did you mean 'width'"):
        small(widht=3)
    window = dl.torch.Windows(linear, sde, HORIZON).batch([0])
    state = sde.infer(window.first(1))
    with pytest.raises(ArgumentError, match=r"shape \(batch, horizon, substep, state\)"):
        sde.follow(state, window, torch.zeros(1, 2, 3))
    with pytest.raises(ArgumentError, match=r"infer: expected windows of 1 samples, got 6"):
        model.infer(window)
    with pytest.raises(
        ArgumentError, match=r"expected float32, the precision of this session.*call \.float\(\)"
    ):
        copy.deepcopy(model).double().twin()
    with pytest.raises(ArgumentError, match="adopt: expected a model with the arrays of this one"):
        model.adopt(small(width=4).twin())


class Clocked(torch.nn.Module):
    def forward(self, t, x, u):
        return torch.cat(
            [x[:, 1:], torch.full_like(x[:, :1], 1.0) * torch.stack([t] * len(x)).reshape(len(x), -1)], 1
        )


def test_a_field_that_cannot_take_an_instant_for_each_row_is_refused(small):
    with pytest.raises(ArgumentError, match="Clocked must take t as a scalar and as"):
        small(field=Clocked())
