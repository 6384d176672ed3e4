"""Checkpoints: enough of a fit in a file to go on, after a kill, to what it would have become."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from dynlearn.disk import archive
from dynlearn.disk.lock import locked
from dynlearn.disk.whole import check_place, clear_leftovers
from dynlearn.errors import FileFormatError
from dynlearn.fitting.checkpoint.identity import Identity, difference
from dynlearn.fitting.result import Reason

KIND, VERSION = "dynlearn checkpoint", 2
PAUSE = 1.0
"""Seconds from one writing to the next where steps are short; longer where writing takes more than a twentieth."""
Result = TypeVar("Result")


class Progress(NamedTuple):
    """How far a fit is."""

    training: Any
    step: int
    rows: list[dict[str, float]]
    reason: Reason | None


class Checkpoint:
    """The file of one fit, or none (`path` is None): what was found in it, and what is put there.

    A method keeps either its present state (`load`, `save`), or what its expensive calls returned
    (`recall`): a deterministic method that meets the same results again takes the same way.
    """

    def __init__(self, path: Path | None, identity: Identity):
        self.path, self.identity = path, identity
        self._state: tuple[dict, list[np.ndarray]] | None = None
        self._results: list[list[np.ndarray]] = []
        self._next, self._due, self._written = 0, 0.0, True
        if path is not None and path.exists():
            content, arrays = archive.read(path, KIND, VERSION)
            self._check(content, arrays)
            self._state = content["state"], arrays[: content["split"]]
            self._results = _grouped(arrays[content["split"] :], content["results"])

    def load(self, like: Any, steps: int) -> Progress | None:
        """The state that was saved, as a pytree like this one, after `steps` at most; None where there is none."""
        if self._state is None or self._state[0] is None:
            return None
        content, arrays = self._state
        if content["step"] > steps or (content["reason"] is None and content["step"] == steps):
            raise self._damaged()
        rows = [{k: float("nan") if v is None else v for k, v in row.items()} for row in content["rows"]]
        reason = None if content["reason"] is None else Reason[content["reason"]]
        return Progress(self._restored(like, arrays), content["step"], rows, reason)

    def save(self, progress: Progress, *, every_time: bool = True) -> None:
        """Keep this state, now (`every_time`) or when it is time to; the end of a fit always."""
        if self.path is None:
            return
        rows = [{k: _json(v) for k, v in row.items()} for row in progress.rows]
        reason = None if progress.reason is None else progress.reason.name
        content = {"step": progress.step, "rows": rows, "reason": reason}
        # Arrays stay where they are until it is time to write them.
        self._state = content, jax.tree.leaves(progress.training)
        if every_time or progress.reason is not None or time.monotonic() >= self._due:
            self._write()

    def recall(self, like: Result, compute: Callable[[], Result]) -> Result:
        """What the n-th call computed before the kill, or now, a pytree like `like`."""
        if self.path is None:
            return compute()
        self._next += 1
        if self._next <= len(self._results):
            return self._restored(like, self._results[self._next - 1])
        result = compute()
        self._results.append([np.asarray(leaf) for leaf in jax.tree.leaves(result)])
        self._written = False
        if time.monotonic() >= self._due:
            self._write()
        return result

    def finish(self) -> None:
        """The fit has ended: what waited to be written is."""
        if not self._written:
            self._write()

    def _write(self) -> None:
        assert self.path is not None
        started = time.monotonic()
        state, arrays = (None, []) if self._state is None else self._state
        content = {
            "fit": self.identity,
            "state": state,
            "split": len(arrays),
            "results": [len(result) for result in self._results],
        }
        flat = [leaf for result in self._results for leaf in result]
        archive.write(self.path, KIND, VERSION, content, [*map(np.asarray, arrays), *flat])
        now, self._written = time.monotonic(), True
        self._due = now + max(PAUSE, 20 * (now - started))

    def _restored(self, like: Any, arrays: list[np.ndarray]) -> Any:
        leaves, tree = jax.tree.flatten(like)
        expected = [(np.shape(leaf), getattr(leaf, "dtype", np.dtype(float))) for leaf in leaves]
        if [(a.shape, a.dtype) for a in arrays] != expected:
            raise FileFormatError(
                f"checkpoint {self.path}: its arrays are not those of this fit; give another path or delete the file."
            )
        return jax.tree.unflatten(tree, [_as(a, leaf) for a, leaf in zip(arrays, leaves, strict=True)])

    def _check(self, content: Any, arrays: list[np.ndarray]) -> None:
        """Raise unless the file holds what `_write` writes, of this fit."""
        try:
            fit, state, split, results = (content[name] for name in ("fit", "state", "split", "results"))
            different = difference(fit, self.identity)
            whole = all(type(n) is int and n >= 0 for n in (split, *results))
            if not whole or split + sum(results) != len(arrays) or not (state is None or _state_like(state)):
                raise self._damaged()
        except (AttributeError, KeyError, TypeError) as error:
            raise self._damaged() from error
        if different:
            raise FileFormatError(
                f"checkpoint {self.path}: it is of another fit: {different}; give another path or delete the file."
            )

    def _damaged(self) -> FileFormatError:
        return FileFormatError(
            f"checkpoint {self.path}: what it says of the fit is damaged; give another path or delete the file."
        )


@contextmanager
def opened(path: str | os.PathLike | None, identity: Callable[[], Identity]) -> Iterator[Checkpoint]:
    """The checkpoint at `path`, which belongs to this fit alone until it ends."""
    if path is None:
        yield Checkpoint(None, {})
        return
    path = check_place(path)
    with locked(path, "checkpoint"):
        clear_leftovers(path)
        checkpoint = Checkpoint(path, identity())
        yield checkpoint
        checkpoint.finish()


def _as(array: np.ndarray, like: Any) -> Any:
    if isinstance(like, jax.Array):
        return jnp.asarray(array)
    return array if isinstance(like, np.ndarray) else array.item()


def _grouped(arrays: list[np.ndarray], counts: list[int]) -> list[list[np.ndarray]]:
    ends = np.cumsum([0, *counts])
    return [arrays[a:b] for a, b in itertools.pairwise(ends)]


def _state_like(state: dict) -> bool:
    """Whether it is a state as `save` makes it."""

    def number(value: object) -> bool:
        return value is None or type(value) is float or (type(value) is int and abs(value) < 2**53)

    step, rows, reason = (state[name] for name in ("step", "rows", "reason"))
    return (
        type(step) is int
        and step > 0
        and all(type(row) is dict and "loss" in row and all(map(number, row.values())) for row in rows)
        and all(a["step"] < b["step"] for a, b in itertools.pairwise(rows))
        and [row["step"] for row in rows[-1:]] == [step]
        and (reason is None or reason in Reason.__members__)
    )


def _json(value: float) -> float | None:
    """JSON has no NaN: a number that is not finite is written as null."""
    return value if np.isfinite(value) else None
