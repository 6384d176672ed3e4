"""The contract, over the table of all models: infer, step, observe, and what follows from them."""

import inspect
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.fitting import METHODS, OBJECTIVES
from dynlearn.models import (
    FAMILIES,
    AbstractModel,
    AbstractStateSpace,
    AbstractStochastic,
    Ensemble,
    ErrorGrowth,
    Measurement,
    rollout,
)
from dynlearn.trajectories.window import Window, cut

from .cases import APART, CASES, Build

HORIZON = 4
DRAWS = 2000


class Case(NamedTuple):
    model: AbstractModel
    window: Window
    """`memory + HORIZON` samples from which the state can be inferred."""
    ds: xr.Dataset
    build: Build


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] if name in APART else []) for name in CASES],
)
def case(request, data) -> Case:
    return case_of(request.param, data)


def case_of(name: str, data) -> Case:
    kind, build = CASES[name]
    model = noisy(build(data[kind]))
    runs = data[kind].dyn.to_device()
    windows = (cut(runs, 0, jnp.asarray(now), model.memory, HORIZON) for now in range(model.memory + 2, 22))
    window = next(w for w in windows if known(inferred(model, w[: model.memory])))
    return Case(model, window, data[kind], build)


def stochastic(model: AbstractModel) -> bool:
    return isinstance(model.members if isinstance(model, Ensemble) else model, AbstractStochastic)


def single(model: AbstractModel) -> AbstractModel:
    return model.members if isinstance(model, Ensemble) else model


def noisy(model: AbstractModel) -> AbstractModel:
    """With an error law in which every term counts."""
    if isinstance(single(model), AbstractStateSpace) and not isinstance(single(model), dl.models.NeuralSDE):
        return model  # its noise is a part of its dynamics
    if stochastic(model):
        measurement = Measurement.of(jnp.asarray([0.5, 0.6], jnp.float32), fitted=True)
        if not isinstance(model, Ensemble):
            return eqx.tree_at(lambda m: m.measurement, model, measurement)
        measurement = jax.tree.map(lambda leaf: jnp.stack([leaf] * model.size), measurement)
        return eqx.tree_at(lambda m: m.members.measurement, model, measurement)
    law = ErrorGrowth(
        *(
            jnp.asarray([a, b], jnp.float32)
            for a, b in [(0.1, 0.2), (0.5, 0.3), (0.3, 0.2), (1.5, 1.0), (0.4, 0.1)]
        )
    )
    if isinstance(model, Ensemble):
        law = jax.tree.map(lambda leaf: jnp.stack([leaf] * model.size), law)
        return eqx.tree_at(lambda m: m.members.noise, model, law)
    where = (lambda m: m.model.noise) if isinstance(model, dl.models.Smoothed) else (lambda m: m.noise)
    return eqx.tree_at(where, model, law)


@eqx.filter_jit
def inferred(model, past):
    return model.infer(past)


@eqx.filter_jit
def path(model, window, key):
    """Mean and standard deviation of the outputs at each lead; `key=None` along the mean path."""
    k = model.memory
    found = rollout(
        model,
        model.infer(window[:k]),
        window.control[k - 1 :],
        window.time[k - 1 :],
        window.interval[k - 1 : -1],
        key=key,
    )[1]
    return found.mean, found.scale


@eqx.filter_jit
def paths(model, window, keys):
    return jax.vmap(lambda k: path(model, window, k))(keys)


@eqx.filter_jit
def slope(model, windows):
    """Gradient of a loss over a batch of windows, and their mean paths."""

    def loss(model):
        mean = jax.vmap(lambda w: path(model, w, None)[0])(windows)
        return jnp.sum(mean**2), mean

    return eqx.filter_grad(loss, has_aux=True)(model)


def known(state) -> bool:
    return all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(state))


