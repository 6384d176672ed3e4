"""What a fit in torch carries from block to block: weights, their average, Adam's moments, the best so far."""

from collections.abc import Mapping

import jax
import numpy as np
import torch
from torch import nn

from dynlearn.torch.native._native import AbstractNative

Arrays = dict[str, np.ndarray]
Snapshot = dict[str, Arrays | np.ndarray]
"""A pytree of numpy arrays: what a checkpoint holds."""
MOMENTS = ("exp_avg", "exp_avg_sq")


class Carried:
    """The mutable state of one fit; `snapshot` and `restore` copy it."""

    def __init__(self, module: AbstractNative, weight_decay: float):
        self.module = module
        self.parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.best = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.optimizer = torch.optim.AdamW(self.parameters.values(), weight_decay=weight_decay)
        for p in self.parameters.values():
            self.optimizer.state[p] = {
                "step": torch.zeros(()),
                **{name: torch.zeros_like(p, memory_format=torch.preserve_format) for name in MOMENTS},
            }
        self.score = np.asarray(np.inf, np.float32)
        """Validation score of `best`."""
        self.stale = np.asarray(0, np.int32)
        """Validations since it last improved."""

    def step(self, rate: float, clip: float, decay: float) -> torch.Tensor:
        """One step of Adam down the gradients that lie in the parameters; returns their norm."""
        norm = nn.utils.clip_grad_norm_(list(self.parameters.values()), clip)
        self.optimizer.param_groups[0]["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            for name, p in self.parameters.items():
                self.average[name].lerp_(p, 1 - decay)
        return norm

    def judge(self, score: float | None) -> None:
        """Keep the average if it scored better than the best, or if nothing is scored."""
        found = None if score is None else np.asarray(score, np.float32)
        if found is None or found < self.score:
            self.best = {name: value.clone() for name, value in self.average.items()}
            self.score = self.score if found is None else found
            self.stale = np.asarray(0, np.int32)
        else:
            self.stale = np.asarray(self.stale + 1, np.int32)

    def enter(self, values: dict[str, torch.Tensor]) -> None:
        """Put these values into the module."""
        with torch.no_grad():
            for name, p in self.parameters.items():
                p.copy_(values[name])

    def snapshot(self) -> Snapshot:
        found: Snapshot = {
            "parameters": _copied(self.parameters),
            "average": _copied(self.average),
            "best": _copied(self.best),
            "score": self.score,
            "stale": self.stale,
        }
        for moment in ("step", *MOMENTS):
            found[moment] = _copied({n: self.optimizer.state[p][moment] for n, p in self.parameters.items()})
        return found

    def restore(self, snapshot: Snapshot) -> None:
        tree = jax.tree.map(lambda array: torch.from_numpy(np.array(array)), snapshot)
        self.enter(tree["parameters"])
        with torch.no_grad():
            for name, p in self.parameters.items():
                self.average[name].copy_(tree["average"][name])
                self.best[name].copy_(tree["best"][name])
                for moment in ("step", *MOMENTS):
                    self.optimizer.state[p][moment].copy_(tree[moment][name])
        self.score, self.stale = (np.array(snapshot[name]) for name in ("score", "stale"))


def _copied(tensors: Mapping[str, torch.Tensor]) -> Arrays:
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}
