"""corpus: runs of many systems, parameters and views under one schema."""

import zlib
from collections.abc import Sequence

import numpy as np
import xarray as xr
from jaxtyping import Float

from dynlearn.datasets.corpora import flows
from dynlearn.datasets.corpora.views import OUTPUTS, VIEWS, standard
from dynlearn.errors import ArgumentError, check_count, check_known, is_number
from dynlearn.references import cites
from dynlearn.trajectories.build.arrays import from_arrays

HELD_OUT = (
    "AnishchenkoAstakhov", "BeerRNN", "Bouali2", "CellCycle", "Chua", "CoevolvingPredatorPrey", "Dadras",
    "ExcitableCell", "ForcedFitzHughNagumo", "GlycolyticOscillation", "Halvorsen", "HastingsPowell", "HenonHeiles",
    "HindmarshRose", "HyperRossler", "Lorenz", "Lorenz96", "NoseHoover", "RikitakeDynamo", "Rossler",
    "ShimizuMorioka", "SprottE", "SprottTorus", "Thomas", "VanDerPol", "WindmiReduced",
)  # fmt: skip
"""Never trained on: what zero-shot forecasts are judged by."""
VALIDATION = (
    "Aizawa", "BurkeShaw", "Colpitts", "Duffing", "Hopfield", "HyperLu", "LotkaVolterra", "Rucklidge", "SaltonSea",
    "SprottB", "SprottR", "YuWang",
)  # fmt: skip
"""Not trained on either: what weights and error laws are chosen by."""
SAMPLES_PER_PERIOD = (10.0, 100.0)
NOISE = (0.003, 0.1)
TRANSIENT = 10
"""Periods before a run begins."""
TRIES = 4


@cites("gilpin2021chaos", "lai2025panda")
def corpus(
    systems: str | Sequence[str] = "training",
    *,
    draws: int = 8,
    length: int = 1024,
    spread: float = 0.2,
    noisy: float = 0.5,
    key: int = 0,
) -> xr.Dataset:
    r"""Runs of many chaotic and cyclic systems, each three outputs of mean 0 and deviation 1.

    Each draw takes a system with every parameter multiplied by 1 + spread N(0, 1), integrates it from its attractor
    on a grid of 10 to 100 samples a typical period (uniform in the logarithm), and looks at it in three ways: three
    random combinations of all outputs; three of the outputs, mirrored or not; one of them with two delays (the first
    at which the autocorrelation falls below 1/e). Part of the runs get white measurement noise of 0.3 to
    10 % of their deviation. Parameters whose solution settles at rest, leaves bounds or takes too long are drawn anew
    from half the spread. Plain cycles of one and of two frequencies stand among the systems. A system's runs depend on
    `key` and its name, not on which others there are.

    Args:
        systems: names out of `flows.names()`, or one of the parts "training", "validation" and "held_out".
        draws: of parameters, per system.
        length: samples of a run; that of a delay embedding is shorter by its delays.
        spread: of the parameters, relative.
        noisy: the share of runs with measurement noise.
        key: an integer, of every draw.

    Returns:
        Runs labelled "system:draw:view", at unit intervals; the attribute `left_out` names systems without a run.

    Raises:
        ArgumentError: an unknown system, settings out of range, dysts not installed (`pip install 'dynlearn[corpus]'`).

    References: Gilpin, "Chaos as an interpretable benchmark for forecasting and data-driven modelling", NeurIPS
    Datasets 2021; Lai, Bao, Gilpin, "Panda: a pretrained forecast model for chaotic dynamics", 2025.

    >>> import dynlearn as dl
    >>> dl.datasets.corpus(["VanDerPol"], draws=1, length=100)["trajectory"].values.tolist()
    ['VanDerPol:0:mixed', 'VanDerPol:0:chosen', 'VanDerPol:0:delayed']
    """
    chosen = _part(systems) if isinstance(systems, str) else _names(systems)
    flows.check(*chosen)
    check_count("key", key, 0)
    check_count("draws", draws, 1)
    check_count("length", length, 50)
    for name, value, most in (("spread", spread, 1.0), ("noisy", noisy, 1.0)):
        if not (is_number(value) and 0 <= value <= most):
            raise ArgumentError(f"corpus: expected {name} from 0 to {most:g}, got {value!r}.")
    runs: list[np.ndarray] = []
    labels: list[str] = []
    left_out = []
    for system in chosen:
        found = 0
        for draw in range(draws):
            rng = np.random.default_rng([key, draw, zlib.crc32(system.encode())])
            y = _outputs(system, rng, length, spread)
            if y is None:
                continue
            found += 1
            for view, look in VIEWS.items():
                runs.append(_noised(standard(look(y, rng)), rng, noisy))
                labels.append(f"{system}:{draw}:{view}")
        if not found:
            left_out.append(system)
    if not runs:
        raise ArgumentError(f"corpus: none of {', '.join(left_out)} could be integrated; take other systems.")
    names = [f"y{i + 1}" for i in range(OUTPUTS)]
    ds = from_arrays(runs, dt=1.0, output_names=names, runs=labels)
    return ds.assign_attrs(left_out=", ".join(left_out))


def _names(systems: object) -> tuple[str, ...]:
    names = tuple(systems) if isinstance(systems, Sequence) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ArgumentError(
            f"systems: expected names of systems in a list, or 'training', 'validation' or 'held_out', got {systems!r}."
        )
    return names


def _part(name: str) -> tuple[str, ...]:
    parts = {"validation": VALIDATION, "held_out": HELD_OUT}
    check_known("part of the corpus", [name], ("training", *parts))
    known = flows.names()
    apart = {*VALIDATION, *HELD_OUT}
    return parts[name] if name in parts else tuple(system for system in known if system not in apart)


def _outputs(
    system: str, rng: np.random.Generator, length: int, spread: float
) -> Float[np.ndarray, "time output"] | None:
    """Of one draw of parameters that gives a motion which goes on; None where there is none in a few tries."""
    low, high = np.log(SAMPLES_PER_PERIOD)
    step = 1 / np.exp(rng.uniform(low, high))
    for attempt in range(TRIES):
        flow = flows.flow(system, rng, spread / 2**attempt if attempt < TRIES - 1 else 0.0)
        # One grid from the start of the transient on: LSODA interpolates, so that the grid costs nothing.
        before = int(np.ceil(TRANSIENT / step))
        states = flows.solution(flow, flow.period * step * np.arange(before + length))
        if states is None:
            continue
        y = flow.observed(states)[before:]
        y = y[:, _goes_on(y)]
        if y.shape[1]:
            return y
    return None


def _goes_on(y: Float[np.ndarray, "time output"]) -> np.ndarray:
    """Which outputs neither rest, nor settle, nor wander off."""
    half, quarter = len(y) // 2, len(y) // 4
    spread = y.std(0)
    moves = np.isfinite(spread) & (spread > 1e-6 * np.maximum(1e-3, np.abs(y).max(0)))
    settles = y[-quarter:].std(0) < 0.1 * y[:quarter].std(0)
    wanders = np.abs(y[:half].mean(0) - y[half:].mean(0)) > 1.5 * spread
    return moves & ~settles & ~wanders


def _noised(y: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    sigma = np.exp(rng.uniform(*np.log(NOISE))) * (rng.random() < share)
    return y + sigma * rng.standard_normal(y.shape)