def same(a, b) -> bool:
    a, b = eqx.filter(a, eqx.is_array), eqx.filter(b, eqx.is_array)
    return all(
        np.array_equal(x, y, equal_nan=True)
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


def test_declarations_are_valid(case):
    model = case.model
    assert model.memory >= model.required >= 1
    assert model.method in METHODS
    assert model.objective in OBJECTIVES
    assert model.signature.output_names == case.ds.dyn.outputs
    assert model.signature.control_names == case.ds.dyn.controls


def test_outputs_have_the_shape_of_the_signature_and_a_positive_spread(case):
    mean, scale = path(case.model, case.window, None)
    assert mean.shape == scale.shape == (HORIZON, case.model.signature.outputs)
    assert np.isfinite(mean).all()
    assert (np.asarray(scale) > 0).all()


UNITS = {
    "others": ([1000.0, 0.01], [-7.0, 300.0], 5.0, -1.0),
    "tiny": ([1e-30, 1e-30], [0.0, 0.0], 1e-30, 0.0),
    "huge": ([1e30, 1e30], [0.0, 0.0], 1e30, 0.0),
}
"""Factor and offset of the outputs, and of the control: a float32 ends at 1e-38 and 3e38."""


class Other(NamedTuple):
    """Data, a model of them and a window, in other units."""

    model: AbstractModel
    window: Window
    factor: np.ndarray
    offset: np.ndarray


def in_units(case: Case, units: str) -> Other:
    (factor, offset), (slope, start) = map(np.array, UNITS[units][:2]), UNITS[units][2:]
    other = case.ds.copy(deep=True)
    other["output"] = (case.ds["output"] * xr.DataArray(factor, dims="output_name")) + xr.DataArray(
        offset, dims="output_name"
    )
    if "control" in other:
        other["control"] = (case.ds["control"] * slope + start).assign_attrs(case.ds["control"].attrs)
    window = eqx.tree_at(
        lambda w: (w.output, w.control),
        case.window,
        (case.window.output * factor + offset, case.window.control * slope + start),
    )
    window = jax.tree.map(lambda a, b: a.astype(b.dtype), window, case.window)
    return Other(noisy(case.build(other)), window, factor, offset)


def check_physical(other: Other, found, wanted) -> None:
    """An output of 300 +- 0.01 is resolved to 3e-3 of its standard deviation in float32, the noise less well."""
    (mean_other, scale_other), (mean, scale) = (
        [np.asarray(v, float) for v in pair] for pair in (found, wanted)
    )
    np.testing.assert_allclose((mean_other - other.offset) / other.factor / scale, mean / scale, atol=0.05)
    np.testing.assert_allclose(scale_other / other.factor, scale, rtol=3e-3)


@pytest.mark.parametrize("units", UNITS)
def test_forecasts_are_physical(case, units):
    """The same data in other units give the same forecast in those units."""
    other = in_units(case, units)
    check_physical(other, path(other.model, other.window, None), path(case.model, case.window, None))


@eqx.filter_jit
def one_step(model, window):
    """Mean and standard deviation of the outputs one sample ahead."""
    k = model.memory
    linear = model.signature.hold == "linear"
    control = window.control[k - 1 : k + 1] if linear else window.control[k - 1]
    state = model.step(model.infer(window[:k]), control, window.time[k - 1], window.interval[k - 1])
    found = model.observe(state, window.control[k])
    return found.mean, found.scale


@pytest.mark.parametrize("name", APART)
def test_a_step_of_a_row_that_runs_apart_is_physical(name, data):
    """The rows whose other tests are slow: one step, in other units."""
    case = case_of(name, data)
    other = in_units(case, "others")
    found, wanted = one_step(other.model, other.window), one_step(case.model, case.window)
    check_physical(other, found, wanted)


def test_infer_does_not_read_the_last_control(case):
    past = case.window[: case.model.memory]
    altered = eqx.tree_at(lambda w: w.control, past, past.control.at[-1].set(1e6))
    assert same(inferred(case.model, past), inferred(case.model, altered))


def test_infer_reads_nothing_that_was_not_measured(case):
    """Whatever stands where `observed` is false, and whatever stands before the run's start."""
    k = case.model.memory
    runs = case.ds.dyn.to_device()
    for now in (k // 2, k + 5):
        past = cut(runs, 1, jnp.asarray(now), k, 0)
        past = eqx.tree_at(lambda w: w.observed, past, past.observed.at[max(0, k - 3), 0].set(False))
        rubbish = eqx.tree_at(
            lambda w: (w.output, w.control, w.time, w.interval),
            past,
            (
                jnp.where(past.observed, past.output, 1e6),
                jnp.where(past.valid[:, None], past.control, 1e6),
                jnp.where(past.valid, past.time, 1e6),
                jnp.where(past.valid, past.interval, 1e6),
            ),
        )
        assert same(inferred(case.model, past), inferred(case.model, rubbish))


def test_a_state_that_cannot_be_known_is_nan(case):
    past = case.window[: case.model.memory]
    nothing = eqx.tree_at(lambda w: (w.output, w.observed), past, (past.output * 0, past.observed & False))
    assert known(inferred(case.model, past))
    assert not known(inferred(case.model, nothing))


def test_as_many_complete_samples_as_are_required_are_enough(case):
    """At the start of a run, too: what begins a forecast need not ask the model."""
    runs, k = case.ds.dyn.to_device(), case.model.required
    complete = runs.observed.all(-1) & runs.valid
    at = next(i for i in range(k - 1, complete.shape[1]) if complete[1, i - k + 1 : i + 1].all())
    only = cut(runs, 1, jnp.asarray(at), case.model.memory, 0)
    earlier = jnp.arange(case.model.memory) < case.model.memory - k
    blind = eqx.tree_at(lambda w: w.observed, only, only.observed & ~earlier[:, None])
    first = eqx.tree_at(lambda w: w.valid, blind, blind.valid & ~earlier)
    assert known(inferred(case.model, blind))
    assert known(inferred(case.model, first))


def test_a_gap_is_bridged(case):
    """One missing value in the window is no reason to give up, where the model looks at more than it needs."""
    k = case.model.memory
    if k == case.model.required and not isinstance(case.model, dl.models.ContextTiling):
        pytest.skip("the model looks at no more than it needs")
    past = case.window[:k]
    gap = eqx.tree_at(
        lambda w: (w.output, w.observed),
        past,
        (past.output.at[-1, 0].set(0), past.observed.at[-1, 0].set(False)),
    )
    assert known(inferred(case.model, gap)) or not np.asarray(past.observed[:-1, 0]).any()


def test_the_same_key_gives_the_same_path(case):
    a, b = jax.random.split(jax.random.key(0))
    assert same(path(case.model, case.window, None), path(case.model, case.window, None))
    keys = jnp.stack([a, b])[
        np.array([0, 0, *[1] * (DRAWS - 2)])
    ]  # stacking thousands one by one takes seconds
    first = paths(case.model, case.window, keys)[0]
    assert np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])


