"""The trial that free runs are put to: where they start, what they are compared with, what can be scored."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
import xarray as xr
from jaxtyping import Bool, Int

from dynlearn.errors import ArgumentError, check_known
from dynlearn.evaluation.reconstruction.metrics import METRICS, Case
from dynlearn.evaluation.reconstruction.reference import Reference, Windows
from dynlearn.evaluation.reconstruction.rows import Row
from dynlearn.evaluation.reconstruction.settings import Settings, Sizes, settled
from dynlearn.evaluation.reconstruction.starts import Starts
from dynlearn.trajectories.sampling import sampling

FAR = 100.0
"""Standard deviations from the mean of the test set from which a free run counts as diverged."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """What all rows share."""

    starts: Starts
    settings: Settings
    measured: Bool[np.ndarray, " output"]
    """Which outputs were measured at all."""
    changing: Bool[np.ndarray, " output"]
    """Which outputs are scored: those that change."""
    reference: Reference
    place: Int[np.ndarray, "sample 2"]
    """Run and index there of the reference's samples."""
    whole: Bool[np.ndarray, " start"]
    """The starts whose windows are among the reference's."""

    @classmethod
    def of(cls, test: xr.Dataset, starts: Starts, sizes: Sizes, chosen: Mapping[str, object]) -> Self:
        """The reference and the settings, read off the test set."""
        y = test["output"].transpose("trajectory", "time", "output_name").values.astype(float)
        measured = np.isfinite(y).any(axis=(0, 1))
        if not measured.any():
            raise ArgumentError(
                "test: nothing was measured, every output is NaN throughout, so there is nothing to reconstruct; give "
                "other data."
            )
        low, high = np.fmin.reduce(y, axis=(0, 1)), np.fmax.reduce(y, axis=(0, 1))
        changing = high > low
        if not changing.any():
            raise ArgumentError(
                "test: no output ever changes, so there is nothing to reconstruct; give other data."
            )
        y = y[..., changing]
        place = np.argwhere(np.isfinite(y).all(axis=-1))
        samples = y[tuple(place.T)]
        if len(samples) < 2 or (np.ptp(samples, axis=0) == 0).any():
            raise ArgumentError(
                "test: too few samples have all outputs measured, so the distribution over state space is not "
                "known; impute the missing ones (dl.impute), or leave out the outputs that are measured seldom."
            )
        after = starts.recorded[:, sizes.discard :, changing]
        whole = np.isfinite(after).all(axis=(1, 2)) & (np.ptp(after, axis=1) > 0).all(axis=1)
        settings = settled(chosen, after[whole], sizes, sampling(test).interval)
        scale = np.nanstd(y.reshape(-1, y.shape[-1]), axis=0)
        windows = Windows(after[whole], scale, settings)
        reference = Reference(samples, windows, np.ones(int(whole.sum()), bool), scale)
        return cls(starts, settings, measured, changing, reference, place, whole)

    def possible(self, wanted: Sequence[str] | None) -> tuple[list[str], dict[str, str]]:
        """The metrics that can be computed, and by name why the others cannot; asked for, these are refused."""
        check_known("metric", wanted or (), METRICS)
        why = {name: self._hindrance(name) for name in (wanted or METRICS)}
        unscored = {name: sentence for name, sentence in why.items() if sentence}
        if wanted is not None and unscored:
            name, sentence = next(iter(unscored.items()))
            raise ArgumentError(f"metrics: {name!r} cannot be computed: {sentence}")
        return [name for name in why if name not in unscored], unscored

    def case(self, row: Row, seed: int, start: int) -> Case:
        """One free run of a row, and what it is compared with."""
        path = row.paths[seed][start][:, self.changing]
        apart = np.abs(path - self.reference.samples.mean(axis=0)) / self.reference.scale
        return Case(
            path,
            self.starts.recorded[start][:, self.changing],
            self.starts.elapsed[start],
            self.reference if row.without is None else self._without(int(row.without[start])),
            diverged=not row.measured and not bool((apart <= FAR).all()),  # NaN is not
            gaps=row.measured and bool(np.isnan(path).any()),
            settings=self.settings,
        )

    def _without(self, one: int) -> Reference:
        run, first = self.starts.row[one], self.starts.first[one] + self.settings.discard
        index = self.place[:, 1]
        inside = (self.place[:, 0] == run) & (first <= index) & (index < first + self.settings.length)
        return self.reference._replace(
            samples=self.reference.samples[~inside],
            kept=~self.starts.meets(one, self.settings.length)[self.whole],
        )

    def _hindrance(self, name: str) -> str:
        """Why a metric cannot be computed of these data, "" where it can."""
        metric = METRICS[name]
        if metric.regular and self.settings.interval is None:
            return "the test set is not regularly sampled; call ds.dyn.resample(dt) first."
        if metric.windows is None:
            return ""
        if not self.whole.any():
            return (
                f"no window of {self.settings.length} samples after a start is without gaps in every output; "
                f"shorten length=, or impute the missing values (dl.impute)."
            )
        try:
            found = metric.of_windows(self.reference)
        except ArgumentError as error:
            return f"the windows of the test set are too short. {error}"
        return "" if np.isfinite(found).all() else "of the test set's windows it is not finite."
