"""Other units: a model that is told in them says the same, and a fit goes on from there."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.contract.rescaling import Affine, Rescaling, joined
from dynlearn.errors import ArgumentError
from dynlearn.forecasting.border import inferable
from dynlearn.models import AbstractRescalable, Scaling
from dynlearn.numerics.fixed import trainable
from dynlearn.parts.fields.learned import softplus_times
from dynlearn.parts.networks.networks import mlp
from dynlearn.parts.networks.rescaled import rescaled
from tests.conftest import linear_runs, uneven_runs

SIZES: dict[str, Any] = {"hidden": 2, "memory": 4, "width": 8, "key": 0}
TRIVIAL: dict[str, Any] = {"hidden": 0, "memory": 1, "width": 8, "depth": 1, "key": 0}


def moved(ds: xr.Dataset) -> xr.Dataset:
    """Other means and deviations of everything."""
    more = ds.copy(deep=True)
    more["output"].values[:] = 5.0 + more["output"].values * [3.0, 0.2]
    more["control"].values[:] = -4.0 + 7.0 * more["control"].values
    if "static" in more:
        more["static"].values[:] = 2.0 - 3.0 * more["static"].values
    return more


def ragged(hold: str = "zero") -> xr.Dataset:
    ds = linear_runs(lengths=(30, 3, 22), noise=0.1).copy(deep=True)
    ds["output"].values[0, 5:7, 0] = np.nan
    ds["control"].attrs["hold"] = hold
    return ds


def learned(ds: xr.Dataset) -> dl.models.Koopman:
    lifting = dl.models.dictionaries.Learned(count=5, delays=2, width=8, depth=1)
    return dl.models.Koopman.from_data(ds, lifting=lifting, key=0)


def recurrent(family: type, **options: Any) -> Callable:
    """With weights of which none is small; the context of 20 samples begins where an output was not measured."""

    def build(ds: xr.Dataset) -> Any:
        model, rng = family.from_data(ds, memory=14, key=0, **options), np.random.default_rng(0)

        def drawn(leaf):
            size = 0.2 if leaf.ndim > 1 else 0.5
            return jnp.asarray(size * rng.normal(size=leaf.shape), leaf.dtype)

        cell = jax.tree.map(lambda leaf: drawn(leaf) if eqx.is_inexact_array(leaf) else leaf, model.cell)
        return eqx.tree_at(lambda m: m.cell, model, cell)

    return build


ALRNN, PLRNN = dl.models.ALRNN, dl.models.PLRNN


def given(t, x, u, s):
    return jnp.stack([x[1], -x[0] + u[0], *(0.1 * x[2:])])


ROWS: dict[str, tuple[Callable, Callable]] = {
    "node": (uneven_runs, lambda ds: dl.models.NeuralODE.from_data(ds, **SIZES)),
    "node of one sample": (ragged, lambda ds: dl.models.NeuralODE.from_data(ds, **TRIVIAL)),
    "node of a given field": (ragged, lambda ds: dl.models.NeuralODE.from_data(ds, field=given, **SIZES)),
    "map": (ragged, lambda ds: dl.models.NeuralMap.from_data(ds, **SIZES)),
    "map of one layer, linear hold": (
        lambda: ragged("linear"),
        lambda ds: dl.models.NeuralMap.from_data(ds, **{**SIZES, "depth": 1}),
    ),
    "sde": (uneven_runs, lambda ds: dl.models.NeuralSDE.from_data(ds, **SIZES)),
    "sde, additive": (ragged, lambda ds: dl.models.NeuralSDE.from_data(ds, noise="additive", **SIZES)),
    "koopman": (ragged, learned),
    "almost linear": (ragged, recurrent(ALRNN, latent=5, nonlinear=3)),
    "almost linear, linear hold": (lambda: ragged("linear"), recurrent(ALRNN, latent=3, nonlinear=1)),
    "shallow": (ragged, recurrent(PLRNN, form="shallow", latent=4, width=6)),
    "dendritic": (ragged, recurrent(PLRNN, form="dendritic", latent=4, width=3)),
    "koopman of delays": (ragged, lambda ds: dl.models.Koopman.from_data(ds, lifting="delays")),
}

UNEVEN = ("node", "sde")


def calibrated(model: Any, ds: xr.Dataset) -> Any:
    return dl.fit(model, ds, method="calibration", progress=False, calibration_horizon=3).model


@pytest.mark.parametrize("row", ROWS)
def test_in_other_units_it_says_the_same(row):
    """From whole windows and from the first samples of a run, with gaps; the noise too, and after a second change."""
    build, model_of = ROWS[row]
    ds = build()
    more, model = moved(ds), calibrated(model_of(ds), ds)
    contexts = [ds.isel(time=slice(0, max(2, model.required))), ds.isel(time=slice(0, 20))]
    assert isinstance(model, AbstractRescalable)
    wanted = Scaling.of(more)
    found = model.rescaled(wanted)
    assert eqx.tree_equal(found.scaling, wanted)
    back = found.rescaled(Scaling.of(ds))
    for one in (found, back):
        for context in contexts:
            own = context.isel(trajectory=inferable(model, context, context.dyn.lengths - 1))
            times = {"times": own.t.max().item() + 0.1 * np.arange(1, 6)} if row in UNEVEN else {"horizon": 5}
            told, before = (
                dl.forecast(m, own, controls=np.ones((5, 1)), samples=20, key=1, **times)
                for m in (one, model)
            )
            for name in ("output_mean", "output_scale", "output"):
                scale = np.nanmax(np.abs(before[name].values))
                np.testing.assert_allclose(
                    told[name], before[name], rtol=1e-3, atol=2e-5 * scale, err_msg=name
                )


def test_what_trains_stays_what_trains():
    """Of a refreshed model no gradient moves more, nor less, than of the model before."""
    ds = ragged()
    recurrent = ALRNN.from_data(ds, latent=5, nonlinear=2, key=0)
    families = dl.models.NeuralODE, dl.models.NeuralSDE
    for model in (recurrent, *(family.from_data(ds, **SIZES) for family in families)):
        before, after = (
            sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(one, trainable(one))))
            for one in (model, model.rescaled(Scaling.of(moved(ds))))
        )
        assert before == after


def test_numbers_of_one_scaling_out_of_those_of_another():
    old, new = Scaling.of(ragged()), Scaling.of(moved(ragged()))
    change = Rescaling.between(old, new)
    y, u = np.array([0.3, -2.0]), np.array([4.0])
    for kind, values, affine in (("output", y, change.output), ("control", u, change.control)):
        before, after = (np.asarray(getattr(one, kind)(values), float) for one in (old, new))
        np.testing.assert_allclose(affine.factor * after + affine.offset, before, rtol=1e-5)
        np.testing.assert_allclose(affine.backward(jnp.asarray(before)), after, rtol=1e-5)
    assert change.time == pytest.approx(float(new.time_scale / old.time_scale))
    np.testing.assert_array_equal(change.state(2).factor[2:], 1)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_layers_of_a_network_take_in_units(depth):
    net = mlp(3, 2, 6, depth, "tanh", key=jax.random.key(0))
    inputs = joined(Affine(np.array([2.0, 0.5]), np.array([1.0, -3.0])), Affine.unchanged(1))
    factor, x = np.array([10.0, -0.1]), np.array([0.3, -0.2, 0.9])
    found = rescaled(net, inputs, factor)(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(
        found, factor * net(jnp.asarray(inputs.factor * x + inputs.offset, jnp.float32)), rtol=1e-5
    )


def test_a_multiple_of_a_softplus():
    raw, factor = jnp.array([-12.0, 0.0, 3.0, 30.0]), np.array([2.0, 1e-3, 50.0, 0.5])
    np.testing.assert_allclose(
        np.logaddexp(0, np.asarray(softplus_times(raw, factor), float)),
        factor * np.logaddexp(0, raw),
        rtol=1e-5,
    )


def test_features_that_stay_what_they_are_are_no_change():
    model = dl.models.Koopman.from_data(ragged(), lifting="fourier", key=0)
    with pytest.raises(
        ArgumentError, match=r"Koopman: the features of Fourier are of the units .*least_squares"
    ):
        model.rescaled(Scaling.of(moved(ragged())))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            recurrent(ALRNN, latent=3, nonlinear=2),
            r"ALRNN: some of its outputs are rectified.*nonlinear <= latent",
        ),
        (
            recurrent(PLRNN, latent=3, width=4),
            r"PLRNN: half of the rectifiers of form 'clipped'.*another form",
        ),
    ],
)
def test_rectifiers_at_the_mean_of_the_outputs_are_no_change(build, text):
    """But where it stays: max(a z, 0) = a max(z, 0)."""
    ds = ragged()
    model = build(ds)
    with pytest.raises(ArgumentError, match=text):
        model.rescaled(Scaling.of(moved(ds)))
    factor = jnp.array([3.0, 0.2])
    wider = eqx.tree_at(lambda s: s.output_scale, model.scaling, factor * model.scaling.output_scale)
    z, v = jnp.array([0.3, -2.0, 0.7]), jnp.array([0.4])
    units = jnp.concatenate([factor, jnp.ones(1)])
    np.testing.assert_allclose(
        units * model.rescaled(wider).advance(z / units, v), model.advance(z, v), rtol=1e-5
    )


def test_a_recurrent_model_that_was_told_in_other_units_opens_as_it_was(tmp_path):
    ds = ragged()
    model = ALRNN.from_data(ds, latent=4, nonlinear=1, key=0).rescaled(Scaling.of(moved(ds)))
    dl.save(model, tmp_path / "model")
    assert eqx.tree_equal(dl.load(tmp_path / "model"), model)
