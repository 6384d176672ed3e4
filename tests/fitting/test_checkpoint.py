"""A checkpoint belongs to one fit, and a killed fit goes on from it to what it would have become."""

import enum
import functools
import pkgutil
import subprocess
import sys
import types
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError, FileFormatError
from dynlearn.fitting import EM, Gradient, MaximumLikelihood, Subspace, SwitchingEM, progress
from dynlearn.fitting.checkpoint import checkpoint
from dynlearn.fitting.checkpoint.identity import difference, identity

METHOD = Gradient(steps=4, batch=4, horizon=3, validate_every=2)


def node(ds, **options):
    return dl.models.NeuralODE.from_data(ds, **{"hidden": 0, "memory": 1, "width": 8, "key": 0, **options})


def describe(ds, model=None, objective=None, method=METHOD, validation=None, key=0):
    model = node(ds) if model is None else model
    return identity(model, method, objective or weighted(0.1), jax.random.key(key), ds, validation)


def weighted(weight):
    def loss(model, batch, key):
        return weight * jnp.sum(batch.output), {}

    return loss


FACTOR = 2.0


def by_a_global(model, batch, key):
    return FACTOR * jnp.sum(batch.output), {}


def by_an_argument(model, batch, key, weight):
    return weight * jnp.sum(batch.output), {}


class Weighted(eqx.Module):
    weight: float

    def __call__(self, model, batch, key):
        return self.weight * jnp.sum(batch.output), {}


class Plain:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, model, batch, key):
        return self.weight * jnp.sum(batch.output), {}

    loss = __call__


class Loss:
    """What `by_class` derives from: every part of it may be another one."""

    def __call__(self, model, batch, key):
        return self.factor() * jnp.sum(batch.output), {}

    def factor(self):
        return 1.0


def by_class(part):
    """An object of a class that gets its factor as `part(w)` says: {name: what stands in the class}."""
    return lambda w: type("Own", (Loss,), {"__module__": __name__, **part(w)})()


def inherited(w):
    base = type("Base", (Loss,), {"__module__": __name__, "factor": lambda self: w})
    return type("Own", (base,), {"__module__": __name__})()


def by_class_of_equinox(w):
    class Own(eqx.Module):
        weight: ClassVar[float] = w

        @eqx.filter_jit
        def __call__(self, model, batch, key):
            return self.factor(self.weight) * jnp.sum(batch.output), {}

        @staticmethod
        def factor(weight):
            return weight

    return Own()


def module(**content):
    made = types.ModuleType("settings")
    vars(made).update(content)
    return made


def by_a_module(w):
    settings = module(W=w, unused=iter([1]))
    return lambda model, batch, key: (settings.W * jnp.sum(batch.output), {})


def by_a_module_inside(w):
    settings = module(inner=module(factor=lambda: w))
    return lambda model, batch, key: (settings.inner.factor() * jnp.sum(batch.output), {})


def mutated(ds):
    other = ds.copy(deep=True)
    other["output"][0, 3, 0] += 1.0
    return other


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda ds: {"model": node(ds, activation="relu")}, "activation is dynlearn.numerics.activations.tanh there"),
        (lambda ds: {"model": node(ds, key=1)}, r"layers.0.weight \(float32\[8, 3\]\) holds other values"),
        (lambda ds: {"model": node(ds, hidden=1)}, r"layers.2.out_features is 2 there and 3 here"),
        (lambda ds: {"model": node(ds, solver=dl.solvers.FixedStep("rk4", 2))}, "solver.substeps is 1 there and 2 he"),
        (lambda ds: {"model": node(ds, solver=dl.solvers.Adaptive())}, "solver is .*FixedStep there and .*Adaptive"),
        (lambda ds: {"model": node(mutated(ds))}, r"model.scaling.output_mean \(float32\[2\]\) holds other values"),
        (lambda ds: {"model": node(ds, field=lambda t, x, u, s: -x)}, "model.field is .*LearnedField there"),
        (lambda ds: {"objective": weighted(0.2)}, "^objective.weight is 0.1 there and 0.2 here$"),
        (lambda ds: {"method": EM()}, "method is .*Gradient there and .*EM here"),
        (lambda ds: {"method": Gradient(steps=5, batch=4, horizon=3, validate_every=2)}, "method.steps is 4 there"),
        (lambda ds: {"key": 1}, r"^key is \[0, 0\] there and \[0, 1\] here$"),
        (lambda ds: {"validation": ds}, "^validation is None there and a dataset here$"),
    ],
)  # fmt: skip
def test_what_differs_between_two_fits_is_named(change, text, linear):
    import re

    found = difference(describe(linear), describe(linear, **change(linear)))
    assert re.search(text, found), found


