"""A checkpoint belongs to the data it was written for."""

import pytest

import dynlearn as dl
from dynlearn.errors import FileFormatError


def test_a_checkpoint_of_other_data_is_refused(make_linear, tmp_path):
    """The same runs with one value changed: without this, a fit to cleaned data would return the old one."""
    ds = make_linear()
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=8, key=0)
    method = dl.fitting.Gradient(steps=4, batch=4, horizon=3, validate_every=2)
    path = tmp_path / "fit.ck"
    dl.fit(model, ds, ds, method, checkpoint=path, progress=False)
    cleaned = ds.copy(deep=True)
    cleaned["output"][0, 3, 0] += 1.0
    for pair in ((cleaned, ds), (ds, cleaned)):
        with pytest.raises(FileFormatError, match="was written by"):
            dl.fit(model, *pair, method, checkpoint=path, progress=False)
    assert dl.fit(model, ds, ds, method, checkpoint=path, progress=False).statistics["steps"] == 4
