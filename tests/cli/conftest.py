"""Tiny data in every kind of file, tiny models, and a way to call the command line."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import dynlearn as dl
from dynlearn.cli import app


@pytest.fixture(scope="session")
def call():
    """`call("fit", path, ...)` runs the command line and returns exit code and output."""

    def called(*arguments: object, code: int = 0):
        result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
        unexpected = result.exception is not None and not isinstance(result.exception, SystemExit)
        assert not unexpected, result.exception
        assert result.exit_code == code, result.output
        return result

    return called


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """runs.csv, runs.nc, runs.zarr (driven), alone.nc (without controls), and models fitted to them."""
    folder = tmp_path_factory.mktemp("cli")
    driven = dl.datasets.load("linear", runs=3, length=120, key=0)
    driven = driven.drop_dims("state_name").isel(output_name=[0])
    dl.write(driven, folder / "runs.nc")
    dl.write(driven, folder / "runs.zarr")
    driven.dyn.to_frame().to_csv(folder / "runs.csv", index=False)
    (folder / "wide.csv").write_text("t,y\n0,10,\n1,12,\n")
    (folder / "two.csv").write_text("t;y,z\n0;1,2\n1;2,3\n")
    alone = dl.from_arrays(
        np.sin(0.3 * np.arange(150.0)), dt=0.5, output_names=["y"], units={"t": "s", "y": "m"}
    )
    dl.write(alone, folder / "alone.nc")
    arx = dl.models.ARX.from_data(driven, delays=1)
    dl.save(dl.fit(arx, driven, progress=False).model, folder / "arx.dyn")
    free = dl.models.ARX.from_data(alone, delays=1)
    dl.save(dl.fit(free, alone, progress=False).model, folder / "free.dyn")
    (folder / "broken.dyn").write_bytes(b"not a model")
    return folder
