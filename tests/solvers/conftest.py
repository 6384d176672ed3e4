"""Which rows run apart: programs of implicit and adaptive stochastic solvers take XLA tens of seconds to compile."""

import pytest

APART = ("auto", "kvaerno5", "dopri8", "tsit5-continuous", "tsit5-direct")
FILES = ("test_adjoints.py", "test_batch.py", "test_parity.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        costly = item.path.name in FILES and any(name in item.name for name in APART)
        if costly or item.path.name == "test_sde_adaptive.py":
            item.add_marker(pytest.mark.slow)
