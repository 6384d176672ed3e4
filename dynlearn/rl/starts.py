"""Starts: where the episodes of a model environment begin."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.contract.model import AbstractModel
from dynlearn.control.controllers import past as pasts
from dynlearn.errors import ArgumentError
from dynlearn.trajectories.numbers import as_numbers
from dynlearn.trajectories.window import Window, cut


class Starts:
    """Draws a past window that ends at the start of an episode, and the instant of that start."""

    def __init__(self, initial: xr.Dataset | Callable[[np.random.Generator], Any], model: AbstractModel):
        self.model, self.initial = model, initial
        self.runs: Window | None = None
        self.latest = 0.0
        """The instant furthest from zero."""
        if isinstance(initial, xr.Dataset):
            self._read(initial)
        elif not callable(initial):
            raise ArgumentError(
                f"initial: expected a trajectory dataset or a function (generator) -> outputs, got "
                f"{type(initial).__name__}."
            )
        elif model.signature.statics:
            raise ArgumentError(
                f"initial: expected a trajectory dataset, because the model has static features "
                f"{list(model.signature.static_names)}, got a function; pass e.g. the training data."
            )
        elif model.required > 1:
            raise ArgumentError(
                f"initial: expected a trajectory dataset, because this model infers its state from "
                f"{model.required} samples, got a function; pass e.g. the training data."
            )

    def draw(self, generator: np.random.Generator) -> tuple[Window, float]:
        """A window of length `model.memory` and the instant of its last sample."""
        if self.runs is None:
            return self._from_function(generator), 0.0
        run, now = self.places[generator.integers(len(self.places))]
        past = cut(self.runs, jnp.asarray(run), jnp.asarray(now), self.model.memory, 0)
        return past, float(self.runs.time[run, now])

    def _read(self, ds: xr.Dataset) -> None:
        from dynlearn.trajectories.device.to_device import to_device

        self.model.signature.check(ds)
        self.runs = to_device(ds)
        self.latest = float(np.nanmax(np.abs(ds["t"].values)))
        measured = np.asarray(self.runs.observed.all(-1) & self.runs.valid)
        self.places = np.argwhere(measured & (np.arange(measured.shape[1]) >= self.model.required - 1))
        if not len(self.places):
            raise ArgumentError(
                f"initial: expected a fully measured sample with {self.model.required - 1} others before "
                f"it, got none in {ds.sizes['trajectory']} runs; pass longer runs."
            )

    def _from_function(self, generator: np.random.Generator) -> Window:
        signature = self.model.signature
        given = self.initial(generator)  # type: ignore[operator]
        outputs = as_numbers("initial", given, f"{signature.outputs} numbers").astype(np.float64)
        if outputs.shape != (signature.outputs,) or not np.isfinite(outputs).all():
            raise ArgumentError(
                f"initial: expected {signature.outputs} finite outputs {list(signature.output_names)}, "
                f"got {outputs.tolist()}."
            )
        past = pasts.empty(signature, self.model.memory)
        return jax.tree.map(jnp.asarray, pasts.observed(past, jnp.asarray(outputs), jnp.zeros(()), 0.0))
