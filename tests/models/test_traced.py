"""The border to JAX's transformations: what cannot be traced says what can."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.models import rollout
from dynlearn.trajectories.window import cut


@pytest.fixture(scope="module")
def arx(linear):
    return dl.fit(dl.models.ARX.from_data(linear, delays=0), linear, progress=False).model


def walk():
    M = {"A": [[1.0]], "C": [[1.0]], "Q": [[0.1]], "R": [[1.0]]}
    return dl.models.LinearStateSpace.from_matrices(dl.models.Signature(("y",), interval=1.0), M)


def test_a_verb_on_datasets_is_not_traced(arx, linear):
    u = np.zeros((3, 1))
    with pytest.raises(
        ArgumentError, match=r"forecast: expected arrays, got traced ones.*call dl.models.rollout"
    ):
        eqx.filter_jit(lambda m: dl.forecast(m, linear, 3, controls=u, samples=2))(arx)
    with pytest.raises(ArgumentError, match=r"forecast: expected arrays, got traced ones"):
        jax.jit(lambda u: dl.forecast(arx, linear, 3, controls=u, samples=2)["output_mean"].values)(u)
    with pytest.raises(ArgumentError, match=r"simulate: expected arrays, got traced ones"):
        eqx.filter_jit(lambda m: dl.simulate(m, linear, warmup=5))(arx)
    with pytest.raises(ArgumentError, match=r"fit: expected arrays, got traced ones.*dl.fitting.OBJECTIVES"):
        eqx.filter_jit(lambda m: dl.fit(m, linear, progress=False))(arx)


def test_the_likelihood_under_grad(linear):
    ds = dl.from_arrays([[[0.0], [1.0], [0.5]]], dt=1.0, output_names=["y"])
    with pytest.raises(
        ArgumentError, match=r"log_likelihood: expected arrays, got traced.*dl.inference.log_density"
    ):
        eqx.filter_grad(lambda m: dl.log_likelihood(m, ds).sum().values)(walk())
    run = jax.tree.map(lambda leaf: leaf[0], ds.dyn.to_device())
    slope = eqx.filter_grad(lambda m: dl.inference.log_density(m, run).sum())(walk())
    assert np.isfinite(slope.system.Q.raw).all()


def test_what_the_sentence_names_works(arx, linear):
    window = cut(linear.dyn.to_device(), jnp.asarray(0), jnp.asarray(20), arx.memory, 3)

    @eqx.filter_jit
    def mean(model):
        k = model.memory
        state = model.infer(window[:k])
        ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
        return rollout(model, state, *ahead)[1].mean

    context = linear.isel(trajectory=[0], time=slice(0, 21))
    u = linear["control"].isel(trajectory=[0], time=slice(21, 24)).values
    fc = dl.forecast(arx, context, 3, controls=u, samples=2)
    np.testing.assert_allclose(mean(arx), fc["output_mean"].values[0], rtol=1e-5)


@pytest.mark.slow
def test_forward_mode_through_a_reverse_mode_adjoint():
    def end(p, **options):
        return dl.solvers.solve_ode(
            lambda t, x, u, p: -p * x, jnp.ones(1), jnp.array([0.0, 1.0]), parameters=p, **options
        ).states[-1, 0]

    for derivative in (jax.jacfwd, jax.hessian):
        with pytest.raises(
            ArgumentError, match=r"adjoint: 'checkpointed' .*reverse mode only.*adjoint='forward'"
        ):
            derivative(end)(1.0)
    exact = -np.exp(-1.0)
    np.testing.assert_allclose(jax.jacfwd(lambda p: end(p, adjoint="forward"))(1.0), exact, atol=1e-3)
    second = jax.hessian(lambda p: end(p, solver=dl.solvers.FixedStep(substeps=4)))(1.0)
    np.testing.assert_allclose(second, -exact, atol=1e-3)
