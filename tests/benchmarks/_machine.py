"""What the numbers were measured on."""

import datetime
import os
import platform
from pathlib import Path

from ._measure import peer

PEERS = ("statsmodels", "torch", "torchdiffeq", "torchsde", "nfoursid")
FLAGS = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_ENABLE_X64", "JAX_COMPILATION_CACHE_DIR", "OMP_NUM_THREADS")


def machine() -> dict[str, str]:
    """Processor, versions, and the environment variables that change timings."""
    from dynlearn.report.environment import environment

    found = environment()
    found["platform"] = " ".join((platform.system(), *platform.libc_ver()))
    found["processor"] = _processor()
    for package in PEERS:
        found[package] = (peer(package) or f"{package} not installed").removeprefix(f"{package} ")
    return found | {flag: os.environ.get(flag, "not set") for flag in FLAGS}


def now() -> str:
    """The date, the processor, and how busy it is."""
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = f"; load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    return f"{date}; {_processor()}{load}"


def _processor() -> str:
    return f"{_cpu()}, {platform.machine()}, {_cores()} cores"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
