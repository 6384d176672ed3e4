"""The demo from beginning to end, at tiny sizes."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import dynlearn as dl
from dynlearn.cli.demo.settings import FULL, QUICK


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A process of its own, in which what is computed once is not optimised for speed."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    command = [sys.executable, "-W", "error", "-m", "dynlearn", "demo", "--quick", "--out", str(folder)]
    environment = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1", "COLUMNS": "160"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_tells_where_it_is_and_what_came_out(finished):
    folder, shown = finished
    stages = re.findall(r"^ *(\d+)/(\d+) ✓", shown, re.M)
    assert stages == [(str(i + 1), str(len(stages))) for i in range(len(stages))]
    assert "persistence" in shown
    assert "true equations" in shown
    assert (folder / "report.html").as_uri() in shown


def test_keeps_everything_in_files(finished):
    folder, _ = finished
    for name in ("NeuralODE", "Koopman"):
        assert type(dl.load(folder / "laser" / f"{name}.dyn")).__name__ == name
        assert dl.read(folder / "laser" / f"forecast_{name}.nc").sizes["time"] == QUICK.measured[0].horizon
    assert (folder / "laser" / "scores.nc").exists()
    data = dl.read(folder / "pendulum" / "data.nc")
    assert data.dyn.n_runs == QUICK.pendulum.episodes
    for planned_over in ("learned_model", "true_equations"):
        runs = dl.read(folder / "pendulum" / f"runs_{planned_over}.nc")
        assert runs.dyn.n_runs == QUICK.pendulum.evaluations
        assert runs.attrs["seed"] == QUICK.pendulum.first_seed
    assert dl.load(folder / "pendulum" / "ensemble.dyn").size == QUICK.pendulum.members
    assert json.loads((folder / "settings.json").read_text())["key"] == QUICK.key


class _Addresses(HTMLParser):
    """Every address a browser would fetch, and every script."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "poster"):
                self.found.append(value)
        if tag in ("script", "link", "iframe"):
            self.found.append(f"<{tag}>")


def test_report_is_one_file_with_everything(finished):
    folder, _ = finished
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = _Addresses()
    page.feed(text)
    assert page.found
    assert all(address.startswith(("data:image/", "#")) for address in page.found)
    for part in (
        "persistence",
        "true equations",
        "NeuralODE",
        "Koopman",
        "jax",
        "first seed",
        "seed of everything",
    ):
        assert part in text, part
    assert text.count("<img") >= 8


def test_settings_keep_the_promises():
    assert FULL.pendulum.episodes * 200 <= 5000
    assert FULL.pendulum.evaluations == 20
    for settings in FULL.measured:
        assert settings.series in dl.datasets.names("measured")
        assert {family.model for family in settings.families} == {"NeuralODE", "Koopman"}


def test_what_it_computes_does_not_depend_on_how_it_is_compiled(finished, tmp_path):
    """As users compile: with every optimisation, where the suite compiles with hardly any (`conftest.py`)."""
    folder, _ = finished
    lowered = ("XLA_FLAGS", "JAX_DISABLE_MOST_OPTIMIZATIONS")
    environment = {name: value for name, value in os.environ.items() if name not in lowered}
    command = [sys.executable, "-W", "error", "-m", "tests.demo_path", str(tmp_path / "out")]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    names = [f"laser/forecast_{name}.nc" for name in ("NeuralODE", "Koopman")]
    names += [f"pendulum/runs_{over}.nc" for over in ("learned_model", "true_equations")]
    for name in names:
        found, expected = dl.read(tmp_path / "out" / name), dl.read(folder / name)
        for variable in {"output", "output_mean", "output_scale", "control", "reward"} & set(expected):
            scale = float(np.nanmax(np.abs(expected[variable])))
            # Rounding of 20 and 40 steps of Adam in float32, and of 20 decisions on what came of them.
            np.testing.assert_allclose(
                found[variable], expected[variable], rtol=0, atol=1e-4 * scale, err_msg=f"{name}: {variable}"
            )
