"""Channels of one value, also where their mean is rounded: 0.1 added up and divided is not 0.1."""

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError

VALUES = [7.0, 0.1, 7.3, -20.3, 1e-30 / 3]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("beside", [False, True])
def test_a_constant_output_is_forecast_as_it_is(value, beside):
    """Persistence and ARX, alone and beside an output that changes and whose forecast it does not touch."""
    rng = np.random.default_rng(0)
    changing = np.cumsum(rng.normal(size=(300, 1)), axis=0)
    constant = np.full_like(changing, value)
    y = np.concatenate([constant, changing], axis=1) if beside else constant
    ds, other = dl.from_arrays(y, dt=1.0), dl.from_arrays(changing, dt=1.0)
    for family in (dl.models.Persistence, dl.models.ARX):
        model = dl.fit(family.from_data(ds), ds, progress=False).model
        fc = dl.forecast(model, ds, 5, samples=2)
        np.testing.assert_allclose(fc["output_mean"].values[..., 0], value, rtol=1e-4)
        assert float(fc["output_scale"].values[..., 0].max()) < 1e-3 * abs(value)
        if beside:
            alone = dl.forecast(
                dl.fit(family.from_data(other), other, progress=False).model, other, 5, samples=2
            )
            np.testing.assert_allclose(
                fc["output_mean"].values[..., 1], alone["output_mean"].values[..., 0], rtol=2e-3
            )


@pytest.mark.parametrize("value", [0.3, 0.1, 7.3])
def test_a_constant_control_is_no_matter_of_resolution(value):
    rng = np.random.default_rng(0)
    ds = dl.from_arrays(np.cumsum(rng.normal(size=(60, 1)), 0), np.full((60, 1), value), dt=1.0)
    model = dl.fit(dl.models.ARX.from_data(ds), ds, progress=False).model
    dl.forecast(model, ds, 3, controls=np.full((3, 1), value), samples=2)
    with pytest.raises(ArgumentError, match="throughout the training data"):
        dl.forecast(model, ds, 3, controls=np.full((3, 1), value + 1), samples=2)


def test_a_small_change_around_a_large_mean_is_refused_and_the_remedy_works():
    y = 1e8 + np.sin(np.arange(100.0))[:, None]
    ds = dl.from_arrays(y, dt=1.0)
    with pytest.raises(ArgumentError, match="subtract an offset"):
        dl.fit(dl.models.Persistence.from_data(ds), ds, progress=False)
    near = dl.from_arrays(y - 1e8, dt=1.0)
    dl.fit(dl.models.Persistence.from_data(near), near, progress=False)
