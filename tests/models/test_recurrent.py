"""ALRNN and PLRNN: the map against its equation, its common form, what data force, and what is refused."""

import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.contract.forcing import Forcing, forced_states
from dynlearn.models import ALRNN, PLRNN, Signature
from dynlearn.trajectories.window import cut

ONE = Signature(("y",), interval=0.5)
TWO = Signature(("a", "b"), ("u",), ("s",), interval=0.5)


def with_cell(model, **arrays):
    cell = model.cell
    for name, value in arrays.items():
        cell = eqx.tree_at(lambda c, n=name: getattr(c, n), cell, jnp.asarray(value, jnp.float32))
    return eqx.tree_at(lambda m: m.cell, model, cell)


def random(model, seed=0):
    """Every weight of the cell drawn anew, so that no term is small."""
    leaves, structure = jax.tree.flatten(model.cell)
    rng = np.random.default_rng(seed)
    drawn = [
        jnp.asarray(0.5 * rng.normal(size=x.shape), x.dtype) if eqx.is_inexact_array(x) else x for x in leaves
    ]
    return eqx.tree_at(lambda m: m.cell, model, jax.tree.unflatten(structure, drawn))


def relu(x):
    return np.maximum(x, 0)


def test_almost_linear_is_its_equation():
    model = random(ALRNN(TWO, latent=4, nonlinear=2, key=0))
    c = jax.tree.map(np.asarray, model.cell)
    z, v = np.array([0.3, -0.7, -0.4, 0.9]), np.array([0.2, -1.1])
    phi = np.array([0.3, -0.7, 0.0, 0.9])
    expected = c.a * z + c.W @ phi + c.drive @ v + c.h
    np.testing.assert_allclose(model.advance(jnp.asarray(z), jnp.asarray(v)), expected, rtol=1e-5)


@pytest.mark.parametrize("form", ["shallow", "clipped", "dendritic"])
def test_piecewise_linear_is_its_equation(form):
    model = random(PLRNN(TWO, form=form, latent=3, width=5, key=0))
    c = jax.tree.map(np.asarray, model.cell)
    z, v = np.array([0.3, -0.7, 0.4]), np.array([0.2, -1.1])
    inner = {
        "shallow": lambda: c.W1 @ relu(c.W2 @ z + c.c),
        "clipped": lambda: c.W1 @ (relu(c.W2 @ z + c.c) - relu(c.W2 @ z)),
        "dendritic": lambda: c.W @ sum(w * relu(z - row) for w, row in zip(c.w, c.c, strict=True)),
    }[form]()
    expected = c.a * z + inner + c.drive @ v + c.h
    np.testing.assert_allclose(model.advance(jnp.asarray(z), jnp.asarray(v)), expected, rtol=1e-5)


BUILDS = {
    "almost linear": lambda: ALRNN(TWO, latent=5, nonlinear=2, key=0),
    "shallow": lambda: PLRNN(TWO, form="shallow", latent=3, width=7, key=0),
    "clipped": lambda: PLRNN(TWO, form="clipped", latent=3, width=7, key=0),
    "dendritic": lambda: PLRNN(TWO, form="dendritic", latent=3, width=4, key=0),
}


@pytest.mark.parametrize("name", BUILDS)
def test_the_common_form_is_the_same_map(name):
    model = random(BUILDS[name]())
    A, V, U, c, h, B = map(np.asarray, model.pieces())
    rng = np.random.default_rng(1)
    for _ in range(20):
        z, v = rng.normal(size=len(h)), rng.normal(size=B.shape[1])
        expected = A @ z + V @ relu(U @ z + c) + B @ v + h
        np.testing.assert_allclose(
            model.advance(jnp.asarray(z, jnp.float32), jnp.asarray(v, jnp.float32)),
            expected,
            rtol=2e-4,
            atol=1e-5,
        )


def test_a_clipped_map_stays_bounded():
    model = random(PLRNN(ONE, form="clipped", latent=3, width=6, key=0))
    model = with_cell(model, a=[0.9, -0.8, 0.5])
    z = jnp.full(3, 50.0)
    step = jax.jit(lambda z, v: model.advance(z, v))
    for _ in range(400):
        z = step(z, jnp.zeros(0))
    c = jax.tree.map(np.asarray, model.cell)
    bound = (np.abs(c.W1) @ np.abs(c.c) + np.abs(c.h)) / (1 - np.abs(c.a))
    assert (np.abs(np.asarray(z)) <= bound + 1e-3).all()


def data(values, dt=0.5):
    return dl.from_arrays([np.asarray(values, float)[:, None]], dt=dt, output_names=["y"])


def window(ds, model, now):
    return cut(ds.dyn.to_device(), 0, jnp.asarray(now), model.memory, 0)


