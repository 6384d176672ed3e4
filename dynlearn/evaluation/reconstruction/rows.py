"""The rows of the table: free runs of the models, and what stands beside them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int, Key

from dynlearn.contract.members import each_of
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, FitError
from dynlearn.evaluation.reconstruction.settings import Sizes
from dynlearn.evaluation.reconstruction.starts import Starts
from dynlearn.forecasting import border
from dynlearn.forecasting.free_run import free_run
from dynlearn.models.baselines.persistence import Persistence
from dynlearn.models.baselines.tiling import ContextTiling
from dynlearn.trajectories import schema
from dynlearn.trajectories.sampling import agrees, made_regular, sampling

BESIDE = ("data", "persistence", "context tiling")
"""Names of the rows that stand beside the models."""


class Row(NamedTuple):
    paths: list[Float[np.ndarray, "start lead output"]]
    """One per seed."""
    measured: bool = False
    """Whether they were recorded, so that NaN is a gap."""
    without: Int[np.ndarray, " start"] | None = None
    """For every start the window that its path was taken from, where that is one of the test set."""


def seeds_of(models: object) -> dict[str, list[AbstractModel]]:
    """By name, the fitted models of all seeds; an ensemble's members are such seeds."""
    named = models if isinstance(models, Mapping) else {type(models).__name__: models}
    if not named:
        raise ArgumentError(
            "models: expected a fitted model, or a mapping from names to them, got an empty mapping."
        )
    found = {}
    for name, given in named.items():
        if name in BESIDE:
            raise ArgumentError(
                f"models: the name {name!r} is taken by a row beside the models; choose another."
            )
        several = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
        if not several:
            raise ArgumentError(f"models: expected fitted models under {name!r}, got an empty list.")
        checked = [border.check_model("reconstruction_scores", model) for model in several]
        found[str(name)] = [member for model in checked for member in each_of(model)]
    return found


def of_models(
    models: Mapping[str, list[AbstractModel]], starts: Starts, key: int | Key[Array, ""]
) -> tuple[dict[str, Row], dict[str, str]]:
    """The rows of the models, and by name a sentence about controls far outside their training range."""
    rows, far = {}, {}
    for name, seeds in models.items():
        found = [free_run(model, starts.windows, starts.context, key) for model in seeds]
        rows[name] = Row([paths for paths, _ in found])
        if sentence := next((sentence for _, sentence in found if sentence), ""):
            far[name] = sentence
    return rows, far


def of_baselines(test: xr.Dataset, starts: Starts) -> tuple[dict[str, Row], dict[str, str]]:
    """Persistence and context tiling, and by name why one is not there."""
    rows, missing = {}, {}
    for name, family in (("persistence", Persistence), ("context tiling", ContextTiling)):
        try:
            model = family.from_data(test, memory=starts.context)
            rows[name] = Row([free_run(model, starts.windows, starts.context)[0]])
        except (ArgumentError, FitError) as error:
            missing[name] = str(error)
    return rows, missing


def of_data(
    starts: Starts, sizes: Sizes, train: xr.Dataset | None, test: xr.Dataset
) -> tuple[Row | None, str]:
    """What was recorded elsewhere as if it were a free run: the floor; or why there is none.

    Windows of the training data. Without those, the window of the test set that is half way around the starts, and
    what it is compared with is the test set without it.
    """
    count = starts.row.size
    if train is not None:
        _check_train(train, test)
        try:
            other = Starts.spread("train", train, count, sizes.context, sizes.ahead, 1)
            return Row([other.recorded], measured=True), ""
        except ArgumentError as error:
            return None, str(error)
    partner = (np.arange(count) + count // 2) % count
    if any(starts.meets(int(j), sizes.length)[i] for i, j in enumerate(partner)):
        return None, (
            f"no two windows of {sizes.length} samples half way around the starts are apart; give train=, or "
            f"shorten length=."
        )
    return Row([starts.recorded[partner]], measured=True, without=partner), ""


def _check_train(train: xr.Dataset, test: xr.Dataset) -> None:
    Signature.of(train, discrete=False).replace(static_names=()).check(test)
    interval = sampling(test).interval
    if interval is not None and not agrees(schema.times_2d(train), interval):
        raise ArgumentError(
            f"train: expected the sampling interval of the test set, {interval:g}, because spectra depend on it, "
            f"got {sampling(train).typical or 0:g}; {made_regular(train, interval)} first."
        )
