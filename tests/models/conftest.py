"""Datasets of the contract table."""

import pytest
import xarray as xr


@pytest.fixture(scope="session")
def data(linear, uneven, make_linear) -> dict[str, xr.Dataset]:
    return {"zero": linear, "uneven": uneven, "linear": make_linear(hold="linear")}
