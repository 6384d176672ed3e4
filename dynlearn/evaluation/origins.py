"""Rolling origins: the windows of a test set on which forecasts are scored."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import numpy as np
import xarray as xr
from jaxtyping import Bool

from dynlearn.contract.model import AbstractModel
from dynlearn.errors import ArgumentError, is_count
from dynlearn.forecasting import border
from dynlearn.trajectories import schema
from dynlearn.trajectories.checks.validate import valid
from dynlearn.trajectories.once import known


@dataclasses.dataclass(frozen=True)
class Origins:
    """Contexts, and what came after each of them."""

    contexts: xr.Dataset
    futures: xr.Dataset
    left_out: int = 0
    """Windows in which a model could not infer its state, or after which nothing was measured."""

    @classmethod
    def of(cls, ds: xr.Dataset, context: int, horizon: int, stride: int | None) -> Self:
        """Windows of `context + horizon` samples, `stride` (default: `horizon`) apart; shorter runs hold none."""
        stride = horizon if stride is None else stride
        for name, value in {"context": context, "horizon": horizon, "stride": stride}.items():
            if not is_count(value, 1):
                raise ArgumentError(f"{name}: expected an integer >= 1 (samples), got {value!r}.")
        longest = int(ds.dyn.lengths.max())
        if longest < context + horizon:
            raise ArgumentError(
                f"test: the longest run has {longest} samples, context={context} and horizon={horizon} need "
                f"{context + horizon}; shorten one of them."
            )
        windows = ds.dyn.windows(length=context + horizon, stride=stride, short="drop")
        found = cls(_part(windows, slice(None, context)), _part(windows, slice(context, None)))
        measured = np.isfinite(found.truth).any((1, 2))
        if not measured.any():
            raise ArgumentError(
                f"test: nothing to score: no output was measured in the {horizon} samples after any of the "
                f"{measured.size} contexts; give data with measured outputs, or shorten the context or lengthen the "
                f"horizon so that a measurement falls into it."
            )
        return found.only(measured)

    @property
    def count(self) -> int:
        return self.contexts.sizes["trajectory"]

    def only(self, kept: Bool[np.ndarray, " window"]) -> Self:
        index = np.flatnonzero(kept)
        return dataclasses.replace(
            self,
            contexts=_runs(self.contexts, index),
            futures=_runs(self.futures, index),
            left_out=self.left_out + int((~kept).sum()),
        )

    def known(self, name: str, model: AbstractModel) -> Bool[np.ndarray, " window"]:
        """The windows from which the model can infer a state; an error where there is none."""
        model.signature.check(self.contexts)
        found = border.inferable(model, self.contexts, border.last_samples(self.contexts)[0])
        if not found.any():
            raise ArgumentError(
                f"{name}: no window of the test data lets this model infer its state: it needs {model.required} "
                f"samples (context has {self.contexts.sizes['time']}), complete ones if more than 1."
            )
        return found

    def common(self, models: Mapping[str, AbstractModel]) -> Self:
        """The windows from which every one of `models` can infer a state."""
        known = np.all([self.known(name, model) for name, model in models.items()], axis=0)
        if not known.any():
            raise ArgumentError("test: no window lets every model infer its state; evaluate them one by one.")
        return self.only(known)

    @property
    def truth(self) -> np.ndarray:
        """Measured outputs, shape `(window, lead, output)`, NaN where missing; in float64, which their squares need."""
        return self.futures["output"].transpose("trajectory", "time", "output_name").values.astype(float)

    @property
    def rounding(self) -> float:
        """Relative, of the outputs as they are stored."""
        kind = self.futures["output"].dtype
        return float(np.finfo(kind).eps) if np.issubdtype(kind, np.floating) else 0.0

    @property
    def times(self) -> np.ndarray:
        return schema.times_2d(self.futures)

    @property
    def controls(self) -> xr.DataArray | None:
        return self.futures.get("control")


def _part(windows: xr.Dataset, samples: slice) -> xr.Dataset:
    """Some samples of windows that are all of the same length: as valid as these are."""
    part = windows.isel(time=samples)
    known(valid, part, True)
    return part


def _runs(windows: xr.Dataset, index: np.ndarray) -> xr.Dataset:
    if index.size == windows.sizes["trajectory"]:
        return windows
    some = windows.isel(trajectory=index)
    if index.size:
        known(valid, some, True)
    return some
