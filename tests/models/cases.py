"""The table of every model the contract holds for."""

import functools
from collections.abc import Callable

import xarray as xr

import dynlearn as dl
from dynlearn.models import AbstractModel
from dynlearn.parts.liftings.delay_coordinates import Delays
from dynlearn.parts.liftings.fourier import Fourier
from dynlearn.parts.liftings.learned import Learned
from dynlearn.parts.liftings.polynomial import Polynomial
from dynlearn.parts.liftings.radial import Radial

Build = Callable[[xr.Dataset], AbstractModel]


def node(**options) -> Build:
    return functools.partial(dl.models.NeuralODE.from_data, **{"width": 8, "key": 0, **options})


def neural_map(**options) -> Build:
    return functools.partial(dl.models.NeuralMap.from_data, **{"width": 8, "key": 0, **options})


def sde(**options) -> Build:
    return functools.partial(dl.models.NeuralSDE.from_data, **{"width": 8, "key": 0, **options})


def state_space(**options) -> Build:
    return functools.partial(dl.models.LinearStateSpace.from_data, **{"states": 2, "memory": 6, **options})


def nonlinear(**options) -> Build:
    sizes = {"width": 6, "memory": 5, "key": 0}
    return functools.partial(dl.models.NonlinearStateSpace.from_data, **{**sizes, **options})


def continuous_discrete(form: str, **options) -> Build:
    sizes = {"form": form, "states": 3, "width": 4, "memory": 5, "key": 0}
    return functools.partial(dl.models.ContinuousDiscrete.from_data, **{**sizes, **options})


def switching(**options) -> Build:
    sizes = {"regimes": 2, "states": 2, "memory": 5, "key": 0}
    return functools.partial(dl.models.SwitchingLinear.from_data, **{**sizes, **options})


def koopman(lifting: object, **options) -> Build:
    return functools.partial(dl.models.Koopman.from_data, lifting=lifting, gap=3, key=0, **options)


def deep(**options) -> Build:
    sizes = {"width": 6, "states": 6, "layers": 2, "key": 0}
    return functools.partial(dl.models.DeepStateSpace.from_data, **{**sizes, **options})


def recurrent(family: str, **options) -> Build:
    return functools.partial(
        getattr(dl.models, family).from_data, **{"latent": 5, "memory": 4, "key": 0, **options}
    )


def zero_shot(family: str, **options) -> Build:
    return functools.partial(
        getattr(dl.models, family).from_data, **{"weights": "random", "key": 0, **options}
    )


def ensemble(of: Build) -> Build:
    return lambda ds: dl.models.Ensemble.of(of(ds), 2, key=0)


