"""pretrain: weights that forecast systems they never saw, from a corpus of others."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import xarray as xr
from jaxtyping import Array, Key

from dynlearn.errors import ArgumentError, check_known
from dynlearn.fitting.fit import fit
from dynlearn.fitting.methods.gradient import Gradient
from dynlearn.fitting.result import FitResult
from dynlearn.models.zero_shot.alrnn_mixture import ALRNNMixture
from dynlearn.models.zero_shot.patch_transformer import PatchTransformer


class Recipe(NamedTuple):
    family: type[ALRNNMixture] | type[PatchTransformer]
    method: Callable[[int], Gradient]
    steps: int


def _mixture(steps: int) -> Gradient:
    return _training(steps, 32, 16, 32)


def _transformer(steps: int) -> Gradient:
    return _training(steps, 16, 64, 64)


def _training(steps: int, batch: int, horizon: int, validation_horizon: int) -> Gradient:
    return Gradient(
        steps=steps,
        batch=batch,
        horizon=horizon,
        learning_rate=1e-3,
        average=0.999,
        validate_every=min(500, steps),
        validation_windows=512,
        criterion="relative",
        validation_horizon=validation_horizon,
        patience=None,
    )


RECIPES = {
    "ALRNNMixture": Recipe(ALRNNMixture, _mixture, 25_000),
    "PatchTransformer": Recipe(PatchTransformer, _transformer, 30_000),
}


def pretrain(
    family: str,
    training: xr.Dataset,
    validation: xr.Dataset,
    *,
    steps: int | None = None,
    key: int | Key[Array, ""] = 0,
    progress: bool = True,
    checkpoint: str | os.PathLike | None = None,
    **options: Any,
) -> FitResult:
    """A zero-shot model trained on many systems, and validated on others.

    Args:
        family: "ALRNNMixture" or "PatchTransformer".
        training: runs of many systems at unit intervals, such as `dl.datasets.corpus("training")`.
        validation: of other systems, such as `dl.datasets.corpus("validation")`: the weights that forecast them best
            are kept, and the error law is that of these forecasts.
        steps: of the optimiser; the recipe's own if not given, which takes 20 to 40 minutes on a core.
        key: an int or a JAX key.
        progress: show a progress bar on standard error.
        checkpoint: a file kept up to date, from which a training that was interrupted goes on.
        options: further arguments of the family's constructor.

    Returns:
        What `dl.fit` returns.

    Raises:
        ArgumentError: an unknown family or option.

    >>> import dynlearn as dl
    >>> cycles = [dl.datasets.corpus(["VanDerPol"], draws=1, length=200, key=k) for k in (0, 1)]
    >>> sizes = {"memory": 64, "ahead": 16, "width": 8, "layers": 1, "heads": 2}
    >>> pretrain("PatchTransformer", *cycles, steps=2, progress=False, **sizes).reason.name
    'STEPS_DONE'
    """
    check_known("family", [family], RECIPES)
    if "weights" in options:
        raise ArgumentError("weights: pretrain begins with random ones; to go on from others, call dl.fit.")
    recipe = RECIPES[family]
    return fit(
        recipe.family.from_data(training, weights="random", key=key, **options),
        training,
        validation,
        recipe.method(recipe.steps if steps is None else steps),
        objective="relative_error",
        key=key,
        progress=progress,
        checkpoint=checkpoint,
    )
