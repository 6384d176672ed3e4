"""What importing costs, which way imports point, and that the public names are there."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import dynlearn as dl

ROOT = Path(dl.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
HEAVY = ("torch", "matplotlib", "jax", "equinox", "diffrax", "optax", "gymnasium")
ORDER = ("trajectories", "models", "inference", "fitting", "forecasting", "evaluation", "control", "rl")
"""Left to right: a package imports itself and what stands before it."""
BELOW = {"errors", "wide_table"}
"""Modules that know nothing of the others."""
GROUND = ("disk", "numerics", "solvers")
TOP = ("torch", "plot", "report", "cli")


def test_importing_dynlearn_imports_nothing_heavy():
    script = f"import sys, dynlearn; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", ["fit", "forecast", "evaluate", "save", "control", "datasets"])
def test_names_resolve_lazily(verb):
    script = (
        f"import sys, dynlearn; dynlearn.{verb}; print('torch' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"


def package(path: Path) -> str:
    """The part of dynlearn a file belongs to; "" for the top level."""
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py") if relative.parts[0] != "__init__.py" else ""


def imports(path: Path) -> set[str]:
    """Parts of dynlearn imported when the module is: not inside functions, not for the type checker."""
    found = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found.update(name.split(".")[1] for name in names if name.startswith("dynlearn."))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def allowed(part: str) -> set[str]:
    if part in BELOW:
        return set()
    if part in GROUND:
        return {*BELOW, *GROUND}
    if part == "datasets":
        return {*BELOW, "datasets", "trajectories", *GROUND}
    if part in ORDER:
        return {*BELOW, *GROUND, *ORDER[: ORDER.index(part) + 1]}
    return {*BELOW, "datasets", *GROUND, *ORDER, *TOP}


@pytest.mark.parametrize("path", [p for p in MODULES if package(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_left_or_down(path):
    assert imports(path) <= allowed(package(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


PUBLIC = [
    "from_arrays",
    "from_frame",
    "from_gymnasium",
    "validate",
    "datasets.load",
    "datasets.names",
    "models.NeuralODE.from_data",
    "models.Koopman.from_data",
    "models.Koopman.eigenvalues",
    "models.ARX",
    "models.Persistence",
    "models.Ensemble.of",
    "models.LinearStateSpace.from_data",
    "fit",
    "filter",
    "smooth",
    "log_likelihood",
    "impute",
    "forecast",
    "simulate",
    "evaluate",
    "compare",
    "save",
    "load",
    "control.MPC",
    "control.CEM",
    "control.Quadratic",
    "control.run",
]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_there(name):
    found = dl
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_every_exported_name_resolves():
    for name in dl.__all__:
        if name not in TOP or (ROOT / name).exists() or (ROOT / f"{name}.py").exists():
            getattr(dl, name)
    for part in (*ORDER, *GROUND, "datasets"):
        module = importlib.import_module(f"dynlearn.{part}")
        assert set(getattr(module, "__all__", ())) <= set(dir(module))


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match="did you mean 'forecast'"):
        _ = dl.forcast