CASES: dict[str, tuple[str, Build]] = {
    "node": ("zero", node(hidden=0, memory=1)),
    "node hidden static uneven": ("uneven", node(hidden=2, memory=4)),
    "node linear hold": ("linear", node(hidden=1, memory=3)),
    "node adaptive": ("zero", node(hidden=0, memory=1, solver=dl.solvers.Adaptive(rtol=1e-3, max_steps=64))),
    "node adaptive linear hold": (
        "linear",
        node(hidden=1, memory=3, solver=dl.solvers.Adaptive(rtol=1e-3, max_steps=64)),
    ),
    "map": ("zero", neural_map(hidden=1, memory=3)),
    "map linear hold": ("linear", neural_map(hidden=0, memory=1)),
    "sde": ("zero", sde(hidden=0, memory=1)),
    "sde hidden static uneven additive": ("uneven", sde(hidden=1, memory=4, noise="additive")),
    "sde linear hold": ("linear", sde(hidden=1, memory=3)),
    "deep state space": ("zero", deep(memory=5)),
    "deep state space static uneven": ("uneven", deep(memory=6)),
    "deep state space linear hold": ("linear", deep(memory=4, layers=1)),
    "alrnn": ("zero", recurrent("ALRNN", nonlinear=2)),
    "alrnn linear hold": ("linear", recurrent("ALRNN", nonlinear=1)),
    "plrnn shallow": ("zero", recurrent("PLRNN", form="shallow", width=6)),
    "plrnn clipped linear hold": ("linear", recurrent("PLRNN", form="clipped", width=6)),
    "plrnn dendritic": ("zero", recurrent("PLRNN", form="dendritic", width=3)),
    "alrnn mixture": (
        "zero",
        zero_shot("ALRNNMixture", experts=2, latent=5, nonlinear=1, memory=17, width=4),
    ),
    "patch transformer": (
        "zero",
        zero_shot("PatchTransformer", memory=8, patch=2, ahead=2, width=8, layers=1, heads=2),
    ),
    "smoothed node": ("zero", lambda ds: dl.models.Smoothed.of(node(hidden=1, memory=4)(ds), iterations=1)),
    "koopman identity": ("zero", koopman("identity")),
    "koopman delays": ("zero", koopman(Delays(2))),
    "koopman polynomial": ("zero", koopman(Polynomial(2), ridge=1e-4)),
    "koopman fourier": ("zero", koopman(Fourier(6), ridge=1e-4)),
    "koopman radial": ("zero", koopman(Radial(6), ridge=1e-4)),
    "koopman learned": ("zero", koopman(Learned(4, delays=1, width=8))),
    "state space feed-through": ("zero", state_space(states=3, feedthrough=True)),
    "state space stable linear hold": ("linear", state_space(stable=True)),
    "state space uneven": ("uneven", state_space(continuous=True)),
    "nonlinear": ("zero", nonlinear(states=3)),
    "nonlinear state noise heavy tails": (
        "zero",
        nonlinear(states=2, noise="state", outputs="student_t", inference="unscented"),
    ),
    "nonlinear particles": ("zero", nonlinear(states=2, inference=dl.inference.Particle(size=20))),
    "nonlinear ensemble filter": (
        "zero",
        nonlinear(states=2, inference=dl.inference.EnsembleKalman(size=20)),
    ),
    "continuous-discrete linear": ("linear", continuous_discrete("linear")),
    "continuous-discrete locally linear identity": (
        "zero",
        continuous_discrete("locally_linear", bases=2, decoder="identity"),
    ),
    "continuous-discrete nonlinear static uneven": ("uneven", continuous_discrete("nonlinear")),
    "switching": ("zero", switching()),
    "switching by state": ("zero", switching(switching="state")),
    "arx": ("zero", functools.partial(dl.models.ARX.from_data, delays=2, gap=3)),
    "arx linear hold": ("linear", functools.partial(dl.models.ARX.from_data, delays=0, gap=3)),
    "persistence": ("uneven", functools.partial(dl.models.Persistence.from_data, memory=5)),
    "tiling": ("zero", functools.partial(dl.models.ContextTiling.from_data, memory=6)),
    "ensemble node": ("zero", ensemble(node(hidden=0, memory=2))),
    "ensemble sde": ("zero", ensemble(sde(hidden=0, memory=2))),
    "ensemble deep state space": ("zero", ensemble(deep(memory=4))),
    "ensemble state space": ("zero", ensemble(state_space())),
    "ensemble nonlinear": ("zero", ensemble(nonlinear(states=2, memory=4))),
    "ensemble alrnn": ("zero", ensemble(recurrent("ALRNN", nonlinear=2))),
    "ensemble koopman": ("zero", ensemble(koopman(Learned(4, delays=1, width=8)))),
}
"""Name: which dataset of the fixture `data`, and how the model is built from it."""

APART = (
    "node adaptive linear hold",
    "sde linear hold",
    "map linear hold",
    "deep state space static uneven",
    "state space stable linear hold",
    "ensemble deep state space",
    "alrnn linear hold",
    "plrnn dendritic",
    "ensemble alrnn",
    "ensemble koopman",
    "ensemble state space",
    "nonlinear state noise heavy tails",
    "nonlinear particles",
    "nonlinear ensemble filter",
    "ensemble nonlinear",
    "switching by state",
    "continuous-discrete locally linear identity",
    "continuous-discrete nonlinear static uneven",
)
"""Run with `-m slow`: each compiles anew what another row of its family has compiled already."""
