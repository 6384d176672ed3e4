"""How fast does an almost-linear RNN train and run, beside the same in PyTorch?

Protocol: M = 20, P = 2, 3 outputs, float32. A training step: value and gradient of the squared error of 16 windows of
130 samples under sparse teacher forcing, data in the place of the outputs every 16 samples, and Adam's update. A
rollout: 16 free runs of 1000 samples. Each also for a population of 64 models with weights of their own, on the same
windows. Everything is compiled first; then the sides take turns (10 turns), medians.

Peers: PyTorch as its users write it, a Python loop over the samples, all windows of a batch in one matrix product;
the population as 64 models one after the other (4 models, each 16 times), and as one model with batched matrix
products (`baddbmm`). One thread and torch's own number, the faster one counts.

Target: 10 times faster at batch 16; 30 times for the population, beside the models one after the other.

Seeds: 0.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ._measure import peer, seconds
from ._rows import Row, at_most
from ._settings import Settings

M, P, N, TAU, BATCH, MEMBERS = 20, 2, 3, 16, 16, 64
Work = Callable[[], Any]


def run(settings: Settings) -> list[Row]:
    length, free = settings.size(130, 20), settings.size(1000, 20)
    members = settings.size(MEMBERS, 4)
    y = np.random.default_rng(0).normal(size=(BATCH, length, N)).astype(np.float32)
    sides = _ours(y, free, members) | _torch(y, free, members)
    took: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(settings.times(10) + 1):
        for name, work in sides.items():
            found = 1e3 * min(seconds(work, 1 if "torch" in name or not turn else 3))
            took[name] += [found] if turn else []
    rows = []
    for what in ("step", "rollout"):
        for size, label, limit in (("", "batch 16", 1 / 10), (" of 64", "population of 64", 1 / 30)):
            ours = took[f"{what}{size}"]
            loops = [took[n] for n in took if n.startswith(f"torch {what}{size} loop")]
            best = min(loops, key=np.median)
            rows.append(
                Row.repeated(f"{what}, {label}", ours, "ms", peer("torch"), best, at_most(limit, "ratio"))
            )
            batched = [took[n] for n in took if n.startswith(f"torch {what}{size} batched")]
            if batched:
                best = min(batched, key=np.median)
                rows.append(
                    Row.repeated(f"{what}, {label}, beside batched products", ours, "ms", peer("torch"), best)
                )
    return rows


def _ours(y: np.ndarray, free: int, members: int) -> dict[str, Work]:
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax

    import dynlearn as dl
    from dynlearn.fitting.objectives.forcing.sparse import sparse_teacher_forcing
    from dynlearn.models import rollout
    from dynlearn.numerics.fixed import is_fixed, trainable

    ds = dl.from_arrays(list(y), dt=1.0)
    model = dl.models.ALRNN.from_data(ds, latent=M, nonlinear=P, unforced=TAU, memory=TAU, key=0)
    many = dl.models.Ensemble.of(model, members, key=0).members
    batch, key, optimizer = ds.dyn.to_device(), jax.random.key(0), optax.adam(1e-3)

    def step(parameters, state, fixed):
        def loss(parameters):
            model = eqx.combine(parameters, fixed, is_leaf=is_fixed)
            return sparse_teacher_forcing(model, batch, key)[0]

        value, gradient = jax.value_and_grad(loss)(parameters)
        update, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, update), state, value

    def run_free(model):
        def one(window):
            start = model.infer(window[: model.memory])
            steps = jnp.zeros((free + 1, 0)), jnp.zeros(free + 1), jnp.ones(free)
            return rollout(model, start, *steps)[1].mean

        return jax.vmap(one)(batch)

    def stepped(model, function):
        parameters, fixed = eqx.partition(model, trainable(model), is_leaf=is_fixed)
        state = (eqx.filter_vmap(optimizer.init) if model is many else optimizer.init)(parameters)
        compiled = eqx.filter_jit(function)
        return lambda: jax.block_until_ready(compiled(parameters, state, fixed))

    alone, together = eqx.filter_jit(run_free), eqx.filter_jit(eqx.filter_vmap(run_free))
    return {
        "step": stepped(model, step),
        "step of 64": stepped(many, eqx.filter_vmap(step)),
        "rollout": lambda: jax.block_until_ready(alone(model)),
        "rollout of 64": lambda: jax.block_until_ready(together(many)),
    }


def _torch(y: np.ndarray, free: int, members: int) -> dict[str, Work]:
    import torch

    data = torch.from_numpy(y).transpose(0, 1).contiguous()  # time, window, output
    generator = torch.Generator().manual_seed(0)

    def parameters(*lead: int) -> list[torch.Tensor]:
        shapes = (M,), (M, M), (M,), (N, M - N)
        return [(0.1 * torch.randn(*lead, *s, generator=generator)).requires_grad_() for s in shapes]

    def advance(z, A, W, h):
        phi = torch.cat([z[..., : M - P], torch.relu(z[..., M - P :])], dim=-1)
        if W.ndim == 2:
            return A * z + phi @ W.T + h
        return torch.baddbmm(A[:, None] * z + h[:, None], phi, W.transpose(1, 2))

    def path(weights, start, count, forced):
        A, W, h, L = weights
        y0 = start if W.ndim == 2 else start.expand(len(W), *start.shape)
        z, found = torch.cat([y0, y0 @ L], dim=-1), []
        for k in range(count):
            if forced and k % TAU == 0:
                y_k = data[k] if W.ndim == 2 else data[k].expand(len(W), *data[k].shape)
                z = torch.cat([y_k, z[..., N:]], dim=-1)
            z = advance(z, A, W, h)
            found.append(z[..., :N])
        return torch.stack(found)

    def step(weights, optimizer):
        def work():
            optimizer.zero_grad()
            found = path(weights, data[0], len(data) - 1, forced=True)
            wanted = data[1:] if weights[1].ndim == 2 else data[1:, None]
            error = (found - wanted) ** 2
            (error.mean() if weights[1].ndim == 2 else error.mean((0, 2, 3)).sum()).backward()
            optimizer.step()

        return work

    def rolled(weights):
        def work():
            with torch.no_grad():
                return path(weights, data[-1], free, forced=False)

        return work

    def several(make, count):
        """`count` models one after the other stand for all."""
        works = [make() for _ in range(count)]

        def work():
            for one in works:
                one()

        return work

    def stepping(*lead):
        weights = parameters(*lead)
        return step(weights, torch.optim.Adam(weights, 1e-3))

    few = max(1, members // 16)
    usual = torch.get_num_threads()
    works: dict[str, Work] = {}
    for threads in sorted({1, usual}):
        made = {
            "step loop": stepping(),
            "step of 64 loop": _times(members / few, several(stepping, few)),
            "step of 64 batched": stepping(members),
            "rollout loop": rolled(parameters()),
            "rollout of 64 loop": _times(members / few, several(lambda: rolled(parameters()), few)),
            "rollout of 64 batched": rolled(parameters(members)),
        }
        for name, work in made.items():
            works[f"torch {name}, {threads} threads"] = _with_threads(work, threads)
    return works


def _with_threads(work: Work, threads: int) -> Work:
    import torch

    def limited():
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return work()
        finally:
            torch.set_num_threads(before)

    return limited


def _times(factor: float, work: Work) -> Work:
    """All `factor` times as much work, done in full: what is repeated is timed, not multiplied."""

    def repeated():
        for _ in range(round(factor)):
            work()

    return repeated