def scalar(strength=1.0, memory=4, a=0.5, h=1.0):
    """z' = a z + h, alone."""
    model = ALRNN(ONE, latent=1, nonlinear=0, memory=memory, key=0)
    model = with_cell(model, a=[a], W=[[0.0]], h=[h])
    return eqx.tree_at(lambda m: m.forcing, model, Forcing(jnp.asarray(strength), jnp.asarray(2)))


def test_data_take_the_place_of_the_state_by_the_strength():
    model = scalar(strength=0.25)
    y = [2.0, np.nan, 4.0, 8.0]
    z = 2.0  # begins at the first sample
    z = 0.5 * z + 1  # nothing measured
    z = 0.5 * z + 1
    z += 0.25 * (4.0 - z)
    z = 0.5 * z + 1
    z += 0.25 * (8.0 - z)
    found = model.infer(window(data(y), model, 3))
    assert float(found.z[0]) == pytest.approx(z)


def test_a_context_that_is_shorter_than_the_memory_begins_where_it_does():
    model = scalar(strength=0.0, memory=6)
    assert float(model.infer(window(data([3.0, np.nan, np.nan]), model, 2)).z[0]) == pytest.approx(
        0.5 * (0.5 * 3 + 1) + 1
    )


def test_hidden_units_begin_as_a_linear_map_of_the_outputs():
    model = ALRNN(TWO, latent=4, nonlinear=1, key=0)
    y = jnp.array([1.0, -2.0])
    np.testing.assert_allclose(
        model.origin(y, jnp.array([True, True])), jnp.concatenate([y, model.guess @ y])
    )
    # What is not known stands at its mean, 0 in scaled units.
    partly = model.origin(y, jnp.array([True, False]))
    np.testing.assert_allclose(partly[:2], [1.0, 0.0])


def test_a_state_is_unknown_where_an_output_was_never_measured():
    values = np.ones((1, 4, 2))
    values[0, :, 1] = np.nan
    ds = dl.from_arrays(values, dt=0.5)
    model = ALRNN(Signature(("y0", "y1"), interval=0.5), latent=2, nonlinear=0, memory=4, key=0)
    assert np.isnan(model.infer(cut(ds.dyn.to_device(), 0, jnp.asarray(3), 4, 0)).z).all()


def test_controls_and_static_features_enter_scaled():
    rng = np.random.default_rng(0)
    ds = dl.from_arrays(
        rng.normal(size=(3, 20, 1)),
        5 + 2 * rng.normal(size=(3, 20, 1)),
        dt=0.5,
        static=[[1.0], [2.0], [3.0]],
    )
    model = random(ALRNN.from_data(ds, latent=2, nonlinear=1, memory=3, key=0))
    state = model.infer(cut(ds.dyn.to_device(), 2, jnp.asarray(10), 3, 0))
    after = model.step(state, jnp.array([7.0]), jnp.zeros(()), jnp.asarray(0.5))
    u = (7.0 - float(model.scaling.control_mean[0])) / float(model.scaling.control_scale[0])
    s = (3.0 - float(model.scaling.static_mean[0])) / float(model.scaling.static_scale[0])
    np.testing.assert_allclose(after.z, model.cell(state.z, jnp.array([u, s])), rtol=1e-5)


def test_forced_states_before_and_after():
    model = scalar()
    w = window(data([2.0, 6.0, 1.0, 3.0]), model, 3)
    before, after = forced_states(model, w, jnp.array([1.0, 0.0, 1.0, 0.5]))
    np.testing.assert_allclose(before[:, 0], [2.0, 2.0, 2.0, 1.5])
    np.testing.assert_allclose(after[:, 0], [2.0, 2.0, 1.0, 2.25])


def test_defaults_follow_the_data():
    t = np.arange(400)
    slow = ALRNN.from_data(data(np.sin(2 * np.pi * t / 200)), key=0)
    fast = ALRNN.from_data(data(np.sin(2 * np.pi * t / 20)), key=0)
    assert int(slow.forcing.interval) > 3 * int(fast.forcing.interval)
    assert slow.memory == 2 * int(slow.forcing.interval)
    assert (slow.latent_size, slow.nonlinear) == (30, 10)


