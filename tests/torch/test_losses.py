"""Losses and scaling in torch against loops in numpy."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dynlearn.models import Scaling  # noqa: E402
from dynlearn.torch.native._losses import energy, multi_step  # noqa: E402
from dynlearn.torch.native.parts.scaling import Scaling as TorchScaling  # noqa: E402
from dynlearn.torch.native.windows import Window  # noqa: E402

rng = np.random.default_rng(0)
Y, SCALE = rng.normal(size=(2, 5, 2)), np.array([2.0, 0.5])
MEASURED = rng.random(Y.shape) < 0.7
MEASURED[0, 3] = False
"""Two windows of two past samples and three ahead, one of them not measured at all."""


def window() -> Window:
    blank = torch.zeros(2, 5)
    y = torch.tensor(np.where(MEASURED, Y, 0))
    return Window(blank, blank, y, torch.tensor(MEASURED), blank[..., None], blank == 0, torch.zeros(2, 0))


def test_multi_step():
    forecast = rng.normal(size=(2, 3, 2))
    square = (((Y[:, 2:] - forecast) / SCALE) ** 2)[MEASURED[:, 2:]]
    found = multi_step(torch.tensor(forecast), window(), torch.tensor(SCALE))
    assert float(found) == pytest.approx(square.mean(), rel=1e-12)


def test_energy():
    drawn = rng.normal(size=(2, 4, 3, 2))
    scores = []
    for i in range(2):
        for k in range(3):
            seen = MEASURED[i, 2 + k]
            if not seen.any():
                continue
            x, y = (drawn[i, :, k] / SCALE)[:, seen], (Y[i, 2 + k] / SCALE)[seen]
            apart = [np.linalg.norm(x[a] - x[b]) for a in range(4) for b in range(4) if a != b]
            scores.append(np.linalg.norm(x - y, axis=1).mean() - np.mean(apart) / 2)
    assert len(scores) < 6
    found = energy(torch.tensor(drawn), window(), torch.tensor(SCALE))
    assert float(found) == pytest.approx(np.mean(scores), rel=1e-4)


def test_scaling_is_that_of_the_jax_model():
    values = {
        "output_mean": [1.0, -2.0],
        "output_scale": [2.0, 0.5],
        "control_mean": [3.0],
        "control_scale": [4.0],
        "static_mean": [5.0],
        "static_scale": [0.1],
        "time_scale": 4.0,
    }
    ours = dataclasses.replace(Scaling.unit(2, 1, 1), **{k: jnp.asarray(v) for k, v in values.items()})
    theirs = TorchScaling(ours)
    for name, size in (("output", 2), ("control", 1), ("static", 1)):
        values = rng.normal(size=(3, size)).astype(np.float32)
        for way in (name, f"{name}_inverse"):
            wanted = getattr(ours, way)(jnp.asarray(values))
            np.testing.assert_allclose(getattr(theirs, way)(torch.tensor(values)), wanted, rtol=1e-5)
