"""Any two datasets that this package made become one, or the name of what does not agree is said."""

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import SchemaError
from dynlearn.models import LinearStateSpace, Signature

A_B = {"prefixes": ["a-", "b-"]}


class Walk(gymnasium.Env):
    """x moves by the action."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        self.x = np.zeros(1)
        return self.x.copy(), {}

    def step(self, action):
        self.x = self.x + action
        return self.x.copy(), float(self.x[0]), False, False, {}


class Push:
    """A constant action: the smallest controller there is."""

    signature = Signature(("y0",), ("u0",), time_unit="s")
    interval, bounds = 1.0, ((-1.0,), (1.0,))

    def init(self, context=None, *, key=0):
        return None

    def missing(self, memory):
        return 0

    def record(self, memory, observation, action):
        return memory

    def act(self, memory, observation):
        return np.array([0.5]), memory, SimpleNamespace(cost=1.0, seconds=0.0, name="planned")


def driven(seed: int):
    return dl.control.run(Walk(), Push(), episodes=2, seed=seed, max_steps=3, progress=False)


@pytest.fixture(scope="module")
def walk():
    matrices = {"A": [[1.0]], "C": [[1.0]], "Q": [[1.0]], "R": [[0.01]], "P0": [[100.0]]}
    return LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), matrices)


@pytest.fixture(scope="module")
def series():
    return dl.from_arrays(
        [np.sin(np.arange(40.0)), np.cos(np.arange(30.0))], dt=1.0, output_names=["y"], units={"y": "m"}
    )


@pytest.fixture(scope="module")
def made(walk, series):
    """Pairs of datasets of one kind, as users make them one after the other."""
    model = dl.fit(dl.models.Persistence.from_data(series), series, progress=False).model
    gappy = series.copy(deep=True)
    gappy["output"][:, 5:8] = np.nan
    early, late = series.dyn.before(15), series.dyn.before(20)
    return {
        "forecasts": [dl.forecast(model, part, 3, samples=5, key=k) for k, part in enumerate((early, late))],
        "simulations": [dl.simulate(model, part, warmup=2) for part in (early, late)],
        "imputations": [dl.impute(walk, gappy, samples=2, key=k) for k in (0, 1)],
        "filtered": [dl.filter(walk, part) for part in (early, late)],
        "smoothed": [dl.smooth(walk, part) for part in (early, late)],
        "windows": [part.dyn.windows(10) for part in (early, late)],
        "simulated systems": [dl.datasets.load("linear", runs=1, length=5, key=k) for k in (0, 1)],
        "recorded": [dl.from_gymnasium(Walk(), episodes=1, seed=k, dt=1.0, max_steps=2) for k in (0, 1)],
        "closed loops": [driven(0), driven(7)],
    }


KINDS = (
    "forecasts",
    "simulations",
    "imputations",
    "filtered",
    "smoothed",
    "windows",
    "simulated systems",
    "recorded",
    "closed loops",
)


@pytest.mark.parametrize("kind", KINDS)
def test_two_of_a_kind(made, kind):
    first, second = made[kind]
    both = dl.validate(dl.concatenate([first, second], **A_B))
    assert set(both.variables) >= set(first.variables)
    half = first.sizes["trajectory"]
    assert both.sizes["trajectory"] == half + second.sizes["trajectory"]
    for part, rows in ((first, slice(0, half)), (second, slice(half, None))):
        for name in part.data_vars:
            got = both[name].isel(trajectory=rows).transpose(*part[name].dims)
            got = got.isel(time=slice(0, part.sizes["time"])) if "time" in got.dims else got
            np.testing.assert_array_equal(got.values, part[name].values, err_msg=str(name))


def test_attributes_of_one_run_are_left_out_and_common_ones_kept(made):
    first, second = made["closed loops"]
    assert (first.attrs["seed"], second.attrs["seed"]) == (0, 7)
    both = dl.concatenate([first, second], **A_B)
    assert both.attrs == {"dynlearn_schema": "1", "reasons": first.attrs["reasons"]}
    assert both["plan_seconds"].attrs["units"] == "s"
    assert both["control"].attrs == {"hold": "zero"}


def test_what_only_one_knows_is_not_known_of_the_other(made):
    recorded = made["recorded"][0].copy()
    recorded["t"].attrs["units"] = "s"
    for order in (1, -1):
        both = dl.concatenate([recorded, made["closed loops"][0]][::order], prefixes=["a-", "b-"][::order])
        assert np.isnan(both["plan_cost"].sel(trajectory="a-0")).all()
        assert both["plan_cost"].sel(trajectory="b-0").values[:3].tolist() == [1, 1, 1]
        assert both["terminated"].dtype == bool
        assert both.attrs == {"dynlearn_schema": "1"}  # the seed of the loop says nothing of the others


def test_windows_and_whole_runs(series):
    both = dl.concatenate([series, series.dyn.windows(20, 20)], **A_B)
    assert both.trajectory.values.tolist() == ["a-0", "a-1", "b-0/0", "b-0/20", "b-1/0"]
    assert both.source.values.tolist() == ["a-0", "a-1", "0", "0", "1"]


def test_what_does_not_agree_is_named(made, series):
    first, second = made["forecasts"]
    with pytest.raises(
        SchemaError, match=r"sizes of output .*'sample': 5.*got .*'sample': 3.*select as many"
    ):
        dl.concatenate([first, second.isel(sample=slice(0, 3))], **A_B)
    with pytest.raises(SchemaError, match=r"the dimensions of output .*'sample'.*got .*select or reduce"):
        dl.concatenate(
            [first, series.assign(output_mean=series["output"], output_scale=series["output"])], **A_B
        )
    loop = made["closed loops"][0]
    other = loop.assign(reward=loop["reward"].assign_attrs(units="eur"))
    with pytest.raises(SchemaError, match="the unit of reward as in the first: '', got 'eur'; convert"):
        dl.concatenate([loop, other], **A_B)
    with pytest.raises(
        SchemaError, match=r"datasets\[1\]: expected variables.*drop_vars\(\['terminated'\]\)"
    ):
        dl.concatenate([loop, loop.drop_vars("terminated")], **A_B)
    with pytest.raises(SchemaError, match=r"drop_vars\(\['terminated'\]\)"):
        dl.concatenate([loop.drop_vars("terminated"), loop], **A_B)
