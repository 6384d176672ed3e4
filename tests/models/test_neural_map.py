"""Neural map: what is special to discrete-time learned dynamics."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.parts.networks.networks import mlp


def test_a_map_of_the_users_own_is_followed_in_physical_units(make_linear):
    """The fixture's own equations, so that the mean path is the noise-free recursion."""
    ds = make_linear(lengths=(30,), noise=0.0)
    A, b = jnp.array([[0.9, 0.2], [-0.2, 0.9]]), jnp.array([0.0, 0.1])

    def truth(t, y, u, s):
        return 3.0 + 2.0 * (A @ ((y - 3.0) / 2.0) + b * u[0])

    model = dl.models.NeuralMap.from_data(ds, hidden=0, memory=1, map=truth)
    model = dl.fit(model, ds, method="calibration", progress=False).model
    free = dl.simulate(model, ds, warmup=1)
    np.testing.assert_allclose(free.output, ds.output.isel(time=slice(1, None)), atol=1e-4)


@pytest.mark.parametrize("sizes", [(4, 3, 16, 2), (1, 1, 8, 0), (3, 7, 5, 1)])
def test_its_network_is_the_one_that_equinox_draws(sizes):
    """Number for number; the last layer as small as asked for."""
    found = mlp(*sizes, "tanh", key=jax.random.key(3), last=0.1).layers
    wanted = eqx.nn.MLP(*sizes, key=jax.random.key(3)).layers
    for i, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
        factor = 0.1 if i == len(found) - 1 else 1.0
        np.testing.assert_allclose(ours.weight, factor * theirs.weight, rtol=1e-6)
        np.testing.assert_allclose(ours.bias, factor * theirs.bias, rtol=1e-6)


@pytest.mark.slow
def test_it_learns(make_linear):
    train, valid = make_linear(seed=0, lengths=(80,) * 4), make_linear(seed=1, lengths=(80,))
    model = dl.models.NeuralMap.from_data(train, hidden=0, memory=1, width=16, key=0)
    result = dl.fit(model, train, valid, method=dl.fitting.Gradient(steps=300, horizon=5), progress=False)
    scores = dl.evaluate(
        result.model, make_linear(seed=2, lengths=(80,) * 2), context=5, horizon=10, train=train
    )
    found = scores.nrmse.mean(["lead", "output_name"])
    assert float(found.sel(model="NeuralMap")) < 0.3 * float(found.sel(model="persistence"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"map": lambda t, x, u, s: x[:1]}, r"map: expected .* got \(1,\) back"),
        ({"hold": 1}, "option"),
        ({"width": 0}, "width"),
    ],
)
def test_what_is_wrong_is_said(linear, options, message):
    with pytest.raises(dl.errors.ArgumentError, match=message):
        dl.models.NeuralMap.from_data(linear, **options)


def test_uneven_sampling_and_a_linear_hold_with_an_own_map_are_refused(uneven, make_linear):
    with pytest.raises(dl.errors.SchemaError, match="regular sampling"):
        dl.models.NeuralMap.from_data(uneven)
    with pytest.raises(dl.errors.ArgumentError, match="expected hold 'zero'"):
        dl.models.NeuralMap.from_data(make_linear(hold="linear"), hidden=0, map=lambda t, x, u, s: x)
