"""The cards of the simulated systems, and how a name becomes runs. JAX is imported when a system is asked
for."""

import importlib
import inspect
from collections.abc import Callable

import xarray as xr

from dynlearn.datasets.info import Info

CLASSES = {
    "linear": "Linear",
    "pendulum": "Pendulum",
    "double_tank": "DoubleTank",
    "lorenz63": "Lorenz63",
    "roessler": "Roessler",
    "lotka_volterra": "LotkaVolterra",
    "van_der_pol": "VanDerPol",
}


def _card(name: str, description: str, source: str) -> Info:
    return Info(name, "simulated", description, "Apache-2.0, as this package, which computes it", source)


INFOS = (
    _card(
        "linear", "Two masses with springs and dampers, a force on the second; any other A, B, C.", "textbook"
    ),
    _card("pendulum", "Damped pendulum with a torque at its pivot.", "textbook"),
    _card(
        "double_tank",
        "Two water tanks in cascade, fed by a pump.",
        "Johansson, IEEE Trans. Control Syst. Technol. 8 (2000) 456",
    ),
    _card("lorenz63", "Lorenz's convection model, chaotic.", "Lorenz, J. Atmos. Sci. 20 (1963) 130"),
    _card("roessler", "Roessler's folded band, chaotic.", "Roessler, Phys. Lett. A 57 (1976) 397"),
    _card(
        "lotka_volterra",
        "Predators and prey, closed orbits.",
        "Lotka, Elements of Physical Biology (1925); Volterra, Mem. Acad. Lincei 2 (1926) 31",
    ),
    _card(
        "van_der_pol", "Self-sustained oscillation, one limit cycle.", "van der Pol, Phil. Mag. 2 (1926) 978"
    ),
)


def loader(name: str) -> tuple[Callable[..., xr.Dataset], list[str]]:
    """A function from options to runs, and the names of those options: of `simulate` first, then of the
    constructor."""
    system = getattr(importlib.import_module("dynlearn.datasets.systems"), CLASSES[name])
    run = [p for p in inspect.signature(system.simulate).parameters if p != "self"]
    make = [p for p in inspect.signature(system).parameters if p not in run]

    def simulated(**options: object) -> xr.Dataset:
        made = system(**{k: v for k, v in options.items() if k in make})
        return made.simulate(**{k: v for k, v in options.items() if k in run})

    return simulated, run + make
