"""Blocks of optimiser steps in torch, each followed by one validation."""

import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jaxtyping import Array, Int, Key, UInt

from dynlearn.errors import DivergedError
from dynlearn.fitting.methods.stochastic import rates
from dynlearn.torch.native._carried import Carried
from dynlearn.torch.native._ode import giving_up
from dynlearn.torch.native.windows import Window, Windows


@dataclasses.dataclass
class Blocks:
    """One fit: settings, where it is, and its data."""

    method: Any
    """A `Training`."""
    key: Key[Array, ""]
    carried: Carried
    data: Windows
    held_out: Window | None

    def run(self, first: int, count: int) -> dict[str, float]:
        """Steps `first` to `first + count`, one validation; means of what was logged.

        Ends early where a loss is not finite.
        """
        indices, seeds = plan(self.key, first, count, self.method.batch, len(self.data))
        each, logged = _rates(self.method, first, count), []
        for i, (index, seed, rate) in enumerate(zip(indices, seeds, each, strict=True), first):
            logged.append(self._step(i, index, int(seed), float(rate)))
            if not math.isfinite(logged[-1]["loss"]):
                break
        numbers = {name: float(np.mean([row.get(name, math.nan) for row in logged])) for name in logged[0]}
        if self.held_out is None:
            self.carried.judge(None)
            return numbers
        now = {name: p.detach().clone() for name, p in self.carried.parameters.items()}
        self.carried.enter(self.carried.average)
        numbers["validation"] = self.score(self.held_out)
        self.carried.enter(now)
        self.carried.judge(numbers["validation"])
        return numbers

    def score(self, held_out: Window) -> float:
        """Of the weights that are in the module, on validation windows; infinite where the solver gives up."""
        generator = torch.Generator().manual_seed(int(jax.random.bits(self.key)))
        try:
            with torch.no_grad():
                return float(self.carried.module.loss(held_out, generator=generator)[0])
        except DivergedError:
            return math.inf

    def _step(self, i: int, index: np.ndarray, seed: int, rate: float) -> dict[str, float]:
        module = self.carried.module
        window = self.data.batch(index).to(module.device)
        generator = torch.Generator().manual_seed(seed)
        try:
            loss, metrics = module.loss(window, adjoint=self.method.adjoint, generator=generator)
            with giving_up():  # the adjoint equation is solved here
                loss.backward()
        except DivergedError:
            return {"loss": math.nan, "gradient": math.nan}
        # Early on the average would remember the initial weights: start it short, as (1 + i) / (10 + i).
        norm = self.carried.step(rate, self.method.clip, min(self.method.average, (1 + i) / (10 + i)))
        return {
            "loss": float(loss.detach()),
            "gradient": float(norm),
            **{k: float(v) for k, v in metrics.items()},
        }


def plan(
    key: Key[Array, ""], first: int, count: int, batch: int, size: int
) -> tuple[Int[np.ndarray, "step batch"], UInt[np.ndarray, " step"]]:
    """Which windows each step takes (those that `Gradient` takes, with the same key), and its seed."""
    indices, seeds = _plan(key, jnp.asarray(first), count, batch, size)
    return np.asarray(indices), np.asarray(seeds)


@functools.partial(jax.jit, static_argnums=(2, 3, 4))
def _plan(key: Key[Array, ""], first: Int[Array, ""], count: int, batch: int, size: int):
    def one(i):
        for_batch, for_loss = jax.random.split(jax.random.fold_in(key, i))
        return jax.random.randint(for_batch, (batch,), 0, size), jax.random.bits(for_loss)

    return jax.vmap(one)(first + jnp.arange(count))


def _rates(method: Any, first: int, count: int) -> np.ndarray:
    schedule: Any = rates(method)
    return np.asarray(schedule(first + jnp.arange(count)))
