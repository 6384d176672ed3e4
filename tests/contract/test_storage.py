"""A model that was saved can be loaded; one that could not be is refused before anything is written."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError


class Decay(eqx.Module):
    """A field of a user's own, declared as users do."""

    gain: float = -1.0
    seed: int = 20240101
    extra: Any = None

    def __call__(self, t, x, u, s):
        return self.gain * x


class Bent(dl.models.Persistence):
    def step(self, state, control, time, interval, key=None):
        return eqx.tree_at(lambda s: s.error.elapsed, state, jnp.zeros(1))


class Pair(NamedTuple):
    a: float
    b: float


def node(ds, **options):
    return dl.models.NeuralODE.from_data(ds, **{"hidden": 0, "memory": 1, "width": 4, "key": 0, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"solver": dl.solvers.Adaptive(max_steps=10**8)},
        {"field": Decay()},
        {"field": Decay(gain=jnp.asarray(-0.5))},
        {"field": Decay(extra=[np.float32(0.5), np.int64(3)])},
        {"width": np.int64(4), "hidden": np.int64(1)},
    ],
    ids=["many steps", "large int", "array for a float", "numbers of numpy", "a count of numpy"],
)
def test_what_is_saved_is_loaded(options, linear, tmp_path):
    model = node(linear, **options)
    dl.save(model, tmp_path / "m.dyn")
    found = dl.load(tmp_path / "m.dyn")
    assert eqx.tree_equal(
        *([x for x in jax.tree.leaves(m) if isinstance(x, jax.Array)] for m in (found, model))
    )
    assert found.solver == model.solver
    assert getattr(getattr(found.field, "function", None), "seed", 20240101) == 20240101


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (Decay(extra=Pair(1.0, 2.0)), r"model\.field\.function\.extra is Pair.*no name to be written by"),
        (Decay(extra=jax.random.key(0)), r"model\.field\.function\.extra is .*no name to be written by"),
    ],
    ids=["named tuple", "key"],
)  # fmt: skip
def test_what_could_not_be_loaded_is_not_saved(field, words, linear, tmp_path):
    with pytest.raises(ArgumentError, match=r"(?s)save: .*" + words):
        dl.save(node(linear, field=field), tmp_path / "m.dyn")
    assert not list(tmp_path.iterdir())


def test_a_step_that_leads_elsewhere_is_not_saved(linear, tmp_path):
    model = dl.models.Persistence.from_data(linear)
    with pytest.raises(
        ArgumentError,
        match=r"save: this model could not be loaded again: .*a step leads to a state of another shape",
    ):
        dl.save(Bent(**{name: getattr(model, name) for name in vars(model)}), tmp_path / "m.dyn")


def test_every_member_is_checked(linear, tmp_path):
    model = dl.models.Ensemble.of(node(linear), 2, key=0)
    bad = eqx.tree_at(lambda m: m.members.scaling.output_scale, model, jnp.array([[1.0, 1.0], [1.0, -1.0]]))
    with pytest.raises(ArgumentError, match=r"save: .*Scaling\.output_scale: expected numbers > 0, got -1"):
        dl.save(bad, tmp_path / "m.dyn")
