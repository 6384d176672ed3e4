"""NaN has no place in a model: refused where one is made and where one is loaded."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, FileFormatError
from dynlearn.models import ErrorGrowth, Scaling
from tests.models.cases import CASES

NAN = jnp.full(2, jnp.nan)


def law(**fields) -> ErrorGrowth:
    one = jnp.ones(2)
    return ErrorGrowth(
        **{"sigma": one, "spread": one, "growth": one, "shape": one, "correlation_time": one, **fields}
    )


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("sigma", NAN, r"ErrorGrowth.sigma: expected finite numbers, got 2 of 2 that are NaN or infinite"),
        ("spread", jnp.array([1.0, jnp.inf]), r"ErrorGrowth.spread: expected finite numbers, got 1 of 2"),
        ("correlation_time", -jnp.ones(2), r"ErrorGrowth.correlation_time: expected numbers > 0, got -1"),
        ("growth", jnp.zeros(2), r"ErrorGrowth.growth: expected numbers > 0, got 0"),
        ("shape", -jnp.ones(2), r"ErrorGrowth.shape: expected numbers > 0, got -1"),
        ("sigma", -jnp.ones(2), r"ErrorGrowth.sigma: expected numbers >= 0, got -1"),
    ],
)
def test_an_error_law(field, value, text, linear, tmp_path):
    with pytest.raises(ArgumentError, match=text):
        law(**{field: value})
    model = dl.models.ARX.from_data(linear, delays=1)
    broken = eqx.tree_at(lambda m: getattr(m.noise, field), model, value)
    with pytest.raises(ArgumentError, match=text):
        dl.save(broken, tmp_path / "m")


def test_a_scaling():
    one = Scaling.unit(2, 1)
    fields = {f: getattr(one, f) for f in one.__dataclass_fields__}
    with pytest.raises(ArgumentError, match=r"Scaling.output_mean: expected finite numbers"):
        Scaling(**{**fields, "output_mean": NAN})
    with pytest.raises(ArgumentError, match=r"Scaling.output_scale: expected numbers > 0, got 0"):
        Scaling(**{**fields, "output_scale": jnp.zeros(2)})


FEW = (
    "node",
    "sde",
    "deep state space",
    "koopman radial",
    "state space feed-through",
    "nonlinear",
    "switching",
    "arx",
)


@pytest.mark.parametrize("name", [*FEW, "continuous-discrete linear", "ensemble node"])
def test_every_array_of_a_file(name, data, tmp_path):
    """Whichever array it is: a NaN in it is refused by the name of the field."""
    kind, build = CASES[name]
    model = build(data[kind])
    arrays, rest = eqx.partition(model, eqx.is_inexact_array)
    leaves, tree = jax.tree.flatten(arrays)
    for i in np.random.default_rng(0).permutation(len(leaves))[:4]:
        if leaves[i].size == 0:
            continue
        broken = [leaf.at[(0,) * leaf.ndim].set(jnp.nan) if j == i else leaf for j, leaf in enumerate(leaves)]
        other = eqx.combine(jax.tree.unflatten(tree, broken), rest)
        with pytest.raises(ArgumentError, match="expected finite numbers, got 1 of"):
            dl.save(other, tmp_path / "m")


def test_a_file_with_nan_under_a_right_digest(linear, tmp_path):
    from tests.disk.tampering import rewritten

    dl.save(dl.models.ARX.from_data(linear, delays=1), tmp_path / "m")
    nan = np.array([np.nan], "<f4").tobytes()
    rewritten(tmp_path / "m", tmp_path / "n", {"0.npy": lambda data: data[:-4] + nan})
    with pytest.raises(FileFormatError, match=r"damaged.*ArgumentError: .*expected finite numbers, got 1 of"):
        dl.load(tmp_path / "n")


def test_makers_refuse_it(linear, make_linear):
    signature = dl.models.LinearStateSpace.from_data(linear, states=2).signature
    matrices = dl.models.LinearStateSpace.from_data(linear, states=2).matrices()
    matrices["A"] = np.full((2, 2), np.nan)
    with pytest.raises(ArgumentError, match=r"NaN|finite"):
        dl.models.LinearStateSpace.from_matrices(signature, matrices)
    node = dl.models.NeuralODE.from_data(linear, hidden=0, memory=1, width=4)
    broken = eqx.tree_at(lambda m: m.field.network.layers[0].weight, node, replace_fn=lambda w: w * jnp.nan)
    with pytest.raises(ArgumentError, match=r"Ensemble.*expected finite numbers"):
        dl.models.Ensemble.of(broken, 2)
    network = eqx.nn.MLP(4, 2, 4, 1, key=jax.random.key(0))
    network = jax.tree.map(lambda leaf: leaf * jnp.nan if eqx.is_array(leaf) else leaf, network)
    with pytest.raises(ArgumentError, match=r"NeuralODE.field.*expected finite numbers"):
        dl.models.NeuralODE.from_data(linear, hidden=0, memory=1, field=Held(network))


class Held(eqx.Module):
    network: eqx.nn.MLP

    def __call__(self, t, x, u, s):
        return self.network(jnp.concatenate([x, u, jnp.atleast_1d(t)]))
