"""Outputs that say nothing of their own: constants, and copies of the others in another scale."""

import dataclasses
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from dynlearn.contract.scaling import Scaling
from dynlearn.models.linear.build import factor
from dynlearn.numerics import precision
from dynlearn.parts.transitions.linear_systems import MatrixSystem, Noise
from dynlearn.trajectories.device.fold import compact

TOLERANCE = 1e-6
"""Of an output of unit spread: what the others may leave of one that is taken for their copy."""
FLOOR = 1e-4
"""Standard deviation of a copy's own noise, as the error law's smallest: no covariance becomes singular."""
TOGETHER = 10
"""Samples at which an output and those it copies were measured together, below which nothing is concluded."""


@dataclasses.dataclass(frozen=True)
class Independent:
    """y = L y_kept + b, all in scaled units: a likelihood of all outputs is infinite, that of `kept` is not."""

    kept: tuple[int, ...]
    L: Float[np.ndarray, "output kept"]
    b: Float[np.ndarray, " output"]

    @classmethod
    def of(cls, ds: xr.Dataset, scaling: Scaling) -> Self:
        """Outputs are taken in, those measured most often first, unless the ones before them tell their value."""
        variable = compact(ds)["output"].transpose("trajectory", "time", "output_name")
        mean, scale = (np.asarray(a, float) for a in (scaling.output_mean, scaling.output_scale))
        y = (variable.values.astype(float) - mean) / scale
        y = y.reshape(-1, y.shape[-1])
        rounding = np.finfo(variable.dtype if variable.dtype.kind == "f" else float).eps * np.abs(
            mean / scale
        )
        measured = np.isfinite(y)
        kept: list[int] = []
        loadings: dict[int, tuple[list[int], np.ndarray, float]] = {}
        for j in np.argsort(-measured.sum(0), kind="stable"):
            # What is constant needs no other; so it is told from a copy.
            for sources in ([], list(kept)):
                rows = measured[:, [*sources, j]].all(1)
                if rows.sum() < max(TOGETHER, 2 * (len(sources) + 1)):
                    continue
                x = np.column_stack([y[rows][:, sources], np.ones(rows.sum())])
                w = np.linalg.lstsq(x, y[rows, j], rcond=None)[0]
                if np.abs(y[rows, j] - x @ w).max() < TOLERANCE + 4 * rounding[j]:
                    loadings[int(j)] = (sources, w[:-1], float(w[-1]))
                    break
            else:
                kept.append(int(j))
        order = sorted(kept)
        L, b = np.zeros((y.shape[1], len(order))), np.zeros(y.shape[1])
        L[order, range(len(order))] = 1
        for j, (sources, w, offset) in loadings.items():
            L[j, [order.index(i) for i in sources]], b[j] = w, offset
        return cls(tuple(order), L, b)

    @property
    def all(self) -> bool:
        return len(self.kept) == len(self.L)

    @property
    def constant(self) -> tuple[int, ...]:
        """Outputs that follow from nothing, as they never change."""
        return tuple(int(j) for j in np.flatnonzero((self.L == 0).all(1)))

    def select(self, ds: xr.Dataset) -> xr.Dataset:
        """The outputs that are kept."""
        return ds.isel(output_name=list(self.kept))

    def scaling(self, scaling: Scaling) -> Scaling:
        index = jnp.asarray(self.kept, int)
        kept = (scaling.output_mean[index], scaling.output_scale[index])
        return eqx.tree_at(lambda s: (s.output_mean, s.output_scale), scaling, kept)

    def covariance(self, R: Float[np.ndarray, "kept kept"]) -> Float[np.ndarray, "output output"]:
        """Of the noise of all outputs, where that of the kept ones is R."""
        copies = np.ones(len(self.L))
        copies[list(self.kept)] = 0
        return self.L @ R @ self.L.T + FLOOR**2 * np.diag(copies)

    def reduced(self, model: Any) -> Any:
        """A `LinearStateSpace` with a `MatrixSystem`, of the kept outputs alone."""
        index = jnp.asarray(self.kept, int)
        signature = model.signature
        names, units = signature.output_names, signature.output_units
        signature = signature.replace(
            output_names=tuple(names[i] for i in self.kept),
            output_units=tuple(units[i] for i in self.kept) if units else (),
        )
        covariance = np.asarray(model.system.R.chol, float)
        covariance = (covariance @ covariance.T)[np.ix_(self.kept, self.kept)]
        D = None if model.system.D is None else model.system.D[index]
        system = eqx.tree_at(
            lambda s: (s.C, s.D, s.R),
            model.system,
            (model.system.C[index], D, Noise(_array(factor(covariance), model.system.C))),
            is_leaf=lambda node: node is None,
        )
        scaling = self.scaling(model.scaling)
        return type(model)(signature, scaling, system, model.interval, model.memory, model.fitted)

    def expanded(self, small: Any, like: Any) -> Any:
        """The model of all outputs of `like`, once that of the kept ones is `small`."""
        whole = self.system(small.system)
        # A fit may have moved the offset of what it kept, and the copies with it.
        old, scale = (np.asarray(a, float) for a in (like.scaling.output_mean, like.scaling.output_scale))
        index = list(self.kept)
        moved = (np.asarray(small.scaling.output_mean, float) - old[index]) / scale[index]
        mean = old + scale * (self.b + self.L @ moved)
        mean[index] = np.asarray(small.scaling.output_mean, float)
        scaling = eqx.tree_at(lambda s: s.output_mean, small.scaling, _array(mean, small.scaling.output_mean))
        scaling = eqx.tree_at(lambda s: s.output_scale, scaling, _array(scale, small.scaling.output_mean))
        return type(like)(like.signature, scaling, whole, like.interval, like.memory, small.fitted)

    def system(self, small: MatrixSystem) -> MatrixSystem:
        """The system whose outputs are all of them."""
        chol = np.asarray(small.R.chol, float)
        root = factor(self.covariance(chol @ chol.T))
        C = self.L @ np.asarray(small.C, float)
        D = None if small.D is None else _array(self.L @ np.asarray(small.D, float), small.C)
        return eqx.tree_at(
            lambda s: (s.C, s.D, s.R),
            small,
            (_array(C, small.C), D, Noise(_array(root, small.C))),
            is_leaf=lambda node: node is None,
        )


def _array(values: np.ndarray, like: Array) -> Array:
    if like.dtype == jnp.float64:
        with precision.float64():
            return jnp.asarray(values)
    return jnp.asarray(values, like.dtype)
