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
ORDER = (
    "trajectories",
    "contract",
    "parts",
    "models",
    "inference",
    "analysis",
    "fitting",
    "forecasting",
    "evaluation",
    "control",
    "rl",
)
"""Left to right: a room imports itself and what stands before it."""
GROUND = ("disk", "numerics", "programs", "solvers", "filtering", "identification")
"""The ground floor, in the same order; it knows no model and no xarray."""
BELOW = {"before_jax", "errors", "on_use", "references", "version", "wide_table"}
"""Modules that know nothing of the rooms."""
TOP = ("torch", "plot", "report", "cli", "accessor", "cited")
WIDEST = 14
"""Files in a folder, at most."""


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


def name_of(path: Path) -> str:
    """The dotted name of a module; of a package, its own."""
    return ".".join(("dynlearn", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


NAMES = {name_of(path): path for path in MODULES}
PACKAGES = {name for name, path in NAMES.items() if path.name == "__init__.py"}


def imports(path: Path) -> set[str]:
    """Modules of dynlearn that a module imports: anywhere in it, in functions and for the type checker too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            whole = (f"{node.module}.{alias.name}" for alias in node.names)
            found.update(name if name in NAMES else str(node.module) for name in whole)
    return {name for name in found if name.split(".")[0] == "dynlearn"}


IMPORTS = {name: imports(path) for name, path in NAMES.items()}


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def allowed(part: str) -> set[str]:
    if part in BELOW:
        return set(BELOW)
    if part in GROUND:
        return {*BELOW, *GROUND[: GROUND.index(part) + 1]}
    if part == "datasets":
        return {*BELOW, "datasets", "trajectories", *GROUND}
    if part in ORDER:
        return {*BELOW, *GROUND, *ORDER[: ORDER.index(part) + 1]}
    return {*BELOW, "", "datasets", *GROUND, *ORDER, *TOP}


@pytest.mark.parametrize("name", [n for n in NAMES if room(n)])
def test_imports_point_left_or_down(name):
    assert {room(other) for other in IMPORTS[name]} <= allowed(room(name))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_private_module_is_imported_by_its_own_folder_only(name):
    own = name if name in PACKAGES else name.rpartition(".")[0]
    for other in IMPORTS[name]:
        folder, _, module = other.rpartition(".")
        if module.startswith("_") and module != "__main__":
            assert folder == own, f"{name} imports {other}"


def test_no_module_imports_itself_on_the_way():
    """Not through functions or for the type checker either; the packages' lists of public names are no detour."""
    waiting = {name: {i for i in IMPORTS[name] if i in NAMES} for name in NAMES}
    while free := {name for name, needed in waiting.items() if not needed & set(waiting)}:
        for name in free:
            del waiting[name]
    assert waiting == {}


def test_the_ground_floor_knows_no_xarray():
    for name in NAMES:
        if room(name) in GROUND and room(name) != "disk":
            assert "import xarray" not in NAMES[name].read_text(), name


def test_no_folder_is_a_drawer():
    for folder in {path.parent for path in MODULES}:
        files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= WIDEST, (folder, files)


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
