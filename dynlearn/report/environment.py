"""environment: what a result was computed with."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from dynlearn.version import VERSION

PACKAGES = (
    "jax",
    "jaxlib",
    "equinox",
    "diffrax",
    "optax",
    "numpy",
    "scipy",
    "xarray",
    "pandas",
    "gymnasium",
    "torch",
)


def environment() -> dict[str, str]:
    """Versions and the machine, for the end of a report. Packages that are not installed are left out.

    What JAX computes on (device, precision) is stated where JAX was used in this process; it is not
    started for the sake of saying so.

    Returns:
        Name and version, or name and description, in the order in which they are shown.

    >>> found = environment()
    >>> list(found)[:2], "numpy" in found
    (['dynlearn', 'python'], True)
    """

    found = {"dynlearn": VERSION, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["platform"] = f"{platform.system()}, {' '.join(platform.libc_ver())}".rstrip(", ")
    found["processor"] = f"{platform.machine()}, {_cores()} cores"
    return found | _jax()


def _cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _jax() -> dict[str, str]:
    if "jax" not in sys.modules:
        return {}
    import jax

    devices = [device.device_kind for device in jax.devices()]
    precision = "float64" if jax.config.read("jax_enable_x64") else "float32"
    return {"jax device": f"{len(devices)} x {devices[0]}", "jax precision": precision}
