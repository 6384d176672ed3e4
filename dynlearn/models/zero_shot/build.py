"""How a zero-shot model is made for data: with the weights of the package, or with random ones."""

import dataclasses
import inspect
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

WEIGHTS = ("shipped", "random")
Family = TypeVar("Family", bound=AbstractDeterministic)


def built(
    family: type[Family],
    ds: xr.Dataset,
    weights: str,
    key: int | Key[Array, ""],
    options: dict[str, Any],
) -> Family:
    """A model of `family` for `ds`; see its `from_data`."""
    check_known("weights", [weights], WEIGHTS)
    check_known("option", options, inspect.signature(family).parameters)
    if taken := sorted({"signature", "scaling"} & set(options)):
        raise ArgumentError(
            f"from_data: {taken} are read off the data; leave them out, or call the constructor."
        )
    # Static features are not read: data without them are as good.
    signature, scaling = Signature.of(ds, discrete=True).replace(static_names=()), Scaling.of(ds)
    if weights == "random":
        return family(signature, scaling=scaling, key=key, **options)
    if options:
        raise ArgumentError(
            f"from_data: expected no sizes beside the shipped weights, got {sorted(options)}; pass weights='random', "
            f"and train them (dl.fitting.pretrain)."
        )
    folder = resources.files("dynlearn.models.zero_shot") / "weights"
    with resources.as_file(folder / f"{family.__name__}.dyn") as path:
        model = cast(Family, load(path))
    law = _told(model.noise, signature.outputs, cast(float, signature.interval))
    return with_fields(model, signature=signature, scaling=scaling, noise=law)


def _told(law: ErrorGrowth, outputs: int, interval: float) -> ErrorGrowth:
    """The law of three outputs a unit of time apart, for `outputs` of them at another interval."""

    def each(values: Array, factor: float = 1.0) -> Array:
        return jnp.full(outputs, values.mean() * factor)

    return dataclasses.replace(
        law,
        sigma=each(law.sigma),
        spread=each(law.spread),
        growth=each(law.growth, interval),
        shape=each(law.shape),
        correlation_time=each(law.correlation_time, interval),
    )
