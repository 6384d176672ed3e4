"""How a zero-shot model is made for data: with the weights of the package, or with random ones."""

import dataclasses
import inspect
import os
from importlib import resources
from typing import Any, TypeVar, cast

import jax.numpy as jnp
import xarray as xr
from jaxtyping import Array, Key

from dynlearn.contract.error_growth import ErrorGrowth
from dynlearn.contract.markers import AbstractDeterministic
from dynlearn.contract.model import with_fields
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.contract.storage.files import load
from dynlearn.errors import ArgumentError, check_known

Family = TypeVar("Family", bound=AbstractDeterministic)


def built(
    family: type[Family],
    ds: xr.Dataset,
    weights: str | os.PathLike | AbstractDeterministic,
    key: int | Key[Array, ""],
    options: dict[str, Any],
) -> Family:
    """A model of `family` for `ds`; see its `from_data`."""
    check_known("option", options, inspect.signature(family).parameters)
    if taken := sorted({"signature", "scaling"} & set(options)):
        raise ArgumentError(
            f"from_data: {taken} are read off the data; leave them out, or call the constructor."
        )
    # Static features are not read: data without them are as good.
    signature, scaling = Signature.of(ds, discrete=True).replace(static_names=()), Scaling.of(ds)
    if isinstance(weights, str) and weights == "random":
        return family(signature, scaling=scaling, key=key, **options)
    model = _opened(family, weights)
    if options:
        raise ArgumentError(
            f"from_data: expected no sizes beside weights that have them, got {sorted(options)}; pass "
            f"weights='random', and train them (dl.fitting.pretrain)."
        )
    law = _told(
        model.noise, signature.outputs, cast(float, signature.interval), model.signature.interval or 1.0
    )
    return with_fields(model, signature=signature, scaling=scaling, noise=law)


def _opened(family: type[Family], weights: str | os.PathLike | AbstractDeterministic) -> Family:
    if isinstance(weights, str) and weights == "shipped":
        folder = resources.files("dynlearn.models.zero_shot") / "weights"
        with resources.as_file(folder / f"{family.__name__}.dyn") as path:
            return cast(Family, load(path))
    if isinstance(weights, str) and not os.path.exists(weights):
        raise ArgumentError(
            f"weights: expected 'shipped', 'random', a trained model or the file of one, got {weights!r}, which is no "
            f"file."
        )
    model = load(weights) if isinstance(weights, str | os.PathLike) else weights
    if not isinstance(model, family):
        raise ArgumentError(f"weights: expected those of a {family.__name__}, got {type(model).__name__}.")
    return model


def _told(law: ErrorGrowth, outputs: int, interval: float, trained: float) -> ErrorGrowth:
    """The law of forecasts at the interval `trained`, for `outputs` of them at another one."""

    def each(values: Array, factor: float = 1.0) -> Array:
        return jnp.full(outputs, values.mean() * factor)

    return dataclasses.replace(
        law,
        sigma=each(law.sigma),
        spread=each(law.spread),
        growth=each(law.growth, interval / trained),
        shape=each(law.shape),
        correlation_time=each(law.correlation_time, interval / trained),
    )
