"""Training: a gradient fit in torch, over the same windows as `dynlearn.fitting.Gradient`."""

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch

from dynlearn.errors import ArgumentError
from dynlearn.fitting import OBJECTIVES
from dynlearn.fitting.checkpoint import checkpoint
from dynlearn.fitting.examples import Examples
from dynlearn.fitting.methods.stochastic import check_settings, ended, sources, trained
from dynlearn.fitting.session import NativeMethod, Outcome, Session
from dynlearn.numerics.plain import make_plain
from dynlearn.torch.native._blocks import Blocks
from dynlearn.torch.native._carried import Carried
from dynlearn.torch.native._native import AbstractNative
from dynlearn.torch.native.windows import Windows


@dataclasses.dataclass(frozen=True)
class Training(NativeMethod):
    """Adam in torch on random windows of the training data, for `dl.torch.NeuralODE` and `NeuralSDE`.

    Settings, schedule, moving average, validation and early stopping are those of `dl.fitting.Gradient`; with
    the same key the windows are too. Minimised is the model's own objective: for `NeuralODE` the
    multi-step error, for `NeuralSDE` the energy score of drawn paths,

        L = sum w ((y - yhat) / scale)^2 / sum w,    ES = mean_i |y_i - y| - 1/2 mean_{i != j} |y_i - y_j|,

    over what was measured, in scaled units. The module is trained in evaluation mode: a vector
    field is a function, without dropout or statistics of a batch.

    Args:
        steps: optimiser steps at most.
        batch: windows per step.
        horizon: samples ahead each window forecasts.
        learning_rate: peak of a cosine schedule with a short linear warm-up.
        weight_decay: decoupled (AdamW).
        clip: largest global norm of a gradient.
        average: decay per step of the moving average of the weights, in [0, 1).
        validate_every: steps per block.
        patience: blocks without improvement before stopping; None never stops early.
        validation_windows: windows the validation score is computed on, at most.
        adjoint: differentiate by the adjoint equation (torchdiffeq's `odeint_adjoint`) instead of
            through the solver: less memory for many substeps, more time. Not for `NeuralSDE`.
        threads: of torch on the CPU during the fit; None leaves them as they are. One is the fastest for
            networks of usual size, by far where other programs run, and sums in the same order everywhere.

    Raises:
        ArgumentError: settings out of range; from `dl.fit` for a model that was not built in torch and for another
            objective.

    References: Kingma, Ba, "Adam", ICLR 2015; Loshchilov, Hutter, "Decoupled weight decay
    regularization", ICLR 2019; Chen, Rubanova, Bettencourt, Duvenaud, "Neural ordinary differential
    equations", NeurIPS 2018.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=4, length=40, key=0)
    >>> train, valid, test = ds.dyn.split(0.5, 0.25)
    >>> model = dl.torch.NeuralODE.from_data(train, hidden=0, memory=1, width=8, key=0)
    >>> method = dl.torch.Training(steps=4, batch=8, horizon=5, validate_every=2)
    >>> result = dl.fit(model, train, valid, method, progress=False)
    >>> result.model is model
    True
    """

    steps: int = 3000
    batch: int = 64
    horizon: int = 20
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    clip: float = 1.0
    average: float = 0.99
    validate_every: int = 100
    patience: int | None = 10
    validation_windows: int = 256
    adjoint: bool = False
    threads: int | None = 1
    resumable: ClassVar[bool] = True

    def __post_init__(self):
        make_plain(self)
        check_settings(self, ("batch", "horizon", "validation_windows"), {"threads": "of the CPU"})
        if not isinstance(self.adjoint, bool):
            raise ArgumentError(f"Training: expected adjoint to be True or False, got {self.adjoint!r}.")

    @property
    def references(self) -> tuple[str, ...]:
        """Of the optimiser, and of what its settings add."""
        return sources(self)

    def run(self, model: Any, session: Session) -> Outcome:
        """What `dl.fit` calls: `model`, trained in place on the windows of `session`, its twin and its log."""
        self._check(model, session)
        with _threads(self.threads):
            return self._run(model, session)

    def _run(self, model: AbstractNative, session: Session) -> Outcome:
        twin = model.twin()
        # The model that came is changed when all has gone well, by `adopt`.
        module = copy.deepcopy(model).eval()
        data = Windows.of(Examples.of(twin, session.train, self.horizon, "train"))
        held_out = None
        if session.validation is not None:
            examples = Examples.of(twin, session.validation, self.horizon, "validation")
            held_out = Windows.of(examples).spread(self.validation_windows).to(module.device)
        carried = Carried(module, self.weight_decay)
        blocks = Blocks(self, session.key, carried, data, held_out)
        if held_out is not None:
            # The model as it came is the first to beat.
            carried.score = np.asarray(blocks.score(held_out), np.float32)
        initial, fresh = carried.score, carried.snapshot()
        start = session.checkpoint.load(fresh, self.steps) or checkpoint.Progress(fresh, 0, [], None)
        carried.restore(start.training)

        def steps(training: Any, first: int, count: int) -> tuple[Any, dict[str, float], int]:
            numbers = blocks.run(first, count)
            return carried.snapshot(), numbers, int(carried.stale)

        end = trained(self, start, steps, held_out is not None, session)
        carried.restore(end.training)
        carried.enter(carried.best)
        reason = ended(end, held_out is None or bool(carried.score < initial))
        return Outcome(module.twin(), end.rows, reason, {"steps": end.step, "anchors": len(data)})

    def _check(self, model: Any, session: Session) -> None:
        if not isinstance(model, AbstractNative):
            raise ArgumentError(
                f"Training: expected a model built in torch, got a {type(model).__name__}; build it with "
                f"dl.torch.NeuralODE.from_data(...), or leave method out."
            )
        if session.objective is not OBJECTIVES[model.objective]:
            name = getattr(session.objective, "__name__", repr(session.objective))
            raise ArgumentError(
                f"objective: in torch a {type(model).__name__} is fitted by {model.objective!r}, got {name!r}; leave "
                f"it out, or fit the twin: dl.fit(model.twin(), ..., objective=...)."
            )
        if self.adjoint and not model.has_adjoint:
            raise ArgumentError(
                f"Training: the paths of a {type(model).__name__} are differentiated through the solver; leave "
                f"adjoint out."
            )
        if not any(p.requires_grad for p in model.parameters()):
            raise ArgumentError(
                f"Training: this {type(model).__name__} has nothing to train; use method='calibration'."
            )


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(before if count is None else count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
