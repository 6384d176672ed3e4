"""Windows as a torch dataset: the same anchors, values and masks as the fitting examples."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import dynlearn as dl
from dynlearn.errors import ArgumentError, FitError
from dynlearn.fitting.examples import Examples
from dynlearn.torch.native.windows import Window

PAST, HORIZON = 4, 5


@pytest.fixture(scope="module")
def windows(uneven) -> dl.torch.Windows:
    return dl.torch.Windows(uneven, PAST, HORIZON)


@pytest.fixture(scope="module")
def model(uneven):
    return dl.models.NeuralODE.from_data(uneven, hidden=1, memory=PAST, width=4, key=0)


def same(window: Window, other) -> bool:
    """Bit for bit, names included."""
    return all(np.array_equal(leaf, getattr(other, name)) for name, leaf in window._asdict().items())


def test_they_are_the_fitting_examples(uneven, model):
    examples = Examples.of(model, uneven, HORIZON, "train")
    windows = dl.torch.Windows(uneven, model, HORIZON)
    assert len(windows) == examples.size
    index = np.arange(len(windows))
    assert same(windows.batch(index), examples.take(jnp.asarray(index)))
    assert same(windows.spread(7), examples.spread(7))


def test_a_number_of_past_samples_gives_those_of_a_model_with_that_memory(uneven, model, windows):
    other = dl.torch.Windows(uneven, model, HORIZON)
    assert (windows.past, windows.horizon) == (other.past, other.horizon) == (PAST, HORIZON)
    assert len(windows) == len(other)
    index = [0, 3, len(windows) - 1]
    assert same(windows.batch(index), other.batch(index))


def test_each_value_is_that_of_the_dataset(uneven, windows):
    """Sample by sample, by the run's own clock; padding and missing values are 0 and marked."""
    window = windows.batch(torch.arange(len(windows)))
    assert window.length == PAST + HORIZON
    assert not window.output[~window.observed].any()
    assert not window.interval[~window.valid].any()
    clock = uneven["t"].transpose("trajectory", "time").values
    outputs = uneven["output"].transpose("trajectory", "time", "output_name").values
    static = uneven["static"].transpose("trajectory", "static_name").values.astype(np.float32)
    for k in range(0, len(windows), 9):
        run = int(np.flatnonzero((static == window.static[k].numpy()).all(1))[0])
        for j in np.flatnonzero(window.valid[k].numpy()):
            at = int(np.nanargmin(np.abs(clock[run] - float(window.time[k, j]))))
            assert float(window.time[k, j]) == np.float32(clock[run, at])
            measured = np.isfinite(outputs[run, at])
            np.testing.assert_array_equal(window.observed[k, j], measured)
            expected = np.where(measured, outputs[run, at], 0).astype(np.float32)
            np.testing.assert_array_equal(window.output[k, j], expected)


def test_every_window_has_something_to_forecast_from_and_to(windows):
    window = windows.batch(np.arange(len(windows)))
    assert window.observed[:, :PAST].any(1).all()
    assert window.observed[:, PAST:].any(-1).any(-1).all()
    assert window.valid[:, PAST - 1].all()
    assert not window.valid[:, 0].all(), "a window may start before its run does"
    assert not window.valid[:, -1].all(), "and end after it"


def test_a_loader_gives_every_window_once_and_shuffled(windows):
    generator = torch.Generator().manual_seed(0)
    loader = DataLoader(windows, batch_size=16, shuffle=True, generator=generator)
    batches = list(loader)
    assert all(isinstance(batch, Window) for batch in batches)
    assert sum(len(batch.valid) for batch in batches) == len(windows)
    assert {batch.output.dtype for batch in batches} == {torch.float32}

    def rows(parts) -> list[bytes]:
        together = (torch.cat([getattr(part, name) for part in parts]) for name in ("time", "output"))
        return [a.numpy().tobytes() + b.numpy().tobytes() for a, b in zip(*together, strict=True)]

    expected = rows([windows.batch(np.arange(len(windows)))])
    assert rows(batches) != expected
    assert sorted(rows(batches)) == sorted(expected)


def test_one_window_is_a_row_of_a_batch(windows):
    batch = windows.batch([2, -1])
    assert same(windows[2], Window(*(leaf[0] for leaf in batch)))
    assert same(windows[len(windows) - 1], Window(*(leaf[1] for leaf in batch)))
    assert len(list(windows)) == len(windows)


def test_the_first_samples_keep_the_static_features(windows):
    window = windows.batch([0, 1])
    first = window.first(PAST)
    assert first.length == PAST
    assert torch.equal(first.control, window.control[:, :PAST])
    assert torch.equal(first.static, window.static)
    assert windows[0].first(2).output.shape == (2, 2)


def test_changing_a_window_changes_nothing_else(windows):
    before = windows.batch([0]).output.clone()
    windows.batch([0]).output.zero_()
    assert torch.equal(windows.batch([0]).output, before)


def test_bad_input_is_answered_in_words(uneven, linear, model, windows):
    with pytest.raises(ArgumentError, match="horizon: expected an integer >= 1, got 0"):
        dl.torch.Windows(uneven, PAST, 0)
    with pytest.raises(ArgumentError, match="memory: expected an integer >= 1, got 0"):
        dl.torch.Windows(uneven, 0, 3)
    with pytest.raises(ArgumentError, match="model: expected a model or a number of past samples, got str"):
        dl.torch.Windows(uneven, "node", 3)
    with pytest.raises(ArgumentError, match="output_name: the model has"):
        dl.torch.Windows(linear, model, 3)
    with pytest.raises(ArgumentError, match=r"for many, call batch\(indices\)"):
        windows[0:3]
    with pytest.raises(ArgumentError, match="expected a list of integers"):
        windows.batch([0.5])
    with pytest.raises(IndexError, match="expected indices below"):
        windows.batch([len(windows)])
    with pytest.raises(FitError, match="windows: found no instant to forecast from"):
        dl.torch.Windows(uneven.isel(time=slice(0, 1)), 1, 3)
