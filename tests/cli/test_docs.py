"""The page of the command line: every example runs, every command is on it."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd

from dynlearn.cli import app

PAGE = Path(__file__).parents[2] / "docs/commands.md"


def test_examples_run(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^\$ dynlearn (.*)$", PAGE.read_text(), flags=re.MULTILINE)
    assert len(lines) == 7
    for line in lines:
        call(*shlex.split(line))
    assert {"position_1", "output_scale.position_1", "output_q95.position_2", "force"} <= set(
        pd.read_csv("next.csv").columns
    )
    assert {"state_mean.x0", "state_scale.x0", "output_mean.position_1"} <= set(
        pd.read_csv("states.csv").columns
    )
    gappy, full = pd.read_csv("gappy.csv"), pd.read_csv("full.csv")
    missing = gappy["position_1"].isna()
    assert 0.05 < missing.mean() < 0.15
    np.testing.assert_array_equal(full["output_scale.position_1"] > 0, missing)
    np.testing.assert_allclose(full["position_1"][~missing], gappy["position_1"][~missing])
    assert full[["position_1", "position_2"]].notna().to_numpy().all()


def test_every_command_is_on_the_page():
    table = PAGE.read_text().split("## ")[0]
    for command in app.registered_commands:
        assert f"`{command.callback.__name__}`" in table