REFUSED = {
    "ALRNN: expected latent >= 2": lambda: ALRNN(TWO, latent=1, key=0),
    "ALRNN: expected nonlinear <= latent = 3, got 4": lambda: ALRNN(TWO, latent=3, nonlinear=4, key=0),
    "nonlinear: expected an integer >= 0": lambda: ALRNN(TWO, latent=3, nonlinear=-1, key=0),
    "ALRNN: expected a signature with a sampling interval": lambda: ALRNN(Signature(("y",)), key=0),
    "unknown form 'shalow'; did you mean 'shallow'": lambda: PLRNN(TWO, form="shalow", key=0),
    "width: expected an integer >= 1": lambda: PLRNN(TWO, width=0, key=0),
    "unknown option 'laten'; did you mean 'latent'": lambda: ALRNN.from_data(data([1.0, 2.0, 1.5]), laten=4),
    "latent: expected an integer >= 1": lambda: ALRNN.from_data(data([1.0, 2.0, 1.5]), latent="a"),
    "from_data: ['scaling'] are read off the data": lambda: ALRNN.from_data(
        data([1.0, 2.0, 1.5]), scaling="x"
    ),
    "memory: expected an integer >= 1": lambda: ALRNN(TWO, memory=0, key=0),
    "Forcing.strength: expected numbers >= 0": lambda: Forcing(jnp.asarray(-0.1), jnp.asarray(3)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message):
    with pytest.raises(dl.errors.ArgumentError, match=re.escape(message)):
        REFUSED[message]()


def test_uneven_sampling_is_refused_with_the_remedy():
    ds = dl.from_arrays([[1.0, 2.0, 3.0]], times=[[0.0, 1.0, 3.5]])
    with pytest.raises(dl.errors.SchemaError, match="regular"):
        ALRNN.from_data(ds)


@pytest.fixture(scope="module")
def lorenz():
    ds = dl.datasets.load("lorenz63", runs=2, length=120, key=0)
    model = ALRNN.from_data(ds, latent=5, nonlinear=2, unforced=5, memory=6, key=0)
    method = dl.fitting.TeacherForcing(
        steps=40, validate_every=20, population=1, batch=8, horizon=20, free_run=40, free_runs=2
    )
    return ds, dl.fit(model, ds, method=method, progress=False).model


def test_a_state_space_model_around_it_moves_as_it_does(lorenz):
    ds, model = lorenz
    around = dl.models.NonlinearStateSpace.around(model)
    z = jnp.linspace(-1.0, 1.0, 5)
    u, s, now, dt = jnp.zeros(0), jnp.zeros(0), jnp.zeros(()), jnp.asarray(model.signature.interval)
    np.testing.assert_allclose(around.move(z, u, now, dt, s).mean, model.advance(z, jnp.zeros(0)), rtol=1e-5)
    np.testing.assert_allclose(around.emit(z, s).mean, z[:3], rtol=1e-5)
    smoothed = dl.smooth(around.as_fitted(), ds)
    assert smoothed["state_mean"].sizes["state_name"] == 5
    # With little noise of its own the first units follow the outputs.
    y = model.scaling.output(jnp.asarray(ds["output"].transpose("trajectory", "time", "output_name").values))
    apart = np.asarray(smoothed["state_mean"].values[..., :3] - y)
    assert np.sqrt(np.mean(apart**2)) < 0.3


def test_a_state_space_model_around_it_takes_counts(lorenz):
    model = lorenz[1]
    around = dl.models.NonlinearStateSpace.around(model, outputs="poisson", inference="particle")
    rate = float(around.emit(jnp.zeros(5), jnp.zeros(0)).mean[2])
    assert rate == pytest.approx(float(model.scaling.output_mean[2]), rel=1e-3)  # at the mean of the data


def test_around_refuses_what_the_recurrent_model_decides(lorenz):
    with pytest.raises(
        dl.errors.ArgumentError, match=r"around: the recurrent model gives .* leave out \['noise'\]"
    ):
        dl.models.NonlinearStateSpace.around(lorenz[1], noise="state")
    with pytest.raises(dl.errors.ArgumentError, match="or a recurrent model such as ALRNN, got Persistence"):
        dl.models.NonlinearStateSpace.around(dl.models.Persistence.from_data(lorenz[0]))


def test_planned_over():
    signature = Signature(("y",), ("u",), interval=1.0)
    model = ALRNN(signature, latent=1, nonlinear=0, memory=2, key=0)
    model = with_cell(model, a=[0.8], W=[[0.0]], h=[0.0], drive=[[0.5]])
    cost = dl.control.Quadratic(target=[1.0], Q=[1.0], R=[0.001])
    mpc = dl.control.MPC(model, cost, horizon=8, bounds=([-1.0], [1.0]))
    start = dl.from_arrays(
        [[[0.0], [0.0]]], [[[0.0], [0.0]]], dt=1.0, output_names=["y"], control_names=["u"]
    )
    action, _, _ = mpc.act(mpc.init(start), np.array([0.0]))
    # Full drive from rest brings it to 0.5, and on towards the target.
    assert float(np.ravel(action)[0]) > 0.8
