"""What the numbers were measured on."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from ._measure import peer

PEERS = ("statsmodels", "torch", "torchdiffeq", "torchsde", "nfoursid")
FLAGS = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_ENABLE_X64", "OMP_NUM_THREADS")
CACHE = "JAX_COMPILATION_CACHE_DIR"
"""Whether there is one changes what compiling costs; where it is concerns nobody else."""


def machine() -> dict[str, str]:
    """Processor, versions, and the environment variables that change timings."""
    from dynlearn.report.environment import environment

    found = environment()
    found["platform"] = " ".join((platform.system(), *platform.libc_ver()))
    found["processor"] = _processor()
    for package in PEERS:
        found[package] = (peer(package) or f"{package} not installed").removeprefix(f"{package} ")
    found |= {flag: os.environ.get(flag, "not set") for flag in FLAGS}
    return found | {CACHE: "set" if os.environ.get(CACHE) else "not set"}


def commit() -> str:
    """What was measured: the commit, and whether files differ from it; "no commit" outside of a checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = git("rev-parse", "--short=10", "HEAD")
    if not found:
        return "no commit"
    # The page itself changes while sections are written.
    changed = git("status", "--porcelain", "--", ":(top)", ":(top,exclude)docs/benchmarks.md")
    return f"commit {found}{' with changes' if changed else ''}"


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
