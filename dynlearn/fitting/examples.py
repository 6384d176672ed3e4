"""Training examples: every instant a forecast can start from, cut on the device when needed."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int, Key

from dynlearn.contract.checks.measured import longest_complete, sparse, without_gaps
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import rollout
from dynlearn.errors import FitError
from dynlearn.numerics.buckets import up
from dynlearn.numerics.distributions import Distribution
from dynlearn.numerics.finite import finite
from dynlearn.numerics.precision import array, compiled
from dynlearn.trajectories.device.complete import in_a_row
from dynlearn.trajectories.device.fold import Folded, folded
from dynlearn.trajectories.device.pasts import cut_many
from dynlearn.trajectories.device.to_device import OnHost, bucketed, placed
from dynlearn.trajectories.schema import run_lengths
from dynlearn.trajectories.window import Window, cut


class Examples(eqx.Module):
    """Runs on the device, and the (run, index) pairs from which the model can forecast.

    An anchor has a state the model can infer and at least one measured output within the horizon. Of very
    unequal lengths, runs are held as pieces that overlap by a window, so that what is padded stays small.
    """

    runs: Window
    run: Int[Array, " anchor"]
    now: Int[Array, " anchor"]
    """Filled up to a size of a few by copies of the last one."""
    count: Int[Array, ""]
    """Anchors before those copies."""
    origin: Int[Array, " run"]
    """The place in the dataset of what each of `runs` is a piece of."""
    past: int = eqx.field(static=True)
    horizon: int = eqx.field(static=True)

    @classmethod
    def of(cls, model: AbstractModel, ds: xr.Dataset, horizon: int, what: str) -> Self:
        pieces = folded(ds, model.memory + horizon)
        runs = bucketed(pieces.ds)
        valid, observed = (np.asarray(leaf)[: pieces.run.size] for leaf in (runs.valid, runs.observed))
        measured, complete = np.any(observed, -1), np.all(observed, -1)
        ahead = _measured_ahead(measured, horizon)
        own = _own(pieces, valid, model.memory, horizon)
        run, now = (index.astype(np.int32) for index in np.nonzero(own & ahead))
        known = in_a_row(complete)[run, now] >= model.required
        asked = ~known & (now + 1 >= model.required)
        if asked.any():
            anchors = jnp.asarray(_filled(run[asked])), jnp.asarray(_filled(now[asked]))
            known[asked] = np.asarray(_inferable(model, runs, *anchors))[: asked.sum()]
        run, now = run[known], now[known]
        if run.size == 0:
            raise FitError(
                f"{what}: found no instant to forecast from: the model needs {model.required} samples of context "
                f"and a measured output after them; the runs have {run_lengths(ds).tolist()!s:.80} samples, of "
                f"which at most {longest_complete(ds)} in a row are complete. Take a model with fewer delays or memory"
                f", or {without_gaps(ds, model.required + 1)}.{sparse(ds)}"
            )
        return cls(
            runs,
            jnp.asarray(_filled(run)),
            jnp.asarray(_filled(now)),
            array(run.size, int),
            jnp.asarray(_filled(pieces.run)),
            model.memory,
            horizon,
        )

    @property
    def size(self) -> int:
        return int(self.count)

    @compiled
    def take(self, index: Int[Array, " batch"]) -> Window:
        """Windows of `past + horizon` samples around the anchors `index`."""
        cut_one = jax.vmap(lambda r, n: cut(self.runs, r, n, self.past, self.horizon))
        return cut_one(self.run[index], self.now[index])

    def sample(self, key: Key[Array, ""], size: int) -> Window:
        return self.take(jax.random.randint(key, (size,), 0, self.count))

    def spread(self, at_most: int) -> Window:
        """At most `at_most` windows, evenly over all anchors: a fixed set to score on."""
        return self.take(jnp.asarray(self.evenly(at_most)))

    def evenly(self, at_most: int) -> Int[np.ndarray, " anchor"]:
        """At most `at_most` anchors, by their place."""
        return np.unique(np.linspace(0, self.size - 1, at_most).astype(int))

    def filled(self, index: Int[np.ndarray, " window"]) -> Window:
        """As `take`, cut on the host, filled up to sizes of a few by windows and samples ahead of which nothing was
        observed.
        """
        horizon, rows = up(self.horizon), _filled(index)
        runs = OnHost(*(np.asarray(getattr(self.runs, name)) for name in OnHost._fields))
        found = cut_many(runs, np.asarray(self.run)[rows], np.asarray(self.now)[rows], self.past, horizon)
        sample = np.arange(self.past + horizon)
        real = (np.arange(rows.size) < index.size)[:, None] & (sample < self.past + self.horizon)
        seen = (real | (sample < self.past))[..., None]
        return placed(found._replace(observed=found.observed & seen), found.time.dtype)


def _filled(index: Int[np.ndarray, " anchor"]) -> Int[np.ndarray, " filled"]:
    return np.concatenate([index, np.repeat(index[-1:], up(index.size) - index.size)])


def predict(model: AbstractModel, window: Window, *, key: Key[Array, ""] | None = None) -> Distribution:
    """The forecast of one window: past from its first `memory` samples, then every later one.

    Along the mean path, or with a key along one random path.
    """
    k = model.memory
    for_state, for_steps = (None, None) if key is None else jax.random.split(key)
    state = model.infer(window[:k], key=for_state)
    ahead = window.control[k - 1 :], window.time[k - 1 :], window.interval[k - 1 : -1]
    return rollout(model, state, *ahead, key=for_steps)[1]


def lead_times(model: AbstractModel, window: Window) -> Float[Array, " horizon"]:
    return jnp.cumsum(window.interval[model.memory - 1 : -1])


def _own(pieces: Folded, valid: np.ndarray, past: int, horizon: int) -> np.ndarray:
    """The samples of every piece around which it has the whole window, and the one that ends its last interval.

    A window that sticks out of its run belongs to the piece that begins or ends it.
    """
    index = np.arange(valid.shape[1])
    begun = (index >= past - 1) | pieces.first[:, None]
    goes_on = (index < valid.sum(1, keepdims=True) - horizon - 1) | pieces.last[:, None]
    return valid & begun & goes_on


def _measured_ahead(measured: np.ndarray, horizon: int) -> np.ndarray:
    """Whether any of the `horizon` samples after each one is measured. `measured`: (run, time)."""
    total = np.cumsum(measured, axis=1, dtype=np.int32)
    end = np.minimum(np.arange(measured.shape[1]) + horizon, measured.shape[1] - 1)
    return total[:, end] - total > 0


@compiled
def _inferable(model: AbstractModel, runs: Window, run: Array, now: Array) -> Array:
    def one(anchor):
        return finite(model.infer(cut(runs, *anchor, model.memory, 0)))

    return jax.lax.map(one, (run, now), batch_size=1024)
