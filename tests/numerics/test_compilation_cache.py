"""Compiled programs are kept between processes: where, how many, and never as a reason to fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynlearn.numerics.compilation_cache import prune

SCRIPT = """
import dynlearn as dl, numpy as np, jax
from dynlearn.numerics.precision import compiled
program = compiled(lambda x: jax.numpy.linalg.qr(jax.numpy.sin(x) @ x)[0])
print(float(abs(program(np.eye(5) + 1.0)).sum()))
"""


def run(folder: Path, first: str = "", **variables: str) -> tuple[str, str]:
    """Output and error output of a process that compiles, with its cache at `folder`."""
    environment = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"}
    # The suite compiles with hardly any optimisation, in next to no time.
    environment |= {
        "DYNLEARN_CACHE": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        **variables,
    }
    command = [sys.executable, "-c", first + SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def programs(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-atime")}


def test_programs_are_kept_and_found_again_without_a_word(tmp_path):
    first = run(tmp_path)
    kept = programs(tmp_path)
    assert kept
    assert next((tmp_path / "programs").iterdir()).name.startswith("jax-")
    second = run(tmp_path)
    assert second == (first[0], "")
    assert programs(tmp_path) == kept


def test_one_variable_switches_it_off(tmp_path):
    run(tmp_path, DYNLEARN_COMPILATION_CACHE="off")
    assert programs(tmp_path) == set()


def test_a_folder_that_JAX_was_given_is_kept(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    run(ours, JAX_COMPILATION_CACHE_DIR=str(theirs))
    assert programs(ours) == set()
    assert programs(theirs)


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path):
    (tmp_path / "file").write_text("in the way")
    out, err = run(tmp_path / "file" / "below")
    assert float(out) > 0
    assert err == ""


def test_a_JAX_that_would_fill_the_screen_is_left_alone(tmp_path):
    """Imported before dynlearn, one before 0.11.1 cannot be silenced any more."""
    _, err = run(tmp_path, "import jax\n", TF_CPP_MIN_LOG_LEVEL="3")
    assert programs(tmp_path)  # silenced by the user
    environment = os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
    try:
        for _ in range(2):
            _, err = run(tmp_path / "other", "import jax\n")
            assert "cpu_aot_loader" not in err
    finally:
        if environment is not None:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = environment


@pytest.mark.parametrize(("largest", "left"), [(10**6, "abc"), (250, "bc"), (100, "c"), (0, "")])
def test_the_oldest_programs_go_first(tmp_path, largest, left):
    for i, name in enumerate("abc"):
        path = tmp_path / ("old" if name == "a" else "new") / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (i, i))
    prune(tmp_path, largest)
    assert programs(tmp_path) == set(left)
