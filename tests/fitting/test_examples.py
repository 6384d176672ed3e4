"""Training examples: which instants they start from, and how they are cut on the host and on the device."""

import jax.numpy as jnp
import numpy as np

import dynlearn as dl
from dynlearn.fitting.examples import Examples


def gappy(make_linear):
    """Runs of other lengths with single outputs and whole samples missing."""
    ds = make_linear(lengths=(40, 25, 33)).copy(deep=True)
    y = ds["output"].values
    y[0, 10:13], y[1, 4, 0], y[2, 20, 1] = np.nan, np.nan, np.nan
    return ds


def test_windows_filled_up_on_the_host_are_those_cut_on_the_device(make_linear):
    ds = gappy(make_linear)
    model = dl.models.ARX.from_data(ds, delays=1)
    examples = Examples.of(model, ds, 5, "test")  # a horizon of 5 is filled up to 6
    index = np.array([0, 7, 30, 50, examples.size - 1])  # and five windows to six
    filled, cut = examples.filled(index), examples.take(jnp.asarray(index))
    assert filled.output.shape == (6, examples.past + 6, 2)
    for name in ("time", "interval", "output", "observed", "control", "valid"):
        found, wanted = np.asarray(getattr(filled, name)), np.asarray(getattr(cut, name))
        np.testing.assert_array_equal(found[:5, : cut.length], wanted, err_msg=name)
    assert cut.observed.any()
    assert not filled.observed[5, examples.past :].any()
    assert not filled.observed[:, examples.past + 5 :].any()


def test_an_instant_after_a_gap_counts_where_the_model_can_bridge_it(make_linear):
    """Of ARX with a gap of 0 none that lacks a complete sample among its last; with a gap those it can fill."""
    ds = gappy(make_linear)
    complete = np.isfinite(ds["output"].values).all(-1)

    def starts(gap: int) -> set[tuple[int, int]]:
        examples = Examples.of(dl.models.ARX.from_data(ds, delays=1, gap=gap), ds, 1, "test")
        run, now = (np.asarray(index)[: examples.size].tolist() for index in (examples.run, examples.now))
        return set(zip(run, now, strict=True))

    assert starts(0) == {
        (i, k)
        for i, length in enumerate((40, 25, 33))
        for k in range(1, length - 1)
        if complete[i, k - 1 : k + 1].all() and np.isfinite(ds["output"].values[i, k + 1]).any()
    }
    assert starts(10) - starts(0) == {(0, 12), (0, 13), (1, 4), (1, 5), (2, 20), (2, 21)}
