"""Factorisations side by side end on two cores.

JAX 0.10.0 to 0.11.0 spread a batch of LAPACK calls over the threads that run a program, and the thread that asked for
it waits for the others: two such calls at once on two threads wait for ever (decision 0010). The native stack of every
thread of the pool is `jax::ParallelBatchMap` -> `BlockingCounter::Wait`. `pyproject.toml` leaves those versions out.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BARE = """
import jax, jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

def inverse(A):
    return solve_triangular(jnp.linalg.qr(A, mode="r"), jnp.eye(14))

@jax.jit
def both(A, B):
    each = jax.vmap(jax.vmap(inverse))
    return each(A).sum() + each(B).sum()

A, B = jax.random.normal(jax.random.key(0), (2, 4, 50, 28, 14))
for _ in range(2000):
    both(A, B).block_until_ready()
"""

FITS = """
import numpy as np
import dynlearn as dl

rng, outputs = np.random.default_rng(0), {outputs}
walks = [np.cumsum(rng.normal(size=(40, 2)), 0) for _ in range(3)]
ds = dl.from_arrays([x @ rng.normal(size=(2, outputs)) + 0.1 * rng.normal(size=(40, outputs)) for x in walks], dt=1.0)
model = dl.models.LinearStateSpace.from_data(ds, states=2, key=0)
for _ in range({fits}):
    fitted = dl.fit(model, ds, method=dl.fitting.EM(steps=3), progress=False).model
for _ in range({filters}):
    dl.filter(fitted, ds)
"""


def run(program: str, seconds: float) -> None:
    """In a process of its own on two cores, because a program that hangs cannot be ended from within."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    pinned = f"import os; os.sched_setaffinity(0, {cores})\n{program}"
    done = subprocess.run([sys.executable, "-c", pinned], timeout=seconds, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_two_batches_in_one_program_end():
    run(BARE, 120)


@pytest.mark.parametrize(
    ("outputs", "fits", "filters"),
    [(12, 20, 100), *(pytest.param(outputs, 200, 1000, marks=pytest.mark.slow) for outputs in (9, 12, 40))],
)
def test_fits_and_filters_of_many_outputs_end(outputs, fits, filters):
    run(FITS.format(outputs=outputs, fits=fits, filters=filters), 1200)


def test_the_versions_that_hang_are_left_out():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text()
    assert '"jax>=0.5,!=0.10.*,!=0.11.0"' in text
