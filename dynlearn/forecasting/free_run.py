"""free_run: one path after each of several contexts, for whoever reads statistics of it."""

import contextlib

import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.absolute_time import check_clock
from dynlearn.contract.checks.control_range import check_controls
from dynlearn.contract.members import kind_of
from dynlearn.contract.model import AbstractModel
from dynlearn.contract.rollout import for_intervals_of
from dynlearn.contract.state_space import AbstractStateSpace
from dynlearn.errors import DivergedError
from dynlearn.forecasting import _paths, border
from dynlearn.numerics.keys import as_key, of_runs
from dynlearn.trajectories import schema
from dynlearn.trajectories.device.pasts import pasts


def free_run(
    model: AbstractModel, windows: xr.Dataset, context: int, key: int | Key[Array, ""] = 0
) -> tuple[Float[np.ndarray, "run lead output"], str]:
    """The outputs after the first `context` samples of every run, which are all that is read of the outputs.

    Of a model whose state moves at random one drawn path, the noise of the measurement included; of any other the
    mean path. Driven by the recorded controls. Nothing is raised where it leaves the finite numbers.

    Args:
        model: a fitted model.
        windows: runs of one length, longer than `context`.
        context: samples that the state is inferred from, at most.
        key: of the drawn paths.

    Returns:
        The outputs in physical units, and a sentence about controls far outside the training range ("" where
        none).

    Raises:
        ArgumentError: data that do not fit the model, or a state that cannot be inferred.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=2, length=60, key=0)
    >>> free_run(dl.fit(dl.models.ARX.from_data(ds, delays=1), ds, progress=False).model, ds, 10)[0].shape
    (2, 50, 2)
    """
    model.signature.check(windows)
    check_clock(model, windows)
    model = for_intervals_of(model, windows)
    contexts, t = windows.isel(time=slice(0, context)), schema.times_2d(windows)
    controls = np.zeros((*t.shape, 0))
    if model.signature.controls:
        controls = windows["control"].transpose("trajectory", "time", "control_name").values.astype(float)
    far = check_controls("control", model, controls)
    ahead = border.Ahead(t[:, context - 1 :], controls[:, context - 1 :])
    past = pasts(contexts, np.full(t.shape[0], context - 1), model.memory)
    moves_at_random = _paths.stochastic(model) or isinstance(kind_of(model), AbstractStateSpace)
    keys = of_runs(as_key(key), schema.run_ids(windows))
    found = _paths.followed(model, past, ahead.steps, int(moves_at_random), keys, ahead.pieces(model))
    with contextlib.suppress(DivergedError):  # its paths are not finite, which says so
        border.check_inferred(model, contexts, found.known)
    return np.asarray(found.draws[:, 0] if moves_at_random else found.mean, float), far
