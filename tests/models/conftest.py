"""Datasets of the contract table."""

import pytest
import xarray as xr

# Second forms of a family whose gradient takes XLA tens of seconds to compile.
GRADIENTS_APART = (
    "node adaptive",
    "smoothed node",
    "state space feed-through",
    "deep state space linear hold",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    costly = {f"test_it_can_be_batched_and_differentiated[{name}]" for name in GRADIENTS_APART}
    for item in items:
        if item.name in costly:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def data(linear, uneven, make_linear) -> dict[str, xr.Dataset]:
    return {"zero": linear, "uneven": uneven, "linear": make_linear(hold="linear")}
