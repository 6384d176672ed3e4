"""from_module: torch modules as the dynamics of a model, fitted here and written back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, SchemaError
from dynlearn.models import rollout

torch = pytest.importorskip("torch")
DT, HORIZON = 0.1, 12


class Field(torch.nn.Module):
    """A small network of all its arguments, driven by sin(t)."""

    def __init__(self, inputs=3, states=2, scale=1.0, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.net = torch.nn.Sequential(
            torch.nn.Linear(inputs, 8), torch.nn.Tanh(), torch.nn.Linear(8, states)
        )
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, t, x, *rest):
        return self.scale * self.net(torch.cat([x, *rest], -1)) + torch.sin(t)


def by_torch(module, kind, x, u, s):
    """The trajectory by a plain loop over one state: RK4, Euler, or the map."""
    path = []
    rest = [s] if s.numel() else []

    def f(t, x):
        given = [x, *([u[k]] if u.shape[1] else []), *rest]
        return module(torch.as_tensor(t, dtype=x.dtype), *(row[None] for row in given))[0]

    with torch.no_grad():
        for k in range(HORIZON):
            t = k * DT
            if kind == "step":
                x = f(t, x)
            elif kind == "sde":
                x = x + DT * f(t, x)
            else:
                a = f(t, x)
                b = f(t + DT / 2, x + DT / 2 * a)
                c = f(t + DT / 2, x + DT / 2 * b)
                x = x + DT / 6 * (a + 2 * b + 2 * c + f(t + DT, x + DT * c))
            path.append(x)
    return torch.stack(path).numpy()


def by_model(model, x, u, s):
    """The same from the model's own state, scaled and back."""
    window = dl.from_arrays(x[None, : model.signature.outputs], u[:1] if u.size else None, dt=DT)
    past = jax.tree.map(lambda leaf: leaf[0], window.dyn.to_device())
    state = model.infer(eqx.tree_at(lambda w: w.static, past, jnp.asarray(s)))
    control = jnp.concatenate([jnp.asarray(u), jnp.zeros((1, u.shape[1]))])
    time, interval = DT * jnp.arange(HORIZON + 1.0), jnp.full(HORIZON, DT)
    return np.asarray(jax.jit(lambda m, z: rollout(m, z, control, time, interval)[1].mean)(model, state))


def inputs(controls, statics, dtype):
    rng = np.random.default_rng(0)
    shapes = (2,), (HORIZON, controls), (statics,)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def largest_difference(kind, controls, statics, batched, dtype, **options):
    module = Field(2 + controls + statics).to(getattr(torch, dtype))
    diffusion = Field(2 + controls + statics, seed=1).to(module.scale.dtype) if kind == "sde" else None
    model = dl.torch.from_module(
        module, 2, controls, kind, statics=statics, batched=batched, diffusion=diffusion, **options
    )
    given = inputs(controls, statics, dtype)
    found, expected = by_model(model, *given), by_torch(module, kind, *map(torch.tensor, given))
    assert found.shape == (HORIZON, 2)
    return abs(found - expected).max()


@pytest.mark.parametrize(
    ("kind", "controls", "statics", "batched"),
    [
        ("vector_field", 0, 0, True),
        ("vector_field", 1, 2, True),
        ("vector_field", 2, 0, False),
        ("step", 0, 1, False),
        ("step", 1, 0, True),
        ("sde", 1, 1, True),
    ],
)
def test_trajectories_agree_with_a_loop_in_torch(kind, controls, statics, batched):
    options = {"dt": DT} if kind == "step" else {}
    assert largest_difference(kind, controls, statics, batched, "float32", **options) < 1e-5


@pytest.mark.parametrize("kind", ["vector_field", "step"])
def test_trajectories_agree_to_the_last_digits_in_float64(kind):
    with jax.enable_x64(True):
        options = {"dt": DT} if kind == "step" else {}
        assert largest_difference(kind, 1, 0, True, "float64", **options) < 1e-10


def test_drawn_paths_of_an_sde_have_the_spread_of_its_diffusion():
    class Constant(torch.nn.Module):
        def __init__(self, *values):
            super().__init__()
            self.value = torch.nn.Parameter(torch.tensor(values))

        def forward(self, t, x):
            return self.value.expand_as(x)

    model = dl.torch.from_module(Constant(0.0, 0.0), 2, kind="sde", diffusion=Constant(0.5, 2.0))
    state = eqx.tree_at(lambda z: z.x, _state(model), jnp.array([1.0, -1.0]))

    def end(key):
        return model.step(state, jnp.zeros(0), jnp.zeros(()), jnp.asarray(0.25), key=key).x

    found = jax.jit(jax.vmap(end))(jax.random.split(jax.random.key(0), 4000))
    np.testing.assert_allclose(found.mean(0), [1, -1], atol=0.05)
    np.testing.assert_allclose(found.std(0), [0.25, 1.0], rtol=0.05)


def _state(model):
    past = dl.from_arrays(np.zeros((model.memory, model.signature.outputs)), dt=DT).dyn.to_device()
    return model.infer(jax.tree.map(lambda leaf: leaf[0], past))


