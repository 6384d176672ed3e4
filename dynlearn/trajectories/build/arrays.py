"""From numpy arrays to a dataset under the trajectory schema."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from dynlearn.errors import ArgumentError
from dynlearn.trajectories.build.assemble import Runs, assemble
from dynlearn.trajectories.times.instants import from_dates, grid
from dynlearn.trajectories.times.iso_text import check_zones
from dynlearn.trajectories.message import refusal
from dynlearn.trajectories.numbers import as_float
from dynlearn.trajectories.times.spellings import as_instants, in_utc
from dynlearn.trajectories.build.transitions import cut_at_ends, scalars

PREFIX = {"output": "y", "control": "u", "state": "x", "static": "p"}


def from_arrays(
    outputs: Any,
    controls: Any = None,
    times: Any = None,
    dt: float | None = None,
    output_names: Sequence[str] | None = None,
    control_names: Sequence[str] | None = None,
    units: Mapping[str, str] | None = None,
    *,
    states: Any = None,
    state_names: Sequence[str] | None = None,
    static: Any = None,
    static_names: Sequence[str] | None = None,
    reward: Any = None,
    terminated: Any = None,
    truncated: Any = None,
    runs: Sequence | None = None,
    hold: str = "zero",
) -> xr.Dataset:
    """A dataset from arrays: one run, several of equal length, or a list of runs of any lengths.

    Rewards and flags of episodes belong to the transition that starts at a sample. A run is cut after every
    sample at which `terminated` or `truncated` is true, so that episodes which follow one another in one
    array (offline data, with terminals and timeouts) come apart. Such data usually store no observation
    after the last action of an episode: it then ends one sample earlier than the environment did, and its
    last reward and flag stand at its last sample. Where that observation is stored, as a row from which
    nothing starts (reward NaN; without rewards, controls NaN), it stays with its episode.

    Args:
        outputs: `(time,)` one output of one run; `(time, output)` one run; `(trajectory, time, output)`
            several runs; or a list of arrays `(time,)` or `(time, output)`, one per run. NaN = not measured.
        controls: the same form. Row k is applied from sample k to the next. After the last sample of a
            run nothing may be known: NaN is allowed there and nowhere else.
        times: `(time,)` shared by all runs, a list with one array per run, or `(trajectory, time)` with NaN
            after the end of a run; exactly one of `times` and `dt` is given. Dates (datetime64 of any
            resolution and year, `datetime`, `date`, pandas timestamps and periods, ISO 8601 text; with an
            offset or a zone: in UTC) become numbers since the earliest one, in seconds or in `units["t"]`;
            time differences become numbers. Months and years are not equally long: in "d" such instants are
            uneven, and with `units={"t": "month"}` (or "year") they are counted.
        dt: the sampling interval in `units["t"]`: instants are `dt * arange(n)`.
        output_names, control_names: default y0, y1, ... and u0, u1, ...
        units: from a name, or "t", to its unit, e.g. `{"t": "s", "y0": "m"}`.
        states: the true states where a simulator knows them, in the form of `outputs`.
        state_names: default x0, x1, ...
        static: what stays the same all along a run, `(trajectory, static)`, or `(static,)` for one run.
        static_names: default p0, p1, ...
        reward: of each transition, `(time,)` for one run, else one such array per run.
        terminated, truncated: whether the episode ends after a transition, by itself or cut short; the form
            of `reward`.
        runs: ids of the runs, default 0, 1, ...
        hold: "zero": a control stays constant until the next sample; or "linear".

    Returns:
        A dataset under the trajectory schema with `output`, and of `control`, `state`, `static`, `reward`,
        `terminated`, `truncated` those that were given; shorter runs are padded with NaN at their end.

    Raises:
        ArgumentError: arguments that do not fit each other.
        SchemaError: values that the schema does not allow, such as instants that do not increase.

    >>> ds = from_arrays([np.zeros((4, 2)), np.ones((3, 2))], dt=0.1, units={"t": "s", "y1": "m"})
    >>> dict(ds.sizes)
    {'trajectory': 2, 'time': 4, 'output_name': 2}
    >>> ds.dyn.lengths.tolist()
    [4, 3]
    """
    values = {"output": _as_runs("outputs", outputs)}
    lengths = [len(run) for run in values["output"]]
    for kind, given in (("control", controls), ("state", states)):
        if given is not None:
            values[kind] = _fitting(kind, given, outputs, lengths)
    if static is not None:
        values["static"] = _static(static, len(lengths))
    units = dict(units or {})
    instants, time_attrs = _instants(times, dt, lengths, units.get("t", ""))
    given_names = {
        "output": output_names,
        "control": control_names,
        "state": state_names,
        "static": static_names,
    }
    names: dict[str, Sequence[str]] = {
        kind: _names(kind, given_names[kind], values[kind][0].shape[-1]) for kind in values
    }
    for kind in given_names.keys() - values.keys():
        if given_names[kind] is not None:
            raise ArgumentError(
                refusal(f"{kind}_names", "None without values", given_names[kind], "pass the values")
            )
    ids = range(len(lengths)) if runs is None else list(runs)
    if len(ids) != len(lengths):
        raise ArgumentError(
            refusal("runs", f"{len(lengths)} ids, one per run", len(ids), "name every run once")
        )
    several = isinstance(outputs, list | tuple) or np.ndim(outputs) == 3
    given_scalars = {"reward": reward, "terminated": terminated, "truncated": truncated}
    samples = {
        name: scalars(name, given, lengths, several=several)
        for name, given in given_scalars.items()
        if given is not None
    }
    made = Runs(ids, instants, values, names, samples, units, time_attrs, hold)
    return assemble(cut_at_ends(made, dt))


def _as_runs(what: str, given: Any) -> list[np.ndarray]:
    """One array `(time, column)` per run."""
    if isinstance(given, list | tuple):
        return _from_list(what, given)
    array = as_float(what, given)
    if array.ndim == 1:
        return [array[:, None]]
    if array.ndim == 2:
        return [array]
    if array.ndim == 3 and len(array):
        return list(array)
    remedy = "pass (time,), (time, name), (trajectory, time, name), or a list with one array per run"
    raise ArgumentError(refusal(what, "an array of 1, 2 or 3 dimensions", f"shape {array.shape}", remedy))


def _from_list(what: str, given: Sequence) -> list[np.ndarray]:
    remedy = f"for a single run pass numpy.asarray({what})"
    if not given or any(np.ndim(run) not in (1, 2) for run in given):
        came = f"dimensions {[np.ndim(run) for run in given]}"
        expected = "a list with one array (time,) or (time, name) per run"
        raise ArgumentError(refusal(what, expected, came, remedy))
    arrays = [as_float(f"{what}[{i}]", run) for i, run in enumerate(given)]
    arrays = [run[:, None] if run.ndim == 1 else run for run in arrays]
    widths = sorted({run.shape[1] for run in arrays})
    if len(widths) > 1:
        raise ArgumentError(
            refusal(what, "as many columns in every run", f"{widths}", "use NaN columns for gaps")
        )
    return arrays


def _fitting(kind: str, given: Any, outputs: Any, lengths: list[int]) -> list[np.ndarray]:
    """Controls or states, which must have the form of the outputs and a row for each sample."""
    what = f"{kind}s"
    several = isinstance(outputs, list | tuple) or np.ndim(outputs) == 3
    if several and not isinstance(given, list | tuple) and np.ndim(given) != 3:
        remedy = "pass a list with one array per run, or (trajectory, time, name)"
        raise ArgumentError(
            refusal(what, "one array per run, as in outputs", f"shape {np.shape(given)}", remedy)
        )
    runs = _as_runs(what, given)
    came = [len(run) for run in runs]
    if came != lengths:
        remedy = "give every sample a row"
        if kind == "control" and came == [length - 1 for length in lengths]:
            remedy = "add a last row of NaN: nothing was applied after the last sample"
        raise ArgumentError(refusal(what, f"as many samples per run as in outputs {lengths}", came, remedy))
    return runs


def _static(given: Any, runs: int) -> list[np.ndarray]:
    array = as_float("static", given)
    if array.ndim == 1 and runs == 1:
        array = array[None]
    if array.ndim != 2 or len(array) != runs:
        expected = f"shape ({runs}, static), one row per run"
        raise ArgumentError(
            refusal("static", expected, f"shape {array.shape}", "use NaN where it is not known")
        )
    return list(array)


def _instants(times: Any, dt: float | None, lengths: list[int], unit: str) -> tuple[list, dict]:
    if (times is None) == (dt is None):
        came = "neither" if dt is None else "both"
        raise ArgumentError(refusal("times, dt", "exactly one of them", came, "pass e.g. dt=0.1"))
    if dt is not None:
        return [grid(dt, length) for length in lengths], {"units": unit} if unit else {}
    if isinstance(times, list | tuple) and any(np.ndim(run) for run in times):
        given = [as_instants(run) for run in times]
        zones = [in_utc(run) for run in times]
    else:
        zones = [in_utc(times)]
        shared = as_instants(times)
        given = list(shared) if shared.ndim == 2 else [shared] * len(lengths)
    if [run.shape for run in given] != [(length,) for length in lengths]:
        expected = f"an instant for every sample of every run {lengths}"
        came = f"{[run.shape for run in given]}"
        raise ArgumentError(refusal("times", expected, came, "pass a list with one array per run"))
    check_zones(zones)
    return from_dates(given, unit, utc=all(zones))


def _names(kind: str, given: Sequence[str] | None, count: int) -> list[str]:
    if given is None:
        return [f"{PREFIX[kind]}{i}" for i in range(count)]
    if isinstance(given, str) or len(given) != count:
        raise ArgumentError(
            refusal(f"{kind}_names", f"a list of {count} names", repr(given), "name every column")
        )
    return list(given)
