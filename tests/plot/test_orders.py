"""The choice of an order is drawn as it was made."""

import numpy as np
import pytest
import xarray as xr

from dynlearn import plot
from dynlearn.errors import ArgumentError


def test_the_best_order_of_every_criterion_is_marked():
    """An order that the data do not carry scores infinity and is not drawn."""
    values = {"bic": [9.0, 2.0, 3.0, np.inf], "validation": [1.0, 0.5, 0.4, 0.6]}
    scores = xr.Dataset({k: ("order", v) for k, v in values.items()}, {"order": [1, 2, 3, 4]})
    figure = plot.orders(scores)
    marked = [line.get_xdata()[0] for ax in figure.axes for line in ax.lines if line.get_gid() == "best"]
    assert marked == [2, 3]
    assert [len(ax.lines[0].get_xdata()) for ax in figure.axes] == [3, 4]
    assert "held-out" in figure.axes[1].get_title(loc="left")
    assert figure.axes[-1].get_xlabel() == "number of states"


def test_refusals():
    with pytest.raises(ArgumentError, match=r"expected what dl\.fitting\.order_scores returns, got int"):
        plot.orders(3)
    lost = xr.Dataset({"bic": ("order", [np.inf])}, {"order": [9]})
    with pytest.raises(ArgumentError, match="'bic' is not finite for any order"):
        plot.orders(lost)
