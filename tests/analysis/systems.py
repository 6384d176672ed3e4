"""Maps, flows and piecewise-linear networks whose behaviour is known, as models; and the runs they begin at."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr

import dynlearn as dl
from dynlearn.models import ALRNN, PLRNN, NeuralMap, NeuralODE, Signature
from dynlearn.numerics.precision import array


def map_of(
    function: Callable, names: Sequence[str] = ("x",), *, interval: float = 1.0, **signature: Any
) -> NeuralMap:
    """X' = function(t, X, u, s) in physical units."""
    known = Signature(tuple(names), interval=interval, **signature)
    return NeuralMap(known, hidden=0, memory=1, map=function, key=0)


def flow_of(field: Callable, names: Sequence[str], **options: Any) -> NeuralODE:
    """dX/dt = field(t, X, u, s) in physical units."""
    return NeuralODE(Signature(tuple(names)), hidden=0, memory=1, field=field, key=0, **options)


def at(
    *states: Sequence[float], names: Sequence[str] = ("x",), dt: float = 1.0, **options: Any
) -> xr.Dataset:
    """Runs that end at these outputs, two samples long."""
    y = np.repeat(np.array(states, float)[:, None], 2, axis=1)
    controls = options.pop("controls", {})
    u = np.tile(list(controls.values()), (*y.shape[:2], 1)) if controls else None
    return dl.from_arrays(
        y, u, dt=dt, output_names=list(names), control_names=list(controls) or None, **options
    )


def logistic(r: float) -> NeuralMap:
    return map_of(lambda t, x, u, s: r * x * (1 - x))


def henon(t, x, u, s):
    return jnp.array([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])


def lorenz(t, x, u, s):
    return jnp.array([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])


def roessler(t, x, u, s):
    return jnp.array([-x[1] - x[2], x[0] + 0.2 * x[1], 0.2 + x[2] * (x[0] - 5.7)])


def van_der_pol(t, x, u, s):
    return jnp.array([x[1], 0.5 * (1 - x[0] ** 2) * x[1] - x[0]])


def with_cell(model: Any, **fields: Any) -> Any:
    """A recurrent model with these numbers in its cell."""
    names = list(fields)
    values = [array(value) for value in fields.values()]
    return eqx.tree_at(lambda m: [getattr(m.cell, name) for name in names], model, values)


def skew_tent(p: float, scale: float = 1.0) -> ALRNN:
    """The tent map on [-p, 1 - p] with its peak at 0 as an AL-RNN: slopes 1 / p below 0 and -1 / (1 - p) above.

    Its density is uniform, its symbols (below, above) are independent with the probabilities p and 1 - p.
    """
    signature = Signature(("y",), interval=1.0)
    scaling = dl.contract.scaling.Scaling.unit(1)
    scaling = eqx.tree_at(lambda s: s.output_scale, scaling, array([scale]))
    model = ALRNN(signature, latent=1, nonlinear=1, memory=1, scaling=scaling, key=0)
    return with_cell(model, a=[1 / p], W=[[-1 / (1 - p) - 1 / p]], h=[1 - p])


FORMS = ("almost linear", "shallow", "clipped", "dendritic")


def random_network(form: str, seed: int, gain: float = 1.5, hold: str = "zero") -> ALRNN | PLRNN:
    """Of four units, two outputs and one control, with few regions and orbits that mostly stay."""
    rng = np.random.default_rng(seed)
    signature = Signature(("y", "w"), ("u",), interval=1.0, hold=hold)
    n, a, h = 4, rng.uniform(-0.6, 0.6, 4), rng.normal(size=4)
    if form == "almost linear":
        model = ALRNN(signature, latent=n, nonlinear=3, memory=1, key=seed)
        return with_cell(model, a=a, h=h, W=gain * rng.normal(size=(n, n)) / np.sqrt(n))
    width = 2 if form == "dendritic" else 5
    model = PLRNN(signature, form=form, latent=n, width=width, memory=1, key=seed)
    if form == "dendritic":
        return with_cell(model, a=a, h=h, W=gain * rng.normal(size=(n, n)) / np.sqrt(n))
    return with_cell(model, a=a, h=h, W1=2 * gain * rng.normal(size=(n, width)) / np.sqrt(width))


def by_hand(model: ALRNN | PLRNN, z: np.ndarray, u: float) -> np.ndarray:
    """The next states of such a network, written down from its docstring, in float64; `z` is `(run, unit)`."""
    cell, relu = model.cell, lambda x: np.maximum(x, 0)
    drive, a, h = (np.asarray(getattr(cell, name), float) for name in ("drive", "a", "h"))
    z = np.asarray(z, float)
    if isinstance(model, ALRNN):
        P = model.nonlinear
        bent = np.concatenate([z[:, :-P], relu(z[:, -P:])], axis=1) @ np.asarray(cell.W, float).T
    elif hasattr(cell, "W1"):
        inner, c = z @ np.asarray(cell.W2, float).T, np.asarray(cell.c, float)
        bent = (relu(inner + c) - (relu(inner) if cell.clipped else 0)) @ np.asarray(cell.W1, float).T
    else:
        parts = [
            w * relu(z - c) for w, c in zip(np.asarray(cell.w, float), np.asarray(cell.c, float), strict=True)
        ]
        bent = sum(parts) @ np.asarray(cell.W, float).T
    return a * z + bent + h + drive @ np.full(drive.shape[1], u)


def beginning(model: ALRNN | PLRNN, y: np.ndarray) -> np.ndarray:
    """The states after one sample of outputs, unscaled."""
    return np.concatenate([y, y @ np.asarray(model.guess, float).T], axis=1)
