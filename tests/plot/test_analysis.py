"""Figures of what is inside a model."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn import plot
from dynlearn.errors import ArgumentError


def regions(outputs=("a", "b", "c")) -> xr.Dataset:
    """Two runs of three steps through three regions."""
    y = np.arange(2 * 3 * len(outputs), dtype=float).reshape(2, 3, len(outputs))
    return xr.Dataset(
        {
            "region": (("trajectory", "step"), [[0, 1, 0], [0, 2, 1]]),
            "output": (("trajectory", "step", "output_name"), y),
            "occupancy": ("region_number", [0.5, 1 / 3, 1 / 6]),
            "transition": (
                ("region_number", "region_next"),
                [[0.9, 0.1, 0], [0.4, 0, 0.6], [0.005, 0.995, 0]],
            ),
        },
        {
            "output_name": list(outputs),
            "output_unit": ("output_name", ["m"] * len(outputs)),
            "trajectory": [0, 1],
        },
    )


def cycles(outputs=("a", "b", "c"), factor=1.0) -> xr.Dataset:
    """A stable one of period 2 and a fixed point that repels."""
    y = np.arange(4 * len(outputs), dtype=float).reshape(2, 2, len(outputs))
    y[1, 1] = np.nan
    return xr.Dataset(
        {
            "period": ("cycle", [2, 1]),
            "stable": ("cycle", [True, False]),
            "eigenvalue": (("cycle", "mode"), [[0.5 + 0.5j, 0.5 - 0.5j], [2 * factor, -0.5]]),
            "output": (("cycle", "phase", "output_name"), y),
        },
        {"output_name": list(outputs)},
    )


def marked(ax, gid):
    (found,) = [x for x in (*ax.lines, *ax.patches, *ax.collections) if x.get_gid() == gid]
    return found


def test_a_region_has_its_points_and_its_colour():
    found = regions()
    figure = plot.state_space(found, cycles(), outputs=["c", "a"])
    ax = figure.axes[0]
    y = found["output"].values
    for k, at in enumerate([[(0, 0), (0, 2), (1, 0)], [(0, 1), (1, 2)], [(1, 1)]]):
        line = marked(ax, f"region {k}")
        np.testing.assert_array_equal(line.get_xdata(), [y[run, step, 2] for run, step in at])
        np.testing.assert_array_equal(line.get_ydata(), [y[run, step, 0] for run, step in at])
        assert line.get_color() == plot.shared.style.PALETTE[k]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["0: 50 %", "1: 33 %", "2: 17 %"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("c (m)", "a (m)")


def test_cycles_close_and_show_whether_they_attract():
    ax = plot.state_space(regions(), cycles(), outputs=["a", "b"]).axes[0]
    stable, unstable = marked(ax, "cycle 0"), marked(ax, "cycle 1")
    np.testing.assert_array_equal(stable.get_xdata(), [0, 3, 0])
    np.testing.assert_array_equal(unstable.get_ydata(), [7, 7])
    assert stable.get_markerfacecolor() != unstable.get_markerfacecolor() == "white"


def test_three_outputs_are_drawn_in_space_and_one_over_its_past():
    ax = plot.state_space(regions()).axes[0]
    assert (ax.name, ax.get_zlabel()) == ("3d", "c (m)")
    np.testing.assert_array_equal(marked(ax, "region 2").get_data_3d(), [[12], [13], [14]])
    np.testing.assert_array_equal(
        marked(plot.state_space(regions(), cycles()).axes[0], "cycle 0").get_data_3d()[2], [2, 5, 2]
    )
    ax = plot.state_space(regions(("a",)), cycles(("a",))).axes[0]
    np.testing.assert_array_equal(marked(ax, "region 0").get_data(), [[0, 3], [1, 4]])
    assert ax.get_ylabel() == "a (m), one step later"
    np.testing.assert_array_equal(marked(ax, "cycle 0").get_data(), [[0, 1, 0], [1, 0, 1]])


def test_a_symbolic_graph_has_an_arrow_where_a_region_follows():
    ax = plot.symbolic_graph(regions()).axes[0]
    edges = {p.get_gid(): p for p in ax.patches if str(p.get_gid()).startswith("edge")}
    assert set(edges) == {"edge 0 0", "edge 0 1", "edge 1 0", "edge 1 2", "edge 2 1"}  # 0.005 is too seldom
    assert (
        edges["edge 2 1"].get_linewidth()
        > edges["edge 1 2"].get_linewidth()
        > edges["edge 0 1"].get_linewidth()
    )
    assert {"0.9", "0.1", "0.4", "0.6", "0.99", "0", "1", "2"} == {
        t.get_text() for t in ax.texts if t.get_text()
    }
    area = [marked(ax, f"node {k}").get_radius() ** 2 for k in range(3)]
    np.testing.assert_allclose(area / area[0], [1, 2 / 3, 1 / 3])
    assert len(plot.symbolic_graph(regions(), least=0.001).axes[0].patches) == 9


def test_a_symbolic_graph_shows_the_most_visited_regions():
    ax = plot.symbolic_graph(regions(), most=2).axes[0]
    assert ax.get_title(loc="left") == "2 of 3 regions, 83 % of the steps"
    assert {p.get_gid() for p in ax.patches} == {"edge 0 0", "edge 0 1", "edge 1 0", "node 0", "node 1"}


def test_a_spectrum_is_drawn_with_its_errors():
    dims = ("trajectory", "order")
    found = xr.Dataset(
        {
            "exponent": (dims, [[0.9, -2.0], [0.8, -2.1]], {"units": "1/s"}),
            "error": (dims, [[0.1, 0.2], [0.1, 0.2]]),
            "kaplan_yorke": ("trajectory", [1.45, 1.38]),
        },
        {"order": [1, 2], "trajectory": [0, 1]},
    )
    ax = plot.lyapunov(found).axes[0]
    np.testing.assert_array_equal(marked(ax, "run 0").get_ydata(), [0.9, -2.0])
    np.testing.assert_array_equal(marked(ax, "run 1").get_ydata(), [0.8, -2.1])
    whiskers = ax.collections[0].get_segments()
    np.testing.assert_allclose([w[:, 1] for w in whiskers], [[0.8, 1.0], [-2.2, -1.8]])
    assert ax.get_ylabel() == "Lyapunov exponent (1/s)"
    assert ax.get_title(loc="right") == "Kaplan-Yorke dimension 1.38 to 1.45"
    found["kaplan_yorke"][:] = np.nan
    assert "more exponents are needed" in plot.lyapunov(found).axes[0].get_title(loc="right")


def test_eigenvalues_of_cycles_stand_in_the_unit_circle():
    figure = plot.cycle_eigenvalues(cycles())
    ax = figure.axes[0]
    np.testing.assert_array_equal(marked(ax, "period 2 stable").get_data(), [[0.5, 0.5], [0.5, -0.5]])
    np.testing.assert_array_equal(marked(ax, "period 1 unstable").get_xdata(), [2, -0.5])
    assert marked(ax, "period 1 unstable").get_markerfacecolor() == "white"
    np.testing.assert_allclose(np.hypot(*marked(ax, "unit circle").get_data()), 1)
    assert ax.get_title(loc="right") == "2 cycles, 1 of them stable"
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["period 1", "period 2"]
    assert "log" not in ax.get_xlabel()


def test_eigenvalues_far_out_are_drawn_in_logarithms():
    ax = plot.cycle_eigenvalues(cycles(factor=500.0)).axes[0]
    np.testing.assert_allclose(marked(ax, "period 1 unstable").get_xdata(), [1 + np.log(1000), -0.5])
    assert r"$1 + \log|\lambda|$" in ax.get_xlabel()


def test_entropies_are_drawn_over_the_length_of_words():
    found = dl.analysis.entropy(np.random.default_rng(0).integers(2, size=3000), longest=6)
    above, below = plot.entropy(found).axes
    np.testing.assert_array_equal(marked(above, "block").get_ydata(), found["block"])
    np.testing.assert_array_equal(marked(below, "rate").get_ydata(), found["rate"])
    for name in ("metric", "topological", "graph"):
        assert marked(below, name).get_ydata()[0] == float(found[name])
    assert marked(above, "believed").get_xdata()[0] == found.attrs["length"] == 4


def test_a_basin_is_a_cell_for_every_start():
    found = xr.Dataset(
        {
            "attractor": (("p", "q"), [[0, 0, 1], [-2, -1, 1]]),
            "share": ("attractor_number", [1 / 3, 1 / 3]),
            "mean": (("attractor_number", "output_name"), [[5.0, 0.0], [7.0, 2.0]]),
        },
        {"p": [0.0, 1.0], "q": [0.0, 2.0, 4.0], "output_name": ["q", "p"]},
    )
    figure = plot.basins(found)
    ax = figure.axes[0]
    np.testing.assert_array_equal(marked(ax, "basins").get_array(), found["attractor"].values.T)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("p", "q")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 1.5), (-1.0, 5.0))
    np.testing.assert_array_equal(marked(ax, "attractors").get_data(), [[0, 2], [5, 7]])
    texts = ["0: 33 %", "1: 33 %", "not settled: 17 %", "leaves: 17 %"]
    assert [t.get_text() for t in figure.legends[0].get_texts()] == texts
    mesh = marked(ax, "basins")
    colors = {n: mpl.colors.to_hex(mesh.cmap(mesh.norm(n))) for n in (-2, -1, 0, 1)}
    assert colors == {-2: "#d5d9de", -1: "#ffffff", 0: "#0072b2", 1: "#d55e00"}
    strip = plot.basins(found.isel(q=0, drop=True)).axes[0]
    np.testing.assert_array_equal(np.ravel(marked(strip, "basins").get_array()), [0, -2])


def test_a_bifurcation_diagram_has_a_panel_per_output_and_one_of_the_exponent():
    y = np.arange(12.0).reshape(3, 2, 2)
    found = xr.Dataset(
        {"output": (("value", "step", "output_name"), y), "exponent": ("value", [-1.0, np.nan, 0.5])},
        {"value": [1.0, 2.0, 3.0], "output_name": ["a", "b"]},
        {"over": "heat"},
    )
    first, second, below = plot.bifurcation(found).axes
    np.testing.assert_array_equal(marked(first, "a").get_data(), [[1, 1, 2, 2, 3, 3], [0, 2, 4, 6, 8, 10]])
    np.testing.assert_array_equal(marked(second, "b").get_ydata(), [1, 3, 5, 7, 9, 11])
    np.testing.assert_array_equal(marked(below, "exponent").get_ydata(), [-1, np.nan, 0.5])
    assert (below.get_xlabel(), below.get_ylabel()) == ("heat", "largest Lyapunov exponent (per time unit)")
    assert len(plot.bifurcation(found, outputs="b").axes) == 2


BAD = [
    (lambda: plot.state_space(3), r"regions: expected what dl\.analysis\.regions returns, got int"),
    (
        lambda: plot.state_space(cycles()),
        r"dl\.analysis\.regions returns, got a dataset with \['eigenvalue',",
    ),
    (lambda: plot.state_space(regions(), regions()), r"cycles: expected what dl\.analysis\.cycles returns"),
    (lambda: plot.state_space(regions(), outputs=["z"]), "unknown output 'z'"),
    (lambda: plot.state_space(regions(), outputs=list("abca")), r"expected one to 3 of \['a', 'b', 'c'\]"),
    (lambda: plot.symbolic_graph(regions(), most=0), "most: expected an integer >= 1, got 0"),
    (lambda: plot.symbolic_graph(None), r"dl\.analysis\.regions returns, got NoneType"),
    (lambda: plot.lyapunov(regions()), r"lyapunov: expected what dl\.analysis\.lyapunov returns"),
    (lambda: plot.cycle_eigenvalues(regions()), r"dl\.analysis\.cycles returns"),
    (lambda: plot.entropy(np.ones(3)), r"dl\.analysis\.entropy returns, got ndarray"),
    (lambda: plot.basins(regions()), r"dl\.analysis\.basins returns"),
    (lambda: plot.bifurcation(regions()), r"dl\.analysis\.bifurcation returns"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_bad_input_says_what_was_expected(call, text):
    with pytest.raises(ArgumentError, match=text):
        call()