def test_data_count(linear):
    other = identity(node(linear), METHOD, weighted(0.1), jax.random.key(0), mutated(linear), None)
    assert difference(describe(linear), other) == "train.output (float64[3, 30, 2]) holds other values"


@pytest.mark.parametrize(
    "objective",
    [
        weighted,
        lambda w: functools.partial(by_an_argument, weight=w),
        lambda w: lambda model, batch, key, weight=w: (weight * jnp.sum(batch.output), {}),
        Weighted,
        Plain,
        lambda w: Plain(w).loss,
        lambda w: jax.jit(weighted(w)),
        lambda w: weighted(jnp.array([w])),
        lambda w: weighted({"a": [w, np.float32(w)]}),
        by_class(lambda w: {"weight": w, "factor": lambda self: self.weight}),
        by_class(lambda w: {"factor": lambda self: w}),
        by_class(lambda w: {"weight": property(lambda self: w)}),
        by_class(lambda w: {"weight": functools.cached_property(lambda self: w)}),
        by_class(lambda w: {"factor": staticmethod(lambda: w)}),
        by_class(lambda w: {"factor": classmethod(lambda cls: w)}),
        inherited,
        by_class_of_equinox,
        by_a_module,
        by_a_module_inside,
    ],
    ids=[
        "closure",
        "partial",
        "default",
        "module",
        "object",
        "method",
        "jit",
        "array",
        "nested",
        "class attribute",
        "method of the class",
        "property",
        "cached property",
        "static method",
        "class method",
        "inherited",
        "class of equinox",
        "module of the user's",
        "module inside it",
    ],
)
def test_an_objective_is_all_that_it_holds(objective, linear):
    """The same one made anew is the same, with another constant it is another."""
    now, again, other = (describe(linear, objective=objective(w)) for w in (0.1, 0.1, 0.2))
    assert difference(now, again) == ""
    assert difference(now, other) != ""


def test_an_import_inside_counts(linear, monkeypatch):
    def loss(model, batch, key):
        from settings_of_mine import W

        return W * jnp.sum(batch.output), {}

    found = []
    for w in (0.1, 0.1, 0.2):
        monkeypatch.setitem(sys.modules, "settings_of_mine", module(W=w))
        found.append(describe(linear, objective=loss))
    assert difference(*found[:2]) == ""
    assert difference(*found[1:]) == "objective.settings_of_mine.W is 0.1 there and 0.2 here"


def test_classes_of_every_kind_can_be_told(linear):
    """Named tuples, enumerations, slots: what gives access to a value of an instance is no value."""

    class Pair(NamedTuple):
        a: float = 1.0

    class Kind(enum.Enum):
        ONE = 1

    class Slotted:
        __slots__ = ("a",)

    def loss(model, batch, key):
        return (Pair().a + Kind.ONE.value + len(Slotted.__slots__)) * jnp.sum(batch.output), {}

    assert difference(describe(linear, objective=loss), describe(linear, objective=loss)) == ""


def test_a_constant_of_the_module_and_the_code_count(linear, monkeypatch):
    before = describe(linear, objective=by_a_global)
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 3.0)
    assert (
        difference(before, describe(linear, objective=by_a_global))
        == "objective.FACTOR is 2.0 there and 3.0 here"
    )

    def one():
        return lambda model, batch, key: (jnp.sum(batch.output), {})

    def other():
        return lambda model, batch, key: (jnp.mean(batch.output), {})

    one.__qualname__ = other.__qualname__ = "loss"
    code = [describe(linear, objective=f())["objective (its code)"] for f in (one, one, other)]
    assert code[0] == code[1] != code[2]


def test_what_cannot_be_told_apart_is_refused(linear):
    with pytest.raises(
        ArgumentError, match=r"objective.weight is <.*what it holds cannot be told.*equinox.Module"
    ):
        describe(linear, objective=weighted(iter([1])))


def test_another_activation_is_refused_by_fit(linear, tmp_path):
    path = tmp_path / "fit.ck"
    dl.fit(node(linear), linear, None, METHOD, checkpoint=path, progress=False)
    with pytest.raises(
        FileFormatError, match=r"of another fit: model.field.network.activation is .*tanh there and .*relu"
    ):
        dl.fit(node(linear, activation="relu"), linear, None, METHOD, checkpoint=path, progress=False)


class Killed(Exception):
    pass


