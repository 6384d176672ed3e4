"""Regimes are drawn where they held, with their probabilities."""

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn import plot
from dynlearn.errors import ArgumentError

NAMES = ["calm", "wild", "off"]


def recorded() -> xr.Dataset:
    """Two runs of 6 and 4 samples, half a second apart."""
    rng = np.random.default_rng(0)
    ds = dl.from_arrays(
        [rng.normal(size=(n, 2)) for n in (6, 4)],
        dt=0.5,
        output_names=["a", "b"],
        units={"t": "s"},
        runs=["p", "q"],
    )
    held = np.array([[0, 0, 1, 1, 1, 0], [2, 2, 1, 1, 0, 0]])
    probability = np.where(np.arange(3) == held[..., None], 0.8, 0.1)
    inside = ds["t"].notnull().values
    ds = ds.assign_coords(regime_name=NAMES)
    probability = np.where(inside[..., None], probability, np.nan)
    ds["regime_probability"] = (("trajectory", "time", "regime_name"), probability)
    names = np.where(inside, np.array(NAMES, object)[held], "")
    return ds.assign_coords(regime=(("trajectory", "time"), names))


def spans(ax) -> list[tuple[str, float, float]]:
    found = [p for p in ax.patches if str(p.get_gid()).startswith("regime ")]
    return [(p.get_gid().split()[1], p.get_x(), p.get_x() + p.get_width()) for p in found]


def test_spans_stand_where_the_regimes_held():
    """Changes half-way between samples; the second run has its own, and its padding none."""
    figure = plot.regimes(recorded())
    for ax in figure.axes[:2]:
        assert spans(ax) == [("calm", 0.0, 0.75), ("wild", 0.75, 2.25), ("calm", 2.25, 2.5)]
    assert spans(plot.regimes(recorded(), run="q").axes[0]) == [("off", 0.0, 0.75), ("wild", 0.75, 1.5)]


def test_probabilities_are_stacked_up_to_one():
    ds = recorded()
    ax = plot.regimes(ds, run="q", outputs="b").axes[-1]
    low = np.zeros(4)
    for j, name in enumerate(NAMES):
        (area,) = [c for c in ax.collections if c.get_gid() == f"probability {name}"]
        edges = area.get_paths()[0].vertices
        t = np.unique(edges[:, 0])
        np.testing.assert_allclose(t, 0.5 * np.arange(4))
        high = np.array([edges[edges[:, 0] == at, 1].max() for at in t])
        np.testing.assert_allclose(high - low, ds["regime_probability"].values[1, :4, j], atol=1e-12)
        low = high
    np.testing.assert_allclose(low, 1)


def test_labels_and_legend():
    figure = plot.regimes(recorded(), outputs=["b"])
    assert [ax.get_ylabel() for ax in figure.axes] == ["b", "regime"]
    assert figure.axes[-1].get_xlabel() == "time (s)"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == NAMES
    colors = [
        handle.get_facecolor()[0][:3] for handle in legend.legend_handles if hasattr(handle, "get_paths")
    ]
    assert len({tuple(c) for c in colors}) == len(colors)


def test_refusals():
    ds = recorded()
    with pytest.raises(ArgumentError, match=r"with 'regime', got .*pass what dl\.filter or dl\.smooth"):
        plot.regimes(ds.drop_vars("regime"))
    with pytest.raises(ArgumentError, match="with 'regime_probability'"):
        plot.regimes(ds.drop_vars("regime_probability"))
    with pytest.raises(
        ArgumentError, match=r"regime: expected names among \['calm', 'wild', 'off'\], got \['odd'\]"
    ):
        plot.regimes(ds.assign_coords(regime=ds["regime"].where(ds["regime"] != "calm", "odd")))
    with pytest.raises(ArgumentError, match="unknown run 'z'"):
        plot.regimes(ds, run="z")
    with pytest.raises(ArgumentError, match="expected an xarray"):
        plot.regimes(None)
