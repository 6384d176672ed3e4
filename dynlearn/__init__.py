"""dynlearn: learn dynamical systems from data, forecast with them, control with them.

    import dynlearn as dl

Names are imported when first used, so that a script pays only for what it calls. The accessor
`ds.dyn` is there as soon as xarray is, whichever of the two is imported first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dynlearn import before_jax
from dynlearn._on_import import on_import
from dynlearn.errors import unknown
from dynlearn.version import VERSION

__version__ = VERSION

_WHERE = {
    "from_arrays": "dynlearn.trajectories",
    "from_csv": "dynlearn.trajectories",
    "from_frame": "dynlearn.trajectories",
    "from_gymnasium": "dynlearn.trajectories",
    "validate": "dynlearn.trajectories",
    "read": "dynlearn.trajectories",
    "write": "dynlearn.trajectories",
    "concatenate": "dynlearn.trajectories",
    "fit": "dynlearn.fitting",
    "filter": "dynlearn.inference",
    "smooth": "dynlearn.inference",
    "log_likelihood": "dynlearn.inference",
    "impute": "dynlearn.inference",
    "forecast": "dynlearn.forecasting",
    "simulate": "dynlearn.forecasting",
    "evaluate": "dynlearn.evaluation",
    "compare": "dynlearn.evaluation",
    "citations": "dynlearn.cited",
    "save": "dynlearn.models",
    "load": "dynlearn.models",
}
_PACKAGES = (
    "analysis",
    "control",
    "datasets",
    "disk",
    "evaluation",
    "fitting",
    "forecasting",
    "inference",
    "models",
    "numerics",
    "plot",
    "report",
    "rl",
    "solvers",
    "torch",
    "trajectories",
)

__all__ = ["__version__", *_WHERE, *_PACKAGES]

on_import("xarray", lambda: import_module("dynlearn.accessor"))


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"dynlearn.{name}")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"dynlearn: {unknown('name', name, __all__)}")


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:  # what the names above are, for type checkers and editors
    from dynlearn import (
        control,
        datasets,
        disk,
        evaluation,
        fitting,
        forecasting,
        inference,
        models,
        numerics,
        plot,
        report,
        rl,
        solvers,
        torch,
        trajectories,
    )
    from dynlearn.cited import citations
    from dynlearn.evaluation import compare, evaluate
    from dynlearn.fitting import fit
    from dynlearn.forecasting import forecast, simulate
    from dynlearn.inference import filter, impute, log_likelihood, smooth
    from dynlearn.models import load, save
    from dynlearn.trajectories import from_arrays, from_csv, from_frame, from_gymnasium, read, write
    from dynlearn.trajectories.checks.validate import validate
    from dynlearn.trajectories.verbs import concatenate
