"""Checkpoints of a gradient fit: enough to go on bit for bit after a kill."""

import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from dynlearn.errors import FileFormatError
from dynlearn.fitting.result import Reason
from dynlearn.numerics import archive

KIND, VERSION = "dynlearn checkpoint", 1


class Progress(NamedTuple):
    """How far a fit is."""

    training: Any
    step: int
    rows: list[dict[str, float]]
    reason: Reason | None


def save(path: str | os.PathLike | None, settings: str, progress: Progress) -> None:
    """Replace the checkpoint at `path` by `progress`, whole or not at all."""
    if path is None:
        return
    content = {
        "settings": settings,
        "step": progress.step,
        "rows": [{k: _json(v) for k, v in row.items()} for row in progress.rows],
        "reason": None if progress.reason is None else progress.reason.name,
    }
    archive.write(
        path, KIND, VERSION, content, [np.asarray(leaf) for leaf in jax.tree.leaves(progress.training)]
    )


def fingerprint(*datasets: xr.Dataset | None) -> list[int]:
    """A number for what each dataset holds, so that a checkpoint is not taken for one of other data."""
    found = []
    for ds in datasets:
        number = 0
        for name in sorted(map(str, () if ds is None else ds.variables)):
            values = np.ascontiguousarray(ds[name].values)  # type: ignore[index]
            data = values.tobytes() if values.dtype.kind in "fiub" else repr(values.tolist()).encode()
            number = zlib.crc32(data, zlib.crc32(name.encode(), number))
        found.append(number)
    return found


def load(path: str | os.PathLike | None, settings: str, like: Any) -> Progress | None:
    """What `path` holds, if it is there; it must come from the same settings and the same model."""
    if path is None or not Path(path).exists():
        return None
    content, arrays = archive.read(path, KIND, VERSION)
    if content["settings"] != settings:
        raise FileFormatError(
            f"checkpoint {path}: was written by {content['settings']}, this fit is {settings}; "
            f"give another path or delete the file."
        )
    leaves, tree = jax.tree.flatten(like)
    same = len(leaves) == len(arrays) and all(
        a.shape == b.shape and a.dtype == b.dtype for a, b in zip(leaves, arrays, strict=True)
    )
    if not same:
        raise FileFormatError(
            f"checkpoint {path}: was written for another model (its arrays differ); give another path or delete it."
        )
    training = jax.tree.unflatten(tree, [jnp.asarray(a) for a in arrays])
    rows = [{k: float("nan") if v is None else v for k, v in row.items()} for row in content["rows"]]
    reason = None if content["reason"] is None else Reason[content["reason"]]
    return Progress(training, content["step"], rows, reason)


def _json(value: float) -> float | None:
    """JSON has no NaN: a number that is not finite is written as null."""
    return value if np.isfinite(value) else None
