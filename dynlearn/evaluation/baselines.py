"""The baselines that stand beside every score."""

import xarray as xr

from dynlearn.errors import DynlearnError
from dynlearn.fitting import fit
from dynlearn.models import ARX, AbstractModel, ContextTiling, Persistence, as_model

NAMES = ("persistence", "context tiling", "ARX")


def fitted(
    reference: xr.Dataset, validation: xr.Dataset | None, context: int
) -> tuple[dict[str, AbstractModel], dict[str, str]]:
    """The baselines that `reference` allows, fitted to it, and why the others are missing.

    ARX needs regular sampling; tiling needs runs longer than the context.
    """
    makers = {
        "persistence": lambda: Persistence.from_data(reference, memory=context),
        "context tiling": lambda: ContextTiling.from_data(reference, memory=context),
        "ARX": lambda: ARX.from_data(reference, longest=context - 1),
    }
    models: dict[str, AbstractModel] = {}
    missing: dict[str, str] = {}
    for name, make in makers.items():
        try:
            models[name] = as_model(fit(make(), reference, validation, progress=False).model)
        except DynlearnError as error:
            missing[name] = str(error)
    return models, missing
