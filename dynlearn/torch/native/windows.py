"""Windows: the instants of a dataset from which a forecast can start, as a torch dataset."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
import torch
import xarray as xr
from torch.utils.data import Dataset

from dynlearn.contract.checks.absolute_time import check_clock
from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.scaling import check_resolution
from dynlearn.errors import ArgumentError, check_count
from dynlearn.fitting.examples import Examples
from dynlearn.models.baselines.persistence import Persistence
from dynlearn.torch.shared.arrays import to_torch
from dynlearn.trajectories import window as numerics


class Window(NamedTuple):
    """Consecutive samples of a run, with any leading batch axes: `dynlearn.trajectories.window.Window` in torch.

    Values that were not measured are 0 and not `observed`; samples outside the run are not `valid`.
    """

    time: torch.Tensor
    """Instant of each sample, `(*batch, time)`, in the dataset's time unit."""
    interval: torch.Tensor
    """Time to the next sample, `(*batch, time)`; 0 where there is none."""
    output: torch.Tensor
    """`(*batch, time, output)`, physical units."""
    observed: torch.Tensor
    """`(*batch, time, output)`, bool."""
    control: torch.Tensor
    """What was applied from this sample on, `(*batch, time, control)`, physical units."""
    valid: torch.Tensor
    """`(*batch, time)`, bool."""
    static: torch.Tensor
    """`(*batch, static)`, physical units."""

    @property
    def length(self) -> int:
        return self.valid.shape[-1]

    def first(self, samples: int) -> "Window":
        """The first `samples` samples."""
        axis = self.valid.ndim - 1
        along = {n: leaf.narrow(axis, 0, samples) for n, leaf in self._asdict().items() if n != "static"}
        return Window(**along, static=self.static)

    def to(self, device: torch.device | str) -> "Window":
        return Window(*(leaf.to(device) for leaf in self))


class Windows(Dataset):
    """Every window of `past + horizon` samples of a dataset that a model can be trained on.

    Sample `past - 1` of a window is its present instant: one at which a state can be inferred from
    the samples up to it, and after which something was measured within `horizon` samples. Runs may
    be of unequal length, each with instants of its own, with outputs missing: a window that reaches
    over an end of its run is padded, and `valid` says where.

    Args:
        ds: trajectories under the schema.
        model: a model (of torch or of dynlearn), whose `memory` and `required` samples count; or the
            number of past samples, for a state that takes each output's last value among them.
        horizon: samples after the present one.

    Raises:
        ArgumentError: data of other names, units or sampling than the model's.
        FitError: there is no such window.

    An index gives one `Window`, `batch(indices)` many at once in one compiled program; a
    `torch.utils.data.DataLoader` takes that way by itself. The order is that of the runs and, in
    each, of time.

    >>> import dynlearn as dl, torch
    >>> ds = dl.datasets.load("pendulum", runs=3, length=40, key=0)
    >>> windows = dl.torch.Windows(ds, 5, horizon=10)
    >>> len(windows), windows[0].output.shape
    (117, torch.Size([15, 2]))
    >>> loader = torch.utils.data.DataLoader(windows, batch_size=32, shuffle=True)
    >>> next(iter(loader)).control.shape
    torch.Size([32, 15, 1])
    """

    def __init__(self, ds: xr.Dataset, model: AbstractModel | Foreign | int, horizon: int):
        check_count("horizon", horizon, 1)
        chosen: Any = as_model(model)
        if isinstance(chosen, AbstractModel):
            chosen.signature.check(ds)
        elif isinstance(chosen, int | np.integer):
            check_memory(chosen)
            chosen = Persistence.from_data(ds, memory=int(chosen))
        else:
            raise ArgumentError(
                f"model: expected a model or a number of past samples, got {type(model).__name__}."
            )
        check_resolution(ds)
        check_clock(chosen, ds)
        self.examples = Examples.of(chosen, ds, horizon, "windows")

    @classmethod
    def of(cls, examples: Examples) -> Self:
        """Around anchors that were found already.

        Args:
            examples: as a fit in JAX finds them.
        """
        windows = cls.__new__(cls)
        windows.examples = examples
        return windows

    @property
    def past(self) -> int:
        """Samples up to and including the present one."""
        return self.examples.past

    @property
    def horizon(self) -> int:
        """Samples after it."""
        return self.examples.horizon

    def __len__(self) -> int:
        return self.examples.size

    def __getitem__(self, index: int) -> Window:
        if not isinstance(index, int | np.integer):
            raise ArgumentError(
                f"windows: expected an integer, got {index!r}; for many, call batch(indices)."
            )
        return Window(*(leaf[0] for leaf in self.batch([index])))

    def __getitems__(self, indices: list[int]) -> list[Window]:
        """What a `DataLoader` asks for: a batch, in pieces that it puts together again."""
        together = self.batch(indices)
        return [Window(*(leaf[i] for leaf in together)) for i in range(len(indices))]

    def batch(self, indices: Sequence[int] | np.ndarray | torch.Tensor) -> Window:
        """The windows of these indices, stacked along a leading axis.

        Args:
            indices: from 0; negative ones count from the end.

        Returns:
            A `Window` of tensors with the indices in front.

        Raises:
            ArgumentError: what is no list of integers.
            IndexError: an index of no window.
        """
        index = np.asarray(indices)
        if index.ndim != 1 or index.dtype.kind not in "iu":
            raise ArgumentError(f"windows: expected a list of integers, got {indices!r:.100}.")
        outside = index[(index < -len(self)) | (index >= len(self))]
        if outside.size:
            # IndexError, not one of ours: it is what ends a loop over a sequence.
            raise IndexError(f"windows: expected indices below {len(self)}, got {outside[0]}.")
        return from_numerics(self.examples.take(jnp.asarray(np.where(index < 0, index + len(self), index))))

    def spread(self, at_most: int) -> Window:
        """At most `at_most` windows, evenly over all of them.

        Args:
            at_most: a number of windows.
        """
        return from_numerics(self.examples.spread(at_most))


def from_numerics(window: numerics.Window) -> Window:
    """A window that was just cut, handed over by reference."""
    return Window(*(to_torch(getattr(window, name)) for name in Window._fields))
