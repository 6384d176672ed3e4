"""Help answers at once: nothing heavy is imported for it."""

import subprocess
import sys

import pytest

import dynlearn as dl

HEAVY = ("jax", "equinox", "matplotlib", "scipy", "gymnasium", "torch", "h5netcdf")
SCRIPT = f"""
import sys
from typer.testing import CliRunner
from dynlearn.cli import app
result = CliRunner().invoke(app, sys.argv[1:])
assert result.exit_code == 0, result.output
print(sorted(name for name in {HEAVY!r} if name in sys.modules))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["fit", "--help"], ["demo", "-h"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_command(call):
    shown = call("--help").output
    commands = "demo datasets fit identify forecast filter smooth impute evaluate compare control pretrain"
    for command in commands.split():
        assert command in shown
        assert "Usage" in call(command, "--help").output


def test_help_names_every_method(call):
    for command, methods in (("fit", dl.fitting.METHODS), ("filter", dl.inference.METHODS)):
        shown = call(command, "--help").output
        assert [name for name in methods if name not in shown] == []


def test_version(call):
    assert call("--version").output.strip() == f"dynlearn {dl.__version__}"


def test_runs_as_a_module():
    command = [sys.executable, "-m", "dynlearn", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"dynlearn {dl.__version__}"


def test_no_command_shows_help(call):
    assert "Commands" in call(code=2).output
