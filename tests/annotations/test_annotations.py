"""Annotations say what is passed: shapes, dtypes, classes, on the demo's path and a tour over every family."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "rows", [[], pytest.param(["--all"], marks=pytest.mark.slow)], ids=["families", "all"]
)
def test_every_annotation_on_the_way_is_true(rows):
    command = [sys.executable, "-W", "error", "-m", "tests.annotations", *rows]
    environment = os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=1200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert ", 0 with an annotation that is not true" in done.stdout
