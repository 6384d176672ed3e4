"""bifurcation: how the long-term behaviour of a fitted model changes with a control or a static feature."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.analysis._border import Control, checked, is_finite, labelled
from dynlearn.analysis.lyapunov import growth, per_time
from dynlearn.analysis.orbit import Kept, StateMap, orbits
from dynlearn.contract.checks.control_range import check_controls
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count
from dynlearn.trajectories.once import one_call


@one_call
def bifurcation(
    model: AbstractModel,
    context: xr.Dataset,
    over: str,
    values: Sequence[float],
    *,
    control: Control = None,
    steps: int = 200,
    discard: int = 1000,
    interval: float | None = None,
) -> xr.Dataset:
    """Where the orbits of a model settle, for every value of one control or one static feature.

    Args:
        model: a fitted model whose state is one vector; noise is left out.
        context: one run, whose end every orbit begins at.
        over: the name of a control or of a static feature.
        values: that it takes, in physical units; all orbits are followed at once.
        control: the controls (the others, by name, where `over` is one of them), for a model with controls.
        steps: that are kept of every orbit.
        discard: steps before that, over which it settles.
        interval: of a step, for a model in continuous time; that of `context` if not given.

    Returns:
        `output` (value, step, output_name) in physical units, NaN from where an orbit leaves the finite numbers, and
        `exponent` (value), the largest Lyapunov exponent over the steps that are kept, per time unit.

    Raises:
        ArgumentError: a name of neither kind, several runs, values that are no finite numbers, data that do not fit.

    >>> import dynlearn as dl
    >>> growth = lambda t, x, u, s: u * x * (1 - x)
    >>> signature = dl.models.Signature(("x",), ("r",), interval=1.0)
    >>> model = dl.models.NeuralMap(signature, hidden=0, memory=1, map=growth, key=0)
    >>> start = dl.from_arrays([[0.2, 0.3]], controls=[[3.0, 3.0]], dt=1.0, output_names=["x"], control_names=["r"])
    >>> found = bifurcation(model, start, "r", [2.0, 3.2, 4.0], steps=50)
    >>> [len(set(row.round(3).tolist())) for row in found["output"].values[:2, :, 0]]  # a point, a cycle of 2
    [1, 2]
    """
    check_count("steps", steps, 1)
    check_count("discard", discard, 0)
    model = checked("bifurcation", model)
    names = model.signature.control_names, model.signature.static_names
    if over not in names[0] and over not in names[1]:
        raise ArgumentError(
            f"over: expected a control of {list(names[0])} or a static feature of {list(names[1])}, got {over!r}."
        )
    values = list(values) if isinstance(values, Iterable) else values
    if not isinstance(values, list) or not values or not all(map(is_finite, values)):
        raise ArgumentError(f"values: expected finite numbers, got {values!s:.80}.")
    if context.sizes.get("trajectory") != 1:
        raise ArgumentError(
            f"bifurcation: expected one run to begin at the end of, got {context.sizes.get('trajectory')}; pick it by "
            f"ds.isel(trajectory=[0])."
        )
    if isinstance(control, Mapping) and over in control:
        raise ArgumentError(f"control: {over!r} takes the values that vary; leave it out.")
    if over in names[0]:
        control = _with(control, names[0], over, float(values[0]))
    flow = StateMap.of("bifurcation", model, context, control, interval)
    flow = _at(flow, over, np.array(values, float))
    outputs = np.asarray(orbits(flow, flow.starts, int(discard), int(steps))[1], float)
    exponents = np.asarray(growth(flow, 1, int(discard), int(steps)), float)[..., 0].mean(1) / float(
        flow.interval
    )
    found = xr.Dataset(
        {
            "output": (("value", "step", "output_name"), np.where(np.isfinite(outputs), outputs, np.nan)),
            "exponent": ("value", exponents, per_time(flow)),
        },
        {"value": np.array(values, float)},
        {"over": over},
    )
    return labelled(found, flow.model, np.asarray(flow.kept.control))


def _with(control: Control, names: tuple[str, ...], over: str, value: float) -> Control:
    """`control`, with `over` at `value` where nothing was said of it."""
    if control is None:
        return {over: value}
    if hasattr(control, "keys"):
        return {**control, over: value}  # type: ignore[dict-item]
    return control


def _at(flow: StateMap, over: str, values: Float[np.ndarray, " value"]) -> StateMap:
    """One run for each value of that control, or that static feature."""
    signature, scaling = flow.model.signature, flow.model.scaling
    state, control = jax.tree.map(lambda leaf: jnp.repeat(leaf, values.size, axis=0), flow.kept)
    if over in signature.control_names:
        control = control.at[:, signature.control_names.index(over)].set(values)
        check_controls("values", flow.model, np.asarray(control))
    else:
        static = scaling.static_inverse(state.static)
        static = static.at[:, signature.static_names.index(over)].set(values)
        state = eqx.tree_at(lambda s: s.static, state, scaling.static(static))
    return dataclasses.replace(flow, kept=Kept(state, control))
