"""basins: from which states a fitted model goes where."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.analysis._attractors import LEAVES, TAIL, UNSETTLED, attractors
from dynlearn.analysis._border import Control, checked, is_finite, labelled
from dynlearn.analysis.orbit import StateMap
from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.trajectories.build.arrays import from_arrays
from dynlearn.trajectories.once import one_call

FLAGS = {"flag_values": [UNSETTLED, LEAVES], "flag_meanings": "not_settled leaves"}
"""What the numbers of no attractor say."""
MOST_POINTS = 1_000_000
"""States of a grid."""


@one_call
def basins(
    model: AbstractModel,
    ranges: Mapping[str, tuple[float, float]],
    *,
    at: Mapping[str, float] | None = None,
    points: int = 40,
    control: Control = None,
    steps: int = 2000,
    interval: float | None = None,
    near: float = 0.1,
) -> xr.Dataset:
    """Which attractor each state of a grid over one or two outputs is drawn to.

    Orbits begin where the model's state is when nothing but these outputs was measured, and are followed for `steps`
    more. One that has settled, as it returns to where it was before, visits an attractor, be it a point, a cycle or
    chaotic: every other orbit whose tail lies there belongs to it. One that goes a thousand times as far as the grid
    belongs to none. Nor does one that is still on its way, or was too short to return: it has not settled, and more
    `steps` are to be asked for.

    Args:
        model: a fitted model whose state one sample decides, as far as it can.
        ranges: (lowest, highest) of one or two outputs, by name, in physical units.
        at: values of all other outputs and of static features; their mean in training if not given.
        points: of the grid, along each of them.
        control: what is applied all along, for a model with controls.
        steps: of every orbit, before it is looked at and again after that: several times around a cycle, and so many
            that they fill a chaotic attractor.
        interval: of a step, for a model in continuous time.
        near: in scaled units: a tail lies on an attractor where half of its states are this near to states on it, and
            what comes to rest within a quarter of it has settled.

    Returns:
        `attractor` (one dimension per output of `ranges`, which are its coordinates): numbered by the size of the
        basin, -1 for none as the orbit leaves, -2 for none as it has not settled (`flag_meanings`); `share`
        (attractor_number) of the grid; `mean` and `spread` (attractor_number, output_name) of the outputs on it, in
        physical units.

    Raises:
        ArgumentError: names that are no outputs, ranges of no width, a model that needs a longer past, sizes and
            distances that are not above 0.

    >>> import dynlearn as dl, jax.numpy as jnp
    >>> bistable = lambda t, x, u, s: x + 0.5 * (x - x**3)
    >>> signature = dl.models.Signature(("x",), interval=1.0)
    >>> model = dl.models.NeuralMap(signature, hidden=0, memory=1, map=bistable, key=0)
    >>> found = basins(model, {"x": (-1.2, 1.2)}, points=8, steps=200)
    >>> sorted(found["mean"].values.ravel().round(3).tolist())
    [-1.0, 1.0]
    >>> slow = dl.models.NeuralMap(signature, hidden=0, memory=1, map=lambda t, x, u, s: 0.999 * x, key=0)
    >>> basins(slow, {"x": (1, 2)}, points=3, steps=100)["attractor"].values.tolist()  # still on their way to 0
    [-2, -2, -2]
    """
    if not isinstance(ranges, Mapping) or not isinstance(at or {}, Mapping):
        raise ArgumentError(
            f"basins: expected ranges={{output: (lowest, highest)}} and at={{output: value}}, got {ranges!r:.60} and "
            f"{at!r:.60}."
        )
    check_count("points", points, 2)
    if points ** max(1, len(ranges)) > MOST_POINTS:
        raise ArgumentError(
            f"points: expected a grid of at most {MOST_POINTS} states, got {points} along each of {len(ranges)}."
        )
    check_count("steps", steps, TAIL)
    if not (is_finite(near) and near > 0):
        raise ArgumentError(f"near: expected a distance > 0, got {near!r}.")
    model = checked("basins", model)
    names, at = model.signature.output_names, dict(at or {})
    check_known("output", ranges, names)
    check_known("output or static feature", at, (*names, *model.signature.static_names))
    for name, value in at.items():
        if name in ranges or not is_finite(value):
            expected = (
                "an output or static feature that is not in ranges" if name in ranges else "a finite number"
            )
            raise ArgumentError(f"at: {name!r}: expected {expected}, got {value!r}.")
    if len(ranges) not in (1, 2):
        raise ArgumentError(f"ranges: expected one or two outputs, got {len(ranges)}.")
    for name, ends in ranges.items():
        if np.shape(ends) != (2,) or not all(map(is_finite, ends)) or not ends[0] < ends[1]:
            raise ArgumentError(f"ranges: {name!r}: expected (lowest, highest), got {ends!r}.")
    if model.required > 1:
        raise ArgumentError(
            f"basins: {type(model).__name__} needs {model.required} samples to infer a state, a grid has one of each; "
            f"take a model without delays."
        )
    axes = {name: np.linspace(float(ends[0]), float(ends[1]), points) for name, ends in ranges.items()}
    shape = (points,) * len(axes)
    grid = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
    mean = np.asarray(model.scaling.output_mean, float)
    values = [np.broadcast_to(grid.get(n, at.get(n, m)), shape) for n, m in zip(names, mean, strict=True)]
    runs = _runs(model, np.stack(values, axis=-1).reshape(-1, 1, len(names)), at)
    flow = StateMap.of("basins", model, runs, control, interval)
    label, outputs = attractors(flow, int(steps), float(near))
    of_attractors = ("attractor_number", "output_name")
    moments = [np.array([f(y, axis=0) for y in outputs]).reshape(-1, len(names)) for f in (np.mean, np.std)]
    found = xr.Dataset(
        {
            "attractor": (tuple(axes), label.reshape(shape), FLAGS),
            "share": ("attractor_number", np.array([np.mean(label == i) for i in range(len(outputs))])),
            "mean": (of_attractors, moments[0]),
            "spread": (of_attractors, moments[1]),
        },
        {**axes, "attractor_number": np.arange(len(outputs))},
    )
    return labelled(found, model, np.asarray(flow.kept.control[:1]))


def _runs(model: AbstractModel, y: Float[np.ndarray, "run 1 output"], at: Mapping[str, float]) -> xr.Dataset:
    """One-sample runs with these outputs."""
    signature = model.signature
    controls = np.zeros((len(y), 1, signature.controls)) if signature.controls else None
    static = None
    if signature.statics:
        means = zip(signature.static_names, np.asarray(model.scaling.static_mean, float), strict=True)
        static = np.tile([at.get(name, mean) for name, mean in means], (len(y), 1))
    units = dict(zip(signature.output_names, signature.output_units, strict=False))
    units |= dict(zip(signature.control_names, signature.control_units, strict=False))
    return from_arrays(
        y,
        controls,
        dt=signature.interval or 1.0,
        output_names=list(signature.output_names),
        control_names=list(signature.control_names) or None,
        static=static,
        static_names=list(signature.static_names) or None,
        units=units | ({"t": signature.time_unit} if signature.time_unit else {}),
        hold=str(signature.hold),
    )
