"""CEM: the cross-entropy method over sequences of controls."""

import functools
import itertools
import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from dynlearn.control.planners.contract import (
    AbstractPlanner,
    Plan,
    Reason,
    StageCost,
    State,
    Transition,
    choose,
)
from dynlearn.control.planners.noise import coloured
from dynlearn.control.planners.paths import Score, score, shifted, states_along
from dynlearn.errors import ArgumentError, is_count, is_number
from dynlearn.numerics.finite import finite
from dynlearn.numerics.plain import plain


class Memory(eqx.Module):
    """Where the next search starts, already shifted by one step."""

    low: Float[Array, " control"]
    high: Float[Array, " control"]
    mean: Float[Array, "horizon control"]
    elites: Float[Array, "elites horizon control"]
    """The best candidates of the last plan, best first."""


class Search(eqx.Module):
    """One search under way."""

    mean: Float[Array, "horizon control"]
    std: Float[Array, "horizon control"]
    kept: Float[Array, "elites horizon control"]
    """Best candidates so far, best first, with their scores."""
    scores: Score
    diverged: Float[Array, ""]
    infeasible: Float[Array, ""]


class CEM(AbstractPlanner):
    """Draw candidates, keep the best, move the distribution towards them, repeat.

        u^(i) = clip(mean + std * L z_i, low, high),                  z_i ~ N(0, I)
        u^(i) = clip(mean + sum_j w_ij (elite_j - average), low, high),  w_ij ~ N(0, 1 / (elites - 1))
        mean <- a mean + (1 - a) average,   std likewise from the elites, never below the floor

    with L the square root of a coloured covariance (`coloured`) and a the `momentum`. The second
    kind of draw recombines the elites, and so follows correlations between the steps that single
    standard deviations cannot see; it starts once the iteration before has found elites.

    Each iteration also tries the mean itself; the first one also tries the shifted elites of the
    last plan; the elites stay in the race to the end. The best candidate ever seen is returned.
    Everything runs in one compiled program, all candidates at once. Infeasible and diverged
    candidates come last (`Score.rank`).

    Args:
        samples: candidates in the first iteration.
        iterations: rounds of drawing and refitting.
        elites: candidates the distribution is refitted to.
        initial_std, minimum_std: as a fraction of half the distance between the bounds.
        momentum: share of the old distribution in the new one, in [0, 1).
        color: exponent of the noise's spectrum, 0 = white. Choose 0 where good controls alternate.
        recombined: share of the draws, from the second iteration on, made by recombining the elites.
        decay: each iteration draws this factor fewer candidates than the one before (>= 1).

    Raises:
        ArgumentError: an option out of its range; from `init` for a bound that is not finite.

    References: Rubinstein, Kroese, "The Cross-Entropy Method", Springer 2004. Pinneri et al.,
    "Sample-efficient cross-entropy method for real-time planning" (iCEM), CoRL 2020.

    >>> cost = StageCost(lambda x, u, k: x @ x + 0.1 * u @ u, lambda x: x @ x)
    >>> planner = CEM(iterations=8)
    >>> memory = planner.init(10, 1, low=jnp.array([-1.0]), high=jnp.array([1.0]))
    >>> search = jax.jit(lambda x, m, key: planner.plan(lambda x, u, k, key: x + u, cost, x, m, key))
    >>> plan, memory = search(jnp.ones(1), memory, jax.random.key(0))
    >>> bool(abs(plan.controls[0, 0] + 0.92) < 0.05), plan.reason == Reason.planned
    (True, Array(True, dtype=bool))
    """

    references: ClassVar[tuple[str, ...]] = ("rubinstein2004cross", "pinneri2020sample")
    samples: int = eqx.field(static=True, converter=plain, default=128)
    iterations: int = eqx.field(static=True, converter=plain, default=4)
    elites: int = eqx.field(static=True, converter=plain, default=12)
    initial_std: int | float = eqx.field(static=True, converter=plain, default=0.7)
    minimum_std: int | float = eqx.field(static=True, converter=plain, default=0.02)
    momentum: int | float = eqx.field(static=True, converter=plain, default=0.1)
    color: int | float = eqx.field(static=True, converter=plain, default=2.0)
    recombined: int | float = eqx.field(static=True, converter=plain, default=0.5)
    decay: int | float = eqx.field(static=True, converter=plain, default=1.0)

    def __check_init__(self):
        _check_option("iterations", self.iterations, int, 1, math.inf)
        _check_option("elites", self.elites, int, 2, math.inf)
        _check_option("samples", self.samples, int, 2 * self.elites, math.inf)
        _check_option("initial_std", self.initial_std, float, 1e-6, math.inf)
        _check_option("minimum_std", self.minimum_std, float, 0, self.initial_std)
        _check_option("momentum", self.momentum, float, 0, 0.999)
        _check_option("color", self.color, float, 0, 10)
        _check_option("recombined", self.recombined, float, 0, 1)
        _check_option("decay", self.decay, float, 1, math.inf)

    def init(
        self,
        horizon: int,
        controls: int,
        low: Float[Array, " control"],
        high: Float[Array, " control"],
    ) -> Memory:
        """Start at the middle of the bounds, which must be finite."""
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise ArgumentError(
                f"bounds: CEM draws between finite bounds, got low={np.asarray(low).tolist()}, "
                f"high={np.asarray(high).tolist()}; pass the largest values that make sense."
            )
        mean = jnp.broadcast_to((low + high) / 2, (horizon, controls))
        return Memory(low, high, mean, jnp.broadcast_to(mean, (self.elites, *mean.shape)))

    def plan(
        self, transition: Transition, cost: StageCost, state: State, memory: Memory, key: Key[Array, ""]
    ) -> tuple[Plan, Memory]:
        draw_key, path_key = jax.random.split(key)
        keys = jax.random.split(path_key, memory.mean.shape[0])
        judge = jax.vmap(functools.partial(score, transition, cost, state, keys=keys))
        search = self._start(memory)
        size, *sizes = self._sizes()
        search = self._iterate(judge, search, memory, memory.elites, size, jax.random.fold_in(draw_key, 0))
        # Iterations of one size are compiled once.
        for size, group in itertools.groupby(enumerate(sizes, 1), key=lambda numbered: numbered[1]):

            def again(search, i, size=size):
                k = jax.random.fold_in(draw_key, i)
                return self._iterate(judge, search, memory, memory.elites[:0], size, k), None

            search, _ = jax.lax.scan(again, search, jnp.array([i for i, _ in group]))
        return self._finish(transition, state, search, memory, keys)

    def _sizes(self) -> list[int]:
        """Candidates per iteration."""
        return [max(round(self.samples / self.decay**i), 2 * self.elites) for i in range(self.iterations)]

    def _start(self, memory: Memory) -> Search:
        std = jnp.broadcast_to(self.initial_std * (memory.high - memory.low) / 2, memory.mean.shape)
        zero = jnp.zeros((), memory.mean.dtype)
        worst = jnp.full(self.elites, jnp.inf, memory.mean.dtype)
        return Search(memory.mean, std, memory.elites, Score(worst, jnp.zeros_like(worst)), zero, zero)

    def _iterate(
        self,
        judge,
        search: Search,
        memory: Memory,
        proposals: Float[Array, "proposals horizon control"],
        size: int,
        key: Key[Array, ""],
    ) -> Search:
        tried = self._draw(search, memory, proposals, size, key)
        scores = judge(tried)
        # 1. The best so far compete again; their scores still hold, since all share the same keys.
        pool = jnp.concatenate([search.kept, tried])
        pooled = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), search.scores, scores)
        order = jax.lax.top_k(-pooled.rank, self.elites)[1]
        elites, ranked = pool[order], jax.tree.map(lambda leaf: leaf[order], pooled)
        # 2. Refit to the elites that did not diverge; without any, stay.
        weight = jnp.isfinite(ranked.cost).astype(elites.dtype)[:, None, None]
        count = jnp.maximum(weight.sum(), 1)
        mean = (weight * elites).sum(0) / count
        half = (memory.high - memory.low) / 2
        std = half * jnp.sqrt((weight * ((elites - mean) / half) ** 2).sum(0) / count)
        a = jnp.where(weight.sum() > 0, self.momentum, 1.0)
        floor = self.minimum_std * half
        return Search(
            mean=a * search.mean + (1 - a) * mean,
            std=jnp.maximum(a * search.std + (1 - a) * std, floor),
            kept=elites,
            scores=ranked,
            diverged=search.diverged + (~jnp.isfinite(scores.cost)).sum(),
            infeasible=search.infeasible + (scores.violation > 0).sum(),
        )

    def _draw(
        self,
        search: Search,
        memory: Memory,
        proposals: Float[Array, "proposals horizon control"],
        size: int,
        key: Key[Array, ""],
    ) -> Float[Array, "samples horizon control"]:
        """The mean, the proposals, and as many draws as there is room for, all within the bounds."""
        room = size - 1 - len(proposals)
        recombined = 0 if len(proposals) else round(self.recombined * room)
        for_noise, for_weights = jax.random.split(key)
        dtype = search.mean.dtype
        # 1. Coloured noise around the mean.
        L = jnp.asarray(coloured(len(search.mean), self.color), dtype)
        z = jax.random.normal(for_noise, (room - recombined, *search.mean.shape), dtype)
        steps = search.std * jnp.einsum("hk,nkc->nhc", L, z)
        # 2. Draws with the elites' own covariance, without ever forming it.
        w = jax.random.normal(for_weights, (recombined, self.elites), dtype) / math.sqrt(self.elites - 1)
        mixed = jnp.einsum("ne,ehc->nhc", w, search.kept - search.kept.mean(0))
        drawn = search.mean + jnp.concatenate([steps, mixed])
        return jnp.clip(jnp.concatenate([search.mean[None], proposals, drawn]), memory.low, memory.high)

    def _finish(
        self,
        transition: Transition,
        state: State,
        search: Search,
        memory: Memory,
        keys: Key[Array, " horizon"],
    ) -> tuple[Plan, Memory]:
        best = jax.tree.map(lambda leaf: leaf[0], search.scores)
        found = jnp.isfinite(best.cost)
        controls = jnp.where(found, search.kept[0], memory.elites[0])
        mean = jnp.where(found, search.mean, memory.mean)
        elites = jnp.where(found, search.kept, memory.elites)
        plan = Plan(
            controls=controls,
            states=states_along(transition, state, controls, keys),
            cost=best.cost,
            reason=_reason(state, best),
            stats={
                "diverged": search.diverged / sum(self._sizes()),
                "infeasible": search.infeasible / sum(self._sizes()),
                "violation": best.violation,
                "std": search.std.mean(),
            },
        )
        return plan, Memory(memory.low, memory.high, shifted(mean), shifted(elites))


def _reason(state: State, best: Score) -> Reason:
    found = choose(best.violation > 0, Reason.infeasible, Reason.planned)
    lost = choose(finite(state), Reason.diverged, Reason.bad_state)
    return choose(jnp.isfinite(best.cost), found, lost)


def _check_option(name: str, value: object, kind: type, low: int | float, high: int | float) -> None:
    valid = is_count(value, 0) if kind is int else is_number(value)
    if not valid or not low <= value <= high:  # type: ignore[operator]
        what = "an integer" if kind is int else "a number"
        limit = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise ArgumentError(f"CEM: {name}: expected {what}, {limit}, got {value!r}.")