def test_states_that_are_not_outputs_are_inferred_and_follow_the_module():
    module = Field(3, 3)
    model = dl.torch.from_module(module, 3, outputs=1, output_names=["angle"], memory=4)
    assert (model.hidden, model.memory, model.signature.output_names) == (2, 4, ("angle",))
    state = eqx.tree_at(lambda z: z.x, _state(model), jnp.array([0.1, -0.4, 0.7]))
    time, interval = DT * jnp.arange(HORIZON + 1.0), jnp.full(HORIZON, DT)
    states = rollout(model, state, jnp.zeros((HORIZON + 1, 0)), time, interval)[0].x
    given = torch.tensor([0.1, -0.4, 0.7]), torch.zeros(HORIZON, 0), torch.zeros(0)
    np.testing.assert_allclose(states, by_torch(module, "vector_field", *given), atol=1e-5)


def test_the_data_give_names_units_sampling_and_scaling(linear):
    model = dl.torch.from_module(Field(), 2, 1, "step", data=linear)
    assert model.signature.output_names == ("position", "speed")
    assert model.signature.control_units == ("N",)
    assert model.signature.interval == pytest.approx(DT)
    np.testing.assert_allclose(
        model.scaling.output_mean, linear.output.mean(["trajectory", "time"]), rtol=1e-5
    )


def test_without_data_names_are_those_of_from_arrays():
    model = dl.torch.from_module(Field(4), 2, 1, statics=1)
    names = model.signature
    assert (names.output_names, names.control_names, names.static_names) == (("y0", "y1"), ("u0",), ("p0",))
    chosen = dl.torch.from_module(Field(3), 2, 1, output_names=["a", "b"], control_names=["c"])
    assert (chosen.signature.output_names, chosen.signature.control_names) == (("a", "b"), ("c",))


class Returns(torch.nn.Module):
    """Calls a function, so that a test can say in a line what its module does wrong."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, t, x, u):
        return self.function(t, x, u)


SHARED = Field()
REFUSED = {
    "not a module": (lambda: (lambda t, x: x, 2), {}, r"module: expected a torch.nn.Module .*got function"),
    "kind": (
        lambda: (Field(), 2, 1, "vectorfield"),
        {},
        "unknown kind 'vectorfield'; did you mean 'vector_field'",
    ),
    "states": (lambda: (Field(), 0), {}, "states: expected an integer >= 1, got 0"),
    "outputs": (lambda: (Field(), 2, 1), {"outputs": 3}, "outputs: expected at most the 2 states"),
    "names": (lambda: (Field(), 2, 1), {"output_names": ["a"]}, "output_names: expected 2 names"),
    "step without dt": (lambda: (Field(), 2, 1, "step"), {}, "dt, data: kind 'step' needs .*got neither"),
    "dt": (lambda: (Field(), 2, 1, "step"), {"dt": -1.0}, "dt: expected a number > 0, got -1.0"),
    "dt of a field": (lambda: (Field(), 2, 1), {"dt": 0.1}, "dt: expected None for kind 'vector_field'"),
    "solver of a map": (lambda: (Field(), 2, 1, "step"), {"dt": 0.1, "solver": 1}, "a map is not integrated"),
    "no diffusion": (
        lambda: (Field(), 2, 1, "sde"),
        {},
        "diffusion: kind 'sde' needs a second torch.nn.Module",
    ),
    "diffusion": (
        lambda: (Field(), 2, 1),
        {"diffusion": Field()},
        "diffusion: expected None for kind 'vector_field'",
    ),
    "shared": (
        lambda: (SHARED, 2, 1, "sde"),
        {"diffusion": SHARED},
        r"shares the parameters \['net.0.weight'",
    ),
    "arguments": (
        lambda: (Returns(None), 2),
        {},
        r"called as forward\(t, x\).*missing a required argument: 'u'",
    ),
    "sizes": (lambda: (Field(5), 2, 1), {}, r"calling Field\(t \(\), x \(3, 2\), u \(3, 1\)\) failed: mat1"),
    "shape": (lambda: (Field(3, 4), 2, 1), {}, r"expected a tensor of floats \(3, 2\) back.*\(3, 4\)"),
    "type": (lambda: (Returns(lambda *a: a), 2, 1), {}, "one per state, got tuple"),
    "later rows": (
        lambda: (Returns(lambda t, x, u: -x + 0.5 * x[:1]), 2, 1),
        {},
        "the second of three rows",
    ),
    "rows": (
        lambda: (Returns(lambda t, x, u: x - x.mean(0)), 2, 1),
        {},
        "every row of x must be computed on its own",
    ),
    "branch": (
        lambda: (Returns(lambda t, x, u: x if x.sum() > 0 else -x), 2, 1),
        {},
        "decides by the values",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_said(case):
    make, options, words = REFUSED[case]
    with pytest.raises(ArgumentError, match=words):
        dl.torch.from_module(*make(), **options)


def test_data_that_do_not_fit_the_module_are_said(linear, uneven):
    with pytest.raises(ArgumentError, match=r"the module has 3 states \(outputs\), the data 2"):
        dl.torch.from_module(Field(4, 3), 3, 1, data=linear)
    with pytest.raises(ArgumentError, match=r"the module has 0 controls, the data 1: \['force'\]"):
        dl.torch.from_module(Field(2), 2, data=linear)
    with pytest.raises(ArgumentError, match="the module has 0 statics, the data 1"):
        dl.torch.from_module(Field(3), 2, 1, data=uneven)
    with pytest.raises(ArgumentError, match="output_names: expected None with data"):
        dl.torch.from_module(Field(3), 2, 1, data=linear, output_names=["a", "b"])
    with pytest.raises(SchemaError, match="regular sampling"):
        dl.torch.from_module(Field(4), 2, 1, "step", data=uneven, statics=1)