def killed_after(reports: int):
    """A progress display that dies at its `reports`-th report."""
    from contextlib import contextmanager

    @contextmanager
    def silent(title, total):
        seen = []

        def report(done, **numbers):
            seen.append(done)
            if len(seen) == reports:
                raise Killed

        yield report

    return silent


def state_space(ds, **options):
    return dl.models.LinearStateSpace.from_data(ds, **{"states": 2, "memory": 4, **options})


RESUMED = {
    "em": (state_space, EM(steps=6), (2, 5), ["likelihood.em.iterate"]),
    "maximum likelihood": (
        state_space,
        MaximumLikelihood(steps=6),
        (2, 5),
        ["likelihood.maximum_likelihood._loss"],
    ),
    "subspace": (state_space, Subspace(past=4, future=3, steps=5), (2, 4), ["subspace.iterate_noises"]),
    "switching em": (
        lambda ds: dl.models.SwitchingLinear.from_data(ds, regimes=2, states=2, memory=4, key=0),
        SwitchingEM(steps=4, restarts=2, polish=3),
        (1, 2),
        ["likelihood.switching_em.improved", "likelihood.maximum_likelihood._loss"],
    ),
}
"""Model, method, the reports after which it is killed, and what it computes in every step."""


@pytest.mark.parametrize("name", RESUMED)
def test_a_killed_fit_goes_on_to_the_same_bits(name, make_linear, tmp_path, monkeypatch):
    """Killed at two places, then finished: no bit differs, and only the step it was killed in is taken twice."""
    make, method, kills, expensive = RESUMED[name]
    ds = make_linear(noise=0.2)
    model, steps = make(ds), []
    for path in expensive:
        step = pkgutil.resolve_name(f"dynlearn.fitting.methods.{':'.join(path.rsplit('.', 1))}")
        counted = lambda *args, step=step: steps.append(1) or step(*args)  # noqa: E731
        monkeypatch.setattr(f"dynlearn.fitting.methods.{path}", counted)

    def fit(**options):
        steps.clear()
        found = dl.fit(model, ds, method=method, progress=False, calibration_horizon=2, **options)
        return found, len(steps)

    whole, needed = fit()
    path, taken = tmp_path / "fit.ck", 0
    monkeypatch.setattr(checkpoint, "PAUSE", 0.0)
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: 0.0)  # it is always time to write
    for reports in kills:
        with monkeypatch.context() as patched:
            patched.setattr(progress, "silent", killed_after(reports))
            with pytest.raises(Killed):
                fit(checkpoint=path)
        taken += len(steps)
    (resumed, rest), (finished, again) = (fit(checkpoint=path) for _ in range(2))
    assert 0 < rest < needed
    assert taken + rest <= needed + len(kills)
    assert again == 0
    for found in (resumed, finished):
        leaves = [jax.tree.leaves(r.model) for r in (found, whole)]
        assert all(np.array_equal(a, b) for a, b in zip(*leaves, strict=True))
        np.testing.assert_array_equal(found.history["output"], whole.history["output"])
        assert found.reason is whole.reason
        assert found.statistics == whole.statistics


HOLDER = """
import sys, time
from dynlearn import disk
with disk.locked(sys.argv[1], "checkpoint"):
    (open(sys.argv[1] + ".ready", "w")).close()
    time.sleep(60)
"""


def test_a_second_process_is_told_and_a_kill_ends_the_lock(linear, tmp_path):
    path = tmp_path / "fit.ck"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)])
    try:
        while not (tmp_path / "fit.ck.ready").exists():
            assert holder.poll() is None
        with pytest.raises(
            ArgumentError, match=rf"fit.ck: another process \({holder.pid}\) is using it; wait for"
        ):
            dl.fit(node(linear), linear, None, METHOD, checkpoint=path, progress=False)
    finally:
        holder.kill()
        holder.wait()
    (tmp_path / "fit.ck.ready").unlink()
    # What that kill, and one while a file was being written, left behind:
    assert (tmp_path / ".fit.ck.lock").exists()
    (tmp_path / ".fit.ck.12345-0.partial").write_bytes(b"half")
    dl.fit(node(linear), linear, None, METHOD, checkpoint=path, progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["fit.ck"]


def test_closed_forms_say_why_they_keep_none(linear, tmp_path):
    for model, name in (
        (dl.models.ARX.from_data(linear, delays=1), "LeastSquares"),
        (node(linear), "Calibration"),
    ):
        method = None if name == "LeastSquares" else "calibration"
        with pytest.raises(
            ArgumentError, match=f"{name} does not iterate, so that there is nothing to go on from"
        ):
            dl.fit(model, linear, method=method, checkpoint=tmp_path / "c", progress=False)
