"""Changes of dynlearn/trajectories."""

from .._change import Change

TIMES = "tests/trajectories/test_times.py"
VERBS = "tests/trajectories/test_verbs.py"
PROPERTIES = "tests/trajectories/test_properties.py"
TRANSITIONS = "tests/trajectories/test_transitions.py"
SAMPLING = "dynlearn/trajectories/sampling.py"

CHANGES = [
    Change(
        "a week has five days",
        "dynlearn/trajectories/instants.py",
        '"week": 604800',
        '"week": 432000',
        (TIMES,),
    ),
    Change(
        "milliseconds are microseconds",
        "dynlearn/trajectories/instants.py",
        '"us": 10**6, "ms": 10**3}',
        '"us": 10**6, "ms": 10**6}',
        (TIMES,),
    ),
    Change(
        "differences of dates forget what they borrow",
        "dynlearn/trajectories/moments.py",
        "seconds = mine.seconds - theirs.seconds - borrow",
        "seconds = mine.seconds - theirs.seconds",
        (TIMES,),
    ),
    Change(
        "a year has eleven months",
        "dynlearn/trajectories/calendar.py",
        '{"month": 1, "year": 12}',
        '{"month": 1, "year": 11}',
        (TIMES,),
    ),
    Change(
        "a split gives the parts in the wrong order",
        "dynlearn/trajectories/split.py",
        "return first, first + second",
        "return second, first + second",
        (VERBS,),
    ),
    Change(
        "windows begin one sample late",
        "dynlearn/trajectories/windows.py",
        "(run_lengths(ds) - length) // stride + 1",
        "(run_lengths(ds) - length) // stride",
        (VERBS, PROPERTIES),
    ),
    Change(
        "the padding of a gathered run is measured",
        "dynlearn/trajectories/gather.py",
        "np.arange(longest) < lengths[:, None]",
        "np.arange(longest) <= lengths[:, None]",
        (VERBS, PROPERTIES),
    ),
    Change(
        "intervals on the device belong to the sample they end at",
        "dynlearn/trajectories/device.py",
        "steps = np.diff(t, axis=1, append=np.nan)",
        "steps = np.diff(t, axis=1, prepend=np.nan)",
        (VERBS,),
    ),
    Change(
        "a held control is interpolated",
        "dynlearn/trajectories/resample.py",
        '_held if hold(ds) == "zero" else _interpolated\n    rules',
        "_interpolated\n    rules",
        (VERBS,),
    ),
    Change(
        "a gap as long as allowed is not bridged",
        "dynlearn/trajectories/resample.py",
        "t[right] - t[left] <= gap",
        "t[right] - t[left] < gap",
        (VERBS,),
    ),
    Change(
        "the default gap is the smaller of two",
        "dynlearn/trajectories/resample.py",
        "2 * max(dt, float(np.median(intervals)))",
        "2 * min(dt, float(np.median(intervals)))",
        (VERBS,),
    ),
    Change(
        "an episode is cut before its last transition",
        "dynlearn/trajectories/transitions.py",
        "after = np.flatnonzero(ended) + 1",
        "after = np.flatnonzero(ended)",
        (TRANSITIONS,),
    ),
    Change(
        "what was left out of a grid is the sample before",
        "dynlearn/trajectories/regularize.py",
        "full = np.full((at[-1] + 1, *run.shape[1:]), np.nan, run.dtype)\n    full[at] = run\n    return full",
        "return _held(run, at)",
        (VERBS, PROPERTIES),
    ),
    Change(
        "the typical interval is the mean",
        SAMPLING,
        "float(np.median(intervals))",
        "float(np.mean(intervals))",
        (VERBS,),
    ),
    Change(
        "recorded rewards stand at the sample they lead to",
        "dynlearn/trajectories/environments/episode.py",
        "np.concatenate([values, np.full_like(values[:1], last)])",
        "np.concatenate([np.full_like(values[:1], last), values])",
        ("tests/trajectories/test_episodes.py",),
    ),
    Change(
        "dates far from 1970 lose what is behind the second",
        "dynlearn/trajectories/instants.py",
        "(exact.seconds * exact.per + exact.rest) / step",
        "(exact.seconds * exact.per) / step",
        (TIMES,),
    ),
]
