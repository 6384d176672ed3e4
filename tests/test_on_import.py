"""`ds.dyn` is there whichever of dynlearn and xarray is imported first."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "order",
    [
        "import dynlearn, xarray",
        "import xarray, dynlearn",
        "import dynlearn; import xarray.core.dataset as d; import xarray",
        "import dynlearn; dynlearn.from_arrays; import xarray",
    ],
)
def test_accessor_is_registered(order):
    code = f"{order}; print(xarray.Dataset.dyn.__name__, xarray.__spec__.loader.__class__.__name__)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["TrajectoryAccessor", "SourceFileLoader"], done.stderr


def test_a_missing_package_stays_missing():
    code = (
        "from dynlearn._on_import import on_import; on_import('no_such_package_here', print)\n"
        "try: import no_such_package_here\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "No module named 'no_such_package_here'", done.stderr
