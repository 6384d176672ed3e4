"""From settings, names and plain values, to models and methods.

A part of a model is chosen by its name, and the options of the part follow with a dot:
`lifting=fourier lifting.count=200 lifting.delays=8`, `solver=rk4 solver.substeps=2`.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from dynlearn.errors import ArgumentError, check_known

if TYPE_CHECKING:
    import xarray as xr

    from dynlearn.contract.model import AbstractModel
    from dynlearn.fitting import Gradient, LeastSquares

RESERVED = ("ds", "key", "signature", "scaling")


def model(
    family: str, ds: "xr.Dataset", settings: Mapping[str, Any], key: int, members: int = 1
) -> "AbstractModel":
    """`FAMILIES[family].from_data(ds, **settings)`, as an ensemble where `members` > 1."""
    from dynlearn.models import FAMILIES
    from dynlearn.models.wrappers.ensemble import Ensemble

    check_known("model", [family], FAMILIES)
    cls = FAMILIES[family]
    check_known(f"setting of {family}", [name.split(".")[0] for name in settings], options(cls))
    made = cls.from_data(ds, key=key, **_with_parts(settings))
    return made if members == 1 else Ensemble.of(made, members, key=key)


def options(cls: type) -> list[str]:
    """The keywords `from_data` takes, those it hands on to the constructor included."""
    found = dict(inspect.signature(cls.from_data).parameters)  # type: ignore[attr-defined]
    if any(p.kind is p.VAR_KEYWORD for p in found.values()):
        found |= inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, p in found.items() if p.kind in kinds and name not in (*RESERVED, "self")]


def method(name: str | None, settings: Mapping[str, Any], default: str) -> "Gradient | LeastSquares | str":
    """The method of that name with these settings, or with none of either the model's own."""
    from dynlearn.fitting import METHODS

    chosen = default if name is None else name
    check_known("method", [chosen], METHODS)
    cls = METHODS[chosen]
    check_known(f"setting of {cls.__name__}", settings, list(inspect.signature(cls).parameters))
    return cls(**settings)


def inference(name: str | None, settings: Mapping[str, Any]) -> Any:
    """The method of inference of that name with these settings; None for the model's own."""
    from dynlearn.inference.methods import METHODS

    if name is None:
        if settings:
            raise ArgumentError(
                f"--method-set: expected with --method, got {next(iter(settings))!r} alone; name the method, one "
                f"of {', '.join(METHODS)}."
            )
        return None
    check_known("method", [name], METHODS)
    cls = METHODS[name]
    check_known(f"setting of {cls.__name__}", settings, list(inspect.signature(cls).parameters))
    return cls(**settings)


def _parts() -> dict[str, dict[str, Callable[..., Any]]]:
    """Settings that name an object, and the makers of those objects."""
    from dynlearn.parts.liftings.dictionaries import DICTIONARIES
    from dynlearn.solvers import Adaptive, FixedStep

    fixed = {name: partial(FixedStep, name) for name in ("euler", "heun", "midpoint", "rk4")}
    adaptive = {name: partial(Adaptive, name) for name in ("tsit5", "dopri8", "kvaerno5")}
    lifting: dict[str, Any] = dict(DICTIONARIES)
    return {"lifting": lifting, "solver": {**fixed, **adaptive}}


def _with_parts(settings: Mapping[str, Any]) -> dict[str, Any]:
    whole = {name: value for name, value in settings.items() if "." not in name}
    makers = _parts()
    for dotted in (name for name in settings if "." in name):
        head = dotted.split(".")[0]
        if head not in makers:
            raise ArgumentError(
                f"{dotted}: expected a part of {' or '.join(makers)}, got one of {head!r}, which has none; "
                f"write {head}=..."
            )
        if head not in whole:
            raise ArgumentError(
                f"{dotted}: expected {head}=NAME beside it, one of {', '.join(makers[head])}."
            )
    for head, known in makers.items():
        if head in whole:
            check_known(head, [whole[head]], known)
            inner = {n.split(".", 1)[1]: v for n, v in settings.items() if n.startswith(f"{head}.")}
            maker = known[whole[head]]
            check_known(f"setting of {head}={whole[head]}", inner, _settable(maker))
            whole[head] = maker(**inner)
    return whole


def _settable(maker: Callable[..., Any]) -> list[str]:
    """Parameters with a plain default; those that are None are filled in from data."""
    parameters = inspect.signature(maker).parameters.values()
    fixed = maker.args if isinstance(maker, partial) else ()
    return [
        p.name for p in parameters if p.default is not None and p.default not in fixed and p.name != "scheme"
    ]
