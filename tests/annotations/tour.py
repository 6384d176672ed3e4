"""Where the tour stops: every row of the table of models, and the verbs for those that fit without a gradient."""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import xarray as xr

import dynlearn as dl
from dynlearn.fitting import OBJECTIVES
from dynlearn.inference.methods import process_of
from dynlearn.models import AbstractModel, AbstractStateSpace, Ensemble, rollout
from dynlearn.trajectories.window import Window, cut
from tests.conftest import linear_runs, uneven_runs
from tests.models.cases import CASES

HORIZON = 4
FAMILIES = (
    "node hidden static uneven",
    "map",
    "sde hidden static uneven additive",
    "deep state space static uneven",
    "smoothed node",
    "koopman learned",
    "state space uneven",
    "nonlinear state noise heavy tails",
    "continuous-discrete nonlinear static uneven",
    "switching",
    "arx",
    "persistence",
    "tiling",
    "ensemble node",
)
"""A row of every family; the others differ in their settings."""
VERBS = ("arx", "state space feed-through")
"""Rows that go through every verb: those whose programs compile in a second or two."""


def stops(every_row: bool) -> dict[str, Callable[[], object]]:
    data = {"zero": linear_runs(), "linear": linear_runs(hold="linear"), "uneven": uneven_runs()}
    found: dict[str, Callable[[], object]] = {}
    for name, (kind, build) in CASES.items():
        if every_row or name in FAMILIES:
            found[f"{name}, traced"] = functools.partial(traced, build, data[kind])
        if name in VERBS:
            found[f"{name}, verbs"] = functools.partial(verbs, build, data[kind])
    return found


def refused() -> None:
    """A window whose instants are fewer than its intervals."""
    window = linear_runs().dyn.to_device()
    try:
        Window(**{**vars(window), "time": window.time[:, 1:]})
    except jaxtyping.TypeCheckError:
        return
    raise AssertionError("nothing was checked")


def traced(build: Callable[[xr.Dataset], AbstractModel], ds: xr.Dataset) -> None:
    """Forecast, loss with its gradient, filter and smoother: shapes only, so nothing is compiled but the start."""
    model, runs, key = build(ds), ds.dyn.to_device(), jax.random.key(0)
    eqx.filter_eval_shape(
        _forecast, model, cut(runs, jnp.asarray(0), jnp.asarray(20), model.memory, HORIZON), key
    )
    if model.method == "gradient" and not isinstance(model, Ensemble):
        batch = jax.vmap(lambda run: cut(runs, run, jnp.asarray(16), model.memory, HORIZON))(jnp.arange(2))
        loss = eqx.filter_value_and_grad(OBJECTIVES[model.objective], has_aux=True)
        eqx.filter_eval_shape(loss, model, batch, key)
    if isinstance(model, AbstractStateSpace):
        eqx.filter_eval_shape(_inferred, model, jax.tree.map(lambda leaf: leaf[0], runs), key)


def _forecast(model: AbstractModel, window: Window, key: jax.Array) -> tuple[object, ...]:
    k = model.memory
    ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
    state = model.infer(window[:k])
    draw = rollout(model, model.infer(window[:k], key=key), *ahead, key=key)[1].sample(key)
    mean = rollout(model, state, *ahead)[1]
    return mean.mean, mean.scale, mean.log_prob(draw)


def _inferred(model: AbstractStateSpace, run: Window, key: jax.Array) -> tuple[object, ...]:
    method = model.inference
    process = process_of(model, run, method)
    return method.filter(process, key), method.smooth(process, 2, key)


def verbs(build: Callable[[xr.Dataset], AbstractModel], ds: xr.Dataset) -> None:
    """Those that the demo does not come to."""
    model = build(ds)
    method = None
    if isinstance(model, dl.models.LinearStateSpace):
        model, method = dl.fit(model, ds, method="subspace", progress=False).model, dl.fitting.EM(steps=2)
    model = dl.fit(model, ds, ds, method, progress=False, calibration_horizon=5).model
    past, ahead = ds.isel(time=slice(0, 12)), ds.isel(time=slice(12, 16))
    dl.forecast(model, past, controls=ahead["control"], times=ahead["t"].values, samples=3)
    if isinstance(model, AbstractStateSpace):
        dl.filter(model, ds)
        dl.smooth(model, ds)
        dl.impute(model, ds, samples=2)
