"""Every family and every result can be pickled and copied, and goes to another process."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from tests.models.cases import CASES


@pytest.mark.parametrize("name", CASES)
def test_every_family(name, data):
    kind, build = CASES[name]
    model = build(data[kind])
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert eqx.tree_equal(other, model)


@pytest.fixture(scope="module")
def fitted(linear):
    return dl.fit(dl.models.ARX.from_data(linear, delays=1), linear, progress=False)


def same(a, b) -> bool:
    """Equal in every array, and in the type of every node."""
    leaves = [jax.tree.flatten(tree) for tree in (a, b)]
    return leaves[0][1] == leaves[1][1] and all(
        np.array_equal(np.asarray(x), np.asarray(y)) if eqx.is_array_like(x) else x == y
        for x, y in zip(leaves[0][0], leaves[1][0], strict=True)
    )


def test_a_fit_and_its_settings(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert eqx.tree_equal(again.model, fitted.model)
    assert again.history.identical(fitted.history)
    assert again.reason is fitted.reason
    assert str(again.statistics) == str(fitted.statistics)
    for method in dl.fitting.METHODS.values():
        assert pickle.loads(pickle.dumps(method())) == method()


def test_plans_decisions_and_solutions(fitted, linear):
    solution = dl.solvers.solve_ode(decay, jnp.ones(2), jnp.linspace(0.0, 1.0, 3))
    mpc = dl.control.MPC(
        fitted.model,
        dl.control.Quadratic([0.0, 0.0], Q=[1.0, 1.0], R=[0.1]),
        horizon=3,
        planner=dl.control.CEM(samples=24, iterations=1),
        bounds=(-1.0, 1.0),
    )
    past = linear.isel(trajectory=slice(0, 1), time=slice(0, 5))
    memory = mpc.init(past)
    action, memory, decision = mpc.act(memory, np.zeros(2))
    for result in (solution, memory, decision, mpc):
        for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            assert type(other) is type(result)
    assert same(pickle.loads(pickle.dumps(solution)), solution)
    again, _, _ = pickle.loads(pickle.dumps(mpc)).act(pickle.loads(pickle.dumps(mpc.init(past))), np.zeros(2))
    np.testing.assert_array_equal(again, action)


def test_a_module_of_the_users_own(linear):
    """An Equinox network with an activation of JAX's, which pickle cannot find by its name."""
    network = eqx.nn.MLP(4, 2, 4, 1, activation=jnp.tanh, key=jax.random.key(0))
    model = dl.models.NeuralODE.from_data(linear, hidden=0, memory=1, field=Field(network))
    assert eqx.tree_equal(pickle.loads(pickle.dumps(model)), model)


class Field(eqx.Module):
    network: eqx.nn.MLP

    def __call__(self, t, x, u, s):
        return self.network(jnp.concatenate([x, u, jnp.atleast_1d(t)]))


def decay(t, x, u, p):
    return -x


def test_a_process_of_its_own(linear):
    """By spawn, as on every system but Linux: the model arrives, and forecasts the same."""
    model = dl.fitting.calibrate(dl.models.NeuralODE.from_data(linear, hidden=0, memory=1, width=4), linear)
    call = {"horizon": 2, "controls": np.zeros((2, 1)), "samples": 3, "key": 1}
    context = linear.isel(time=slice(0, 20))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(dl.forecast, model, context, **call).result(timeout=300)
    np.testing.assert_allclose(found["output"], dl.forecast(model, context, **call)["output"], rtol=1e-4)
