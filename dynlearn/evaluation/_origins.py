"""Rolling origins: the windows of a test set on which forecasts are scored."""

import dataclasses
from collections.abc import Mapping
from typing import Self

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.forecasting import _border
from dynlearn.models import AbstractModel
from dynlearn.trajectories import schema


@dataclasses.dataclass(frozen=True)
class Origins:
    """Contexts, and what came after each of them."""

    contexts: xr.Dataset
    futures: xr.Dataset
    left_out: int = 0

    @classmethod
    def of(cls, ds: xr.Dataset, context: int, horizon: int, stride: int | None) -> Self:
        """Windows of `context + horizon` samples, `stride` (default: `horizon`) apart; shorter runs hold none."""
        stride = horizon if stride is None else stride
        for name, value in {"context": context, "horizon": horizon, "stride": stride}.items():
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise ArgumentError(f"{name}: expected an integer >= 1 (samples), got {value!r}.")
        longest = int(ds.dyn.lengths.max())
        if longest < context + horizon:
            raise ArgumentError(
                f"test: the longest run has {longest} samples, context={context} and horizon={horizon} need "
                f"{context + horizon}; shorten one of them."
            )
        windows = ds.dyn.windows(length=context + horizon, stride=stride, short="drop")
        return cls(windows.isel(time=slice(None, context)), windows.isel(time=slice(context, None)))

    def common(self, models: Mapping[str, AbstractModel]) -> Self:
        """The windows from which every one of `models` can infer a state."""
        known = np.ones(self.contexts.sizes["trajectory"], bool)
        for name, model in models.items():
            model.signature.check(self.contexts)
            mine = _border.inferable(model, self.contexts, _border.last_samples(self.contexts)[0])
            if not mine.any():
                raise ArgumentError(
                    f"{name}: no window of the test data lets this model infer its state: it needs {model.required} "
                    f"samples (context has {self.contexts.sizes['time']}), complete ones if more than 1."
                )
            known &= mine
        if not known.any():
            raise ArgumentError("test: no window lets every model infer its state; evaluate them one by one.")
        keep = np.flatnonzero(known)
        left_out = int((~known).sum())
        return dataclasses.replace(
            self,
            contexts=self.contexts.isel(trajectory=keep),
            futures=self.futures.isel(trajectory=keep),
            left_out=left_out,
        )

    @property
    def truth(self) -> np.ndarray:
        """Measured outputs, shape `(window, lead, output)`, NaN where missing; in float64, which their squares need."""
        return self.futures["output"].transpose("trajectory", "time", "output_name").values.astype(float)

    @property
    def times(self) -> np.ndarray:
        return schema.times_2d(self.futures)

    @property
    def controls(self) -> xr.DataArray | None:
        return self.futures.get("control")
