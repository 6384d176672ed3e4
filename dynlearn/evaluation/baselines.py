"""The baselines that stand beside every score: fitted once per training set."""

import dataclasses
import hashlib
from collections import OrderedDict
from collections.abc import Mapping

import jax
import numpy as np
import xarray as xr

from dynlearn.contract.foreign import as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.signature import Signature
from dynlearn.errors import DynlearnError, check_count
from dynlearn.fitting import fit
from dynlearn.models.baselines.persistence import Persistence
from dynlearn.models.baselines.tiling import ContextTiling
from dynlearn.models.regression.arx import ARX
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.schema import KINDS

NAMES = ("persistence", "context tiling", "ARX")
KEPT = 8
"""Training sets whose baselines are remembered."""


@dataclasses.dataclass(frozen=True)
class Baselines:
    """Fitted baselines, as `fit_baselines` finds them.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=10, key=0)
    >>> found = dl.evaluation.fit_baselines(ds, context=20)
    >>> sorted(found.models), list(found.missing)
    (['ARX', 'persistence'], ['context tiling'])
    """

    models: Mapping[str, AbstractModel]
    """By name."""
    missing: Mapping[str, str]
    """By name, why a baseline is not there."""
    context: int
    """Samples that they look back, at most."""


@one_call
def fit_baselines(train: xr.Dataset, validation: xr.Dataset | None = None, context: int = 50) -> Baselines:
    """Persistence, context tiling and ARX, as far as the data allow them: what `evaluate` and `compare` fit.

    Fitted once they can be passed to any number of comparisons (`baselines=`). A call with data that were seen
    before, under whatever name, finds what it found then.

    Args:
        train: what they are fitted to, trajectories under the schema.
        validation: what their error law is estimated on (default: `train`).
        context: samples that they may look back, an integer >= 1.

    Returns:
        The fitted models by name; ARX needs regular sampling, tiling needs runs longer than the context, and
        `missing` says so where they are not there.

    Raises:
        ArgumentError: a context that is no integer >= 1; a validation set of other names, units or holds.
        SchemaError: data against the schema.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=60, key=0)
    >>> sorted(dl.evaluation.fit_baselines(ds, context=20).models)
    ['ARX', 'context tiling', 'persistence']
    """
    check_count("context", context, 1)
    if validation is not None:
        Signature.of(train, discrete=False).replace(static_names=()).check(validation)
    name = (_digest(train), None if validation is None else _digest(validation), int(context), _precision())
    if name not in _FITTED:
        _FITTED[name] = _fitted(train, validation, int(context))
        while len(_FITTED) > KEPT:
            _FITTED.popitem(last=False)
    _FITTED.move_to_end(name)
    found = _FITTED[name]
    return dataclasses.replace(found, models=dict(found.models), missing=dict(found.missing))


_FITTED: OrderedDict[tuple, Baselines] = OrderedDict()


def _fitted(train: xr.Dataset, validation: xr.Dataset | None, context: int) -> Baselines:
    makers = {
        "persistence": lambda: Persistence.from_data(train, memory=context),
        "context tiling": lambda: ContextTiling.from_data(train, memory=context),
        "ARX": lambda: ARX.from_data(train, longest=context - 1),
    }
    models: dict[str, AbstractModel] = {}
    missing: dict[str, str] = {}
    for name, make in makers.items():
        try:
            models[name] = as_model(fit(make(), train, validation, progress=False).model)
        except DynlearnError as error:
            missing[name] = str(error)
    return Baselines(models, missing, context)


def _digest(ds: xr.Dataset) -> bytes:
    """Of all that a fit reads: values, instants, names, units, holds."""
    validate(ds)
    found = hashlib.blake2b(digest_size=16)
    for name in ("t", "trajectory", *(f"{k}{s}" for k in KINDS for s in ("", "_name", "_unit"))):
        if name not in ds.variables:
            continue
        variable = ds[name].variable
        values = np.asarray(variable.values)
        said = (
            name,
            variable.dims,
            values.shape,
            str(values.dtype),
            sorted(map(str, variable.attrs.items())),
        )
        found.update(repr(said).encode())
        plain = values.dtype != object
        found.update(np.ascontiguousarray(values).tobytes() if plain else repr(values.tolist()).encode())
    return found.digest()


def _precision() -> str:
    return str(jax.numpy.result_type(float))
