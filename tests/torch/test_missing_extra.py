"""Without PyTorch: everything but dynlearn.torch works, saved programs included."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import torch

import dynlearn.torch
from dynlearn.contract.storage import files as storage
from dynlearn.disk import archive

WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + script, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_one_clear_error():
    script = """
import dynlearn, dynlearn.models
from dynlearn.errors import DynlearnError
try:
    import dynlearn.torch
except ImportError as error:
    print(type(error).__name__, isinstance(error, DynlearnError), error.__cause__, error)
"""
    assert run(script) == (
        "MissingExtraError True None dynlearn.torch needs PyTorch, which is not installed; "
        "run: pip install 'dynlearn[torch]'"
    )


def test_a_program_from_a_file_runs(tmp_path):
    module = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Softplus(), torch.nn.Linear(4, 2))
    program = dynlearn.torch.lower(module, torch.zeros(2))
    arrays: list[np.ndarray] = []
    archive.write(tmp_path / "program", "program", 1, storage._encode(program, arrays, "program"), arrays)
    script = """
import numpy as np, dynlearn.programs
from dynlearn.contract.storage import files as storage
from dynlearn.disk import archive
program = storage._decode(*archive.read(sys.argv[1], "program", 1), "file")
print(*np.asarray(program(np.array([0.5, -1.0], "float32"))).tolist())
"""
    found = [float(number) for number in run(script, str(tmp_path / "program")).split()]
    np.testing.assert_allclose(found, program(jnp.array([0.5, -1.0])), 1e-6)