def test_the_mean_path_tells_the_variance_of_the_sampled_ones(case):
    """Law of total variance; the tolerance is 5 standard errors of a variance from DRAWS draws."""
    if stochastic(case.model):
        pytest.skip("a stochastic model's mean path leaves its noise out")
    mean, scale = map(np.asarray, path(case.model, case.window, None))
    drawn, spread = map(
        np.asarray, paths(case.model, case.window, jax.random.split(jax.random.key(1), DRAWS))
    )
    assert (np.abs(drawn.mean(0) - mean) < 5 * scale / np.sqrt(DRAWS)).all()
    np.testing.assert_allclose(drawn.var(0) + (spread**2).mean(0), scale**2, rtol=5 * np.sqrt(2 / DRAWS))


def test_it_can_be_batched_and_differentiated(case):
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), case.window)
    gradient, mean = slope(case.model, batch)
    np.testing.assert_allclose(mean[1], path(case.model, case.window, None)[0], rtol=1e-4, atol=1e-4)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(eqx.filter(gradient, eqx.is_array))]
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    if not isinstance(case.model, dl.models.Persistence | dl.models.ContextTiling):
        assert any(np.abs(leaf).max(initial=0) > 0 for leaf in leaves)


def test_a_file_gives_it_back_bit_for_bit(case, tmp_path):
    dl.save(case.model, tmp_path / "model.dyn")
    loaded = dl.load(tmp_path / "model.dyn")
    assert jax.tree.structure(loaded) == jax.tree.structure(case.model)
    before, after = (jax.tree.leaves(eqx.filter(model, eqx.is_array)) for model in (case.model, loaded))
    assert [leaf.dtype for leaf in after] == [leaf.dtype for leaf in before]
    assert same(case.model, loaded)
    assert same(path(loaded, case.window, None), path(case.model, case.window, None))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_families_are_built_alike(family):
    ds, *options = inspect.signature(family.from_data).parameters.values()
    assert ds.name == "ds"
    assert all(p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD) for p in options)
    assert [p.default for p in options if p.name == "key"] == [0]


def test_members_of_an_ensemble_differ_where_they_learn_and_share_what_is_fixed(data):
    single = CASES["node"][1](data["zero"])
    both = Ensemble.of(single, 2, key=0)
    one, two = both.member(0), both.member(1)
    assert not same(one.field, two.field)
    assert same(one.scaling, two.scaling)
    assert same(one.scaling, single.scaling)
    assert same(Ensemble.of(single, 2, key=0), both)
    assert not same(Ensemble.of(single, 2, key=1), both)
