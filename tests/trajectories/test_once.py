"""One look per call: what a call finds out about a dataset, it finds out once, and forgets afterwards."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import SchemaError
from dynlearn.trajectories.checks.validate import validate
from dynlearn.trajectories.once import known, once, one_call


@pytest.fixture
def asked():
    """(function, the arguments it was really called with)."""
    calls: list[tuple] = []

    @once
    def function(ds, *args, **kwargs):
        calls.append((ds.attrs["name"], *args, *kwargs.items()))
        return len(calls)

    return function, calls


@pytest.fixture
def two(make_linear):
    return tuple(make_linear().assign_attrs(name=name) for name in "ab")


def test_by_dataset_and_arguments_within_a_call(asked, two):
    function, calls = asked
    a, b = two

    @one_call
    def verb():
        return [function(a), function(a), function(b), function(a, 1), function(a, k=2), function(a, k=2)]

    assert verb() == [1, 1, 2, 3, 4, 4]
    assert calls == [("a",), ("b",), ("a", 1), ("a", ("k", 2))]
    verb()
    assert len(calls) == 8  # the next call looks again


def test_outside_a_call_and_after_an_error(asked, two):
    function, calls = asked
    assert [function(two[0]), function(two[0])] == [1, 2]

    @one_call
    def fails():
        function(two[0])
        raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            fails()
    assert [function(two[0]), function(two[0])] == [5, 6]
    assert len(calls) == 6


def test_a_verb_in_a_verb_shares_its_look(asked, two):
    function, calls = asked
    inner = one_call(lambda: function(two[0]))
    assert one_call(lambda: (function(two[0]), inner(), inner()))() == (1, 1, 1)
    assert calls == [("a",)]


def test_what_is_known_is_not_asked(asked, two):
    function, calls = asked
    assert one_call(lambda: (known(function, two[0], "known"), function(two[0])))() == ("known", "known")
    assert calls == []
    assert known(function, two[0], "not kept") == "not kept"
    assert function(two[0]) == 1


def test_ids_of_datasets_that_are_gone_are_not_mistaken(asked):
    function, calls = asked

    @one_call
    def verb():
        for i in range(200):
            ds = dl.from_arrays(np.zeros((3, 1)), dt=1.0).assign_attrs(name=i)
            assert function(ds) == i + 1

    verb()
    assert [name for (name,) in calls] == list(range(200))


def test_data_changed_between_two_calls_are_checked_again(make_linear):
    ds = make_linear()
    model = dl.models.ARX.from_data(ds, delays=1)
    dl.fit(model, ds, progress=False)
    ds["output"].values[0, 3, 0] = np.inf
    with pytest.raises(SchemaError, match="output"):
        dl.fit(model, ds, progress=False)


def test_windows_are_as_valid_as_what_they_were_taken_from(make_linear):
    windows = make_linear().dyn.windows(5, stride=2)
    assert validate(windows) is windows
