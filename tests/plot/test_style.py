"""The look leaves no trace outside its figures, and figures show themselves."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np

import dynlearn as dl
from dynlearn import plot
from dynlearn.plot.shared.labels import _apart


def test_settings_of_the_caller_are_left_alone():
    with mpl.rc_context({"font.size": 31.0, "axes.grid": False}):
        figure = plot.trajectories(dl.from_arrays(np.zeros(4), dt=1.0))
        assert mpl.rcParams["font.size"] == 31.0
        assert not mpl.rcParams["axes.grid"]
    assert figure.axes[0].yaxis.label.get_size() == 8.5


def test_figures_need_no_pyplot_and_no_jax():
    code = "import sys, dynlearn.plot; print({'jax', 'matplotlib.pyplot'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_importing_dynlearn_does_not_import_matplotlib():
    code = "import sys, dynlearn, dynlearn.report; print('matplotlib' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_figure_shows_itself_at_twice_the_pixels():
    figure = plot.trajectories(dl.from_arrays(np.zeros(4), dt=1.0))
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    width = int.from_bytes(png[16:20], "big")
    assert width == 2 * size["width"]


def test_words_beside_lines_keep_their_order_and_stay_inside():
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 9):
        heights = rng.uniform(-0.2, 1.2, n)
        placed = _apart(heights, 0.1)
        order = np.argsort(np.clip(heights, 0, 1), kind="stable")
        assert (np.diff(placed[order]) > 0.1 - 1e-9).all()
        assert placed.min() >= -0.05 - 1e-9
        assert placed.max() <= 1.05 + 1e-9
