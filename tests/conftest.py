"""What every test shares: strict settings, a compilation cache, small datasets built once."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, settings

os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Programs here are small and run a few times: what costs is compiling them. Without LLVM's optimisations, and by the
# older emitters of loops in one piece, that takes a third of the time. A flag that XLA does not know ends the process.
OLD_EMITTERS = tuple(map(int, version("jaxlib").split(".")[:2])) < (0, 10)
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_parallel_codegen_split_count=1" + " --xla_cpu_use_fusion_emitters=false" * OLD_EMITTERS,
)
os.environ.setdefault("MPLBACKEND", "agg")

# Scripts of another environment: they import what is not installed here.
collect_ignore = ["benchmarks/peers"]

settings.register_profile(
    "dynlearn", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
settings.load_profile("dynlearn")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`first(n)`: rows after the first n, in the order of the file, are slow."""
    seen: Counter[str] = Counter()
    for item in items:
        if marker := item.get_closest_marker("first"):
            test = item.nodeid.partition("[")[0]
            seen[test] += 1
            if seen[test] > marker.args[0]:
                item.add_marker(pytest.mark.slow)


def linear_runs(
    seed: int = 0, lengths: tuple[int, ...] = (30, 30, 30), noise: float = 0.01, **options
) -> xr.Dataset:
    """Runs of a damped rotation driven by one control, computed by numpy: two outputs, dt = 0.1 s."""
    import dynlearn as dl

    rng = np.random.default_rng(seed)
    A, b = np.array([[0.9, 0.2], [-0.2, 0.9]]), np.array([0.0, 0.1])
    outputs, controls = [], []
    for n in lengths:
        u = rng.normal(size=(n, 1))
        x = np.empty((n, 2))
        x[0] = rng.normal(size=2)
        for k in range(n - 1):
            x[k + 1] = A @ x[k] + b * u[k]
        outputs.append(3.0 + 2.0 * x + noise * rng.normal(size=x.shape))
        controls.append(u)
    names = {"output_names": ["position", "speed"], "control_names": ["force"]}
    units = {"t": "s", "position": "m", "speed": "m/s", "force": "N"}
    return dl.from_arrays(outputs, controls, **{"dt": 0.1, "units": units, **names, **options})


def uneven_runs() -> xr.Dataset:
    """Ragged runs with own, uneven instants, gaps in the outputs, a control and a static feature."""
    import dynlearn as dl

    rng = np.random.default_rng(1)
    lengths = (26, 22, 30)
    times = [np.cumsum(rng.uniform(0.05, 0.15, n)) for n in lengths]
    outputs = [np.stack([np.sin(t), np.cos(t)], 1) + 0.01 * rng.normal(size=(t.size, 2)) for t in times]
    for y in outputs:
        y[rng.random(y.shape) < 0.2] = np.nan
    controls = [rng.normal(size=(n, 1)) for n in lengths]
    return dl.from_arrays(outputs, controls, times=times, static=rng.normal(size=(3, 1)), units={"t": "s"})


@pytest.fixture(autouse=True, scope="module")
def free_programs() -> Iterator[None]:
    """Compiled programs are mapped into memory, and thousands of them exceed what Linux maps for one process."""
    yield
    import jax

    jax.clear_caches()


@pytest.fixture(autouse=True)
def free_before_it_is_full() -> Iterator[None]:
    """The same within a long module, before Linux' limit of 65530 maps; counting them takes milliseconds."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > 40_000:
        import jax

        jax.clear_caches()


@pytest.fixture(scope="session")
def linear() -> xr.Dataset:
    """Three runs of 30 samples of the driven rotation."""
    return linear_runs()


@pytest.fixture(scope="session")
def make_linear() -> Callable[..., xr.Dataset]:
    return linear_runs


@pytest.fixture(scope="session")
def uneven() -> xr.Dataset:
    return uneven_runs()


@pytest.fixture(scope="session")
def compilations() -> Callable[[], object]:
    """`with compilations() as names:` collects the name of every program compiled meanwhile."""
    import jax.monitoring

    listening: list[list[str]] = []

    def heard(event: str, duration: float, **details) -> None:
        if event.endswith("backend_compile_duration"):
            for names in listening:
                names.append(str(details.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(heard)

    @contextmanager
    def count() -> Iterator[list[str]]:
        names: list[str] = []
        listening.append(names)
        try:
            yield names
        finally:
            listening.remove(names)

    return count
