"""citations: every part that is used names its sources, no other does, and the file of entries is sound."""

import ast
import functools
import pickle
import re
from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import ArgumentError
from dynlearn.models import Signature
from dynlearn.references import ENTRY, bibtex, entries
from dynlearn.solvers import Adaptive, FixedStep, StochasticAdaptive, StochasticStep, Symplectic

ROOT = Path(dl.__file__).parent
KEY = re.compile(r"[a-z]+((?:17|18|19|20)\d\d)[a-z][a-z0-9]{1,20}")
"""Surname, year, first word of the title: nothing else in the package is spelt like that."""
SIGNATURE = Signature(("y",), ("u",))
QUICK = dl.fitting.Gradient(steps=2, batch=2, horizon=3)


def cited(used: Any) -> set[str]:
    """The keys of what is cited, after a look at the form."""
    keys = ENTRY.findall(dl.citations(used))
    assert keys == sorted(set(keys))
    return set(keys)


def node(**options) -> dl.models.NeuralODE:
    return dl.models.NeuralODE(SIGNATURE, hidden=0, memory=1, width=4, key=0, **options)


@pytest.fixture(scope="module")
def ds():
    return dl.datasets.load("linear", runs=3, length=20, key=0)


# what is cited


@pytest.mark.parametrize(
    ("lifting", "lifted_by"),
    [("learned", "lusch2018deep"), ("fourier", "rahimi2007random"), ("delays", None)],
)
def test_koopman_cites_its_lifting_and_no_other(ds, lifting, lifted_by):
    found = cited(dl.models.Koopman.from_data(ds, lifting=lifting, key=0))
    assert found & {"lusch2018deep", "rahimi2007random"} == ({lifted_by} if lifted_by else set())
    assert "williams2015data" in found


@pytest.mark.parametrize("controls", [(), ("u",)])
def test_koopman_cites_the_form_with_inputs_where_there_are_inputs(controls):
    eye = np.eye(1)
    model = dl.models.Koopman(
        Signature(("y",), controls, interval=1.0),
        dl.models.Scaling.unit(1, len(controls), 0),
        dl.models.dictionaries.Delays(0),
        eye,
        np.zeros((1, len(controls))),
        np.zeros(1),
        dl.models.ErrorGrowth.unit(1),
        10,
    )
    with_inputs = {"korda2018linear", "proctor2016dynamic"} if controls else set()
    assert cited(model) == {"williams2015data", *with_inputs}


def test_an_ensemble_cites_its_members_and_their_solver():
    members = node(solver=Adaptive("dopri8"))
    solver = {"prince1981high", "kidger2021neural", "stumm2010new", "wang2009minimal"}
    assert cited(members) == {"chen2018neural", *solver}
    found = cited(dl.models.Ensemble.of(members, 2, key=0))
    assert found == {"lakshminarayanan2017simple", "chen2018neural", *solver}


def test_a_wrapper_cites_what_it_wraps():
    assert cited(dl.models.Smoothed.of(node())) == {"chen2018neural", "kutta1901beitrag"}


@pytest.mark.parametrize(
    ("solver", "keys"),
    [
        (FixedStep("euler"), {"euler1768institutionum"}),
        (FixedStep("heun"), {"heun1900neue"}),
        (FixedStep("midpoint"), {"runge1895numerische"}),
        (FixedStep("rk4"), {"kutta1901beitrag"}),
        (Adaptive("tsit5"), {"tsitouras2011runge", "kidger2021neural", "stumm2010new", "wang2009minimal"}),
        (Symplectic("semi_implicit_euler"), {"hairer2006geometric"}),
        (Symplectic("verlet"), {"hairer2006geometric", "verlet1967computer"}),
        (StochasticStep("milstein"), {"kloeden1992numerical", "milstein1975approximate"}),
        (StochasticStep("sra1"), {"kloeden1992numerical", "rossler2010runge", "foster2020optimal"}),
        (
            StochasticAdaptive("sra1"),
            {"rossler2010runge", "foster2023convergence", "jelincic2024single", "kidger2021neural"},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_solver_cites_its_scheme_and_diffrax_only_where_it_solves(solver, keys):
    assert cited(solver) == keys


def test_auto_cites_both_schemes_and_the_sign_of_stiffness():
    assert cited(Adaptive("auto")) >= {"tsitouras2011runge", "kvaerno2004singly", "hairer1996solving"}


def test_a_neural_sde_cites_its_scheme_and_no_filter():
    model = dl.models.NeuralSDE(SIGNATURE, hidden=0, memory=1, width=4, key=0)
    assert cited(model) == {"kidger2021sdes", "kloeden1992numerical", "maruyama1955continuous"}


def test_a_state_space_model_cites_its_method_of_inference():
    options = {"states": 1, "width": 0, "key": 0}
    of = functools.partial(dl.models.NonlinearStateSpace, Signature(("y",), interval=1.0), **options)
    unscented, particle = cited(of(inference="unscented")), cited(of(inference="particle"))
    assert {"julier2004unscented", "duffield2026cuthbert", "schon2011system"} <= unscented
    assert {"gordon1993novel", "godsill2004monte", "schon2011system"} <= particle
    assert "gordon1993novel" not in unscented
    assert "julier2004unscented" not in particle


def test_a_method_of_inference_cites_by_its_settings():
    assert cited(dl.inference.Exact(parallel=True)) - cited(dl.inference.Exact()) == {"yaghoobi2025parallel"}
    apart = cited(dl.inference.Particle()) - cited(dl.inference.Particle(backward="ancestors"))
    assert apart == {"godsill2004monte"}


def test_structural_pieces_cite_what_they_are(ds):
    pieces = dl.models.structural
    one = ds[["output"]].isel(output_name=[0])
    level = cited(dl.models.LinearStateSpace.of(pieces.Level(), one))
    assert {"harvey1989forecasting", "kalman1960new", "durbin2012time"} <= level
    with_ar = cited(dl.models.LinearStateSpace.of(pieces.Level() + pieces.AR(1), one))
    assert with_ar - level == {"barndorff1973parametrization"}


@pytest.mark.parametrize(
    ("form", "crossed_by", "filtered_by"),
    [
        ("linear", "vanloan1978computing", "kalman1960new"),
        ("nonlinear", "sarkka2019applied", "jazwinski1970stochastic"),
    ],
)
def test_a_latent_process_cites_its_drift(form, crossed_by, filtered_by):
    found = cited(dl.models.ContinuousDiscrete(SIGNATURE, form=form, states=2, width=4, key=0))
    both = {"vanloan1978computing", "sarkka2019applied"}
    assert found & both == {crossed_by}
    assert {"ansari2023neural", "burda2016importance", filtered_by} <= found


@pytest.mark.parametrize("switching", ["markov", "state"])
def test_switching_that_reads_the_state_cites_its_own_source(switching):
    signature = Signature(("y",), interval=1.0)
    found = cited(dl.models.SwitchingLinear(signature, states=1, regimes=2, switching=switching, key=0))
    assert ("linderman2017bayesian" in found) is (switching == "state")
    assert {"kim1994dynamic", "blom1988interacting", "murphy1998switching"} <= found


def test_a_baseline_has_nothing_to_cite(ds):
    assert dl.citations(dl.models.Persistence.from_data(ds)) == ""


# fits


@pytest.mark.parametrize("objective", ["multi_step", "locally_regularized"])
def test_a_fit_cites_its_method_and_its_objective(ds, objective):
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=4, key=0)
    result = dl.fit(model, ds, method=QUICK, objective=objective, progress=False)
    regularised = {"pal2023locally"} if objective == "locally_regularized" else set()
    fitted_by = {"kingma2015adam", "polyak1992acceleration", *regularised}
    assert cited(result) == {"chen2018neural", "kutta1901beitrag", *fitted_by}
    assert cited(pickle.loads(pickle.dumps(result))) == cited(result)
    assert cited(result.model) == cited(result) - fitted_by


def test_an_objective_with_settings_is_seen(ds):
    model = dl.models.NeuralODE.from_data(ds, hidden=0, memory=1, width=4, key=0)
    weighted = functools.partial(dl.fitting.locally_regularized, weight=1.0)
    assert "pal2023locally" in cited(dl.fit(model, ds, method=QUICK, objective=weighted, progress=False))


def test_a_fit_in_closed_form_cites_no_objective_but_how_its_error_law_was_found(ds):
    model = dl.models.ARX.from_data(ds, delays=1)
    alone, validated = (dl.fit(model, ds, valid, progress=False) for valid in (None, ds))
    assert cited(validated) == {"ljung1999system", "hoerl1970ridge"}
    assert cited(alone) == {"ljung1999system", "hoerl1970ridge", "stone1974cross"}


@pytest.mark.parametrize(
    ("method", "keys"),
    [
        (dl.fitting.Gradient(average=0.0), {"kingma2015adam"}),
        (dl.fitting.Gradient(average=0.0, weight_decay=0.1), {"kingma2015adam", "loshchilov2019decoupled"}),
        (dl.fitting.Calibration(), set()),
        (dl.fitting.MaximumLikelihood(), {"liu1989limited", "harvey1989forecasting"}),
        (dl.fitting.SwitchingEM(sticky=0.0, restarts=1, polish=0), {"murphy1998switching", "kim1994dynamic"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_method_of_fitting_cites_by_its_settings(method, keys):
    assert set(getattr(method, "references", ())) == keys


@pytest.mark.parametrize("variant", ["cva", "ssarx", "n4sid", "moesp"])
def test_subspace_cites_its_variant(variant):
    found = set(dl.fitting.Subspace(variant=variant, refine=0).references)
    assert {"vanoverschee1996subspace", "shumway1982approach"} <= found
    own = {
        "cva": {"larimore1990canonical"},
        "ssarx": {"jansson2003subspace", "chiuso2007role"},
        "n4sid": {"vanoverschee1994n4sid"},
        "moesp": {"verhaegen1994identification"},
    }
    assert found & set().union(*own.values()) == own[variant]


def test_a_torch_model_cites_its_twin_and_its_solver(ds):
    torch = pytest.importorskip("torch")
    with torch.random.fork_rng():
        model = dl.torch.NeuralODE.from_data(ds, hidden=0, memory=1, width=4, key=0)
    assert cited(model) == {"chen2018neural", "chen2018torchdiffeq", "kutta1901beitrag"}


# control

CEM = {"rubinstein2004cross", "pinneri2020sample"}
COST = dl.control.FunctionCost(lambda y, u, t: u @ u, lambda y: y @ y)


def test_a_planner_cites_its_source():
    assert cited(dl.control.CEM()) == CEM


def test_a_controller_cites_planner_model_and_what_joins_them():
    options = {"horizon": 3, "bounds": (-1.0, 1.0), "interval": 0.1}
    single = cited(dl.control.MPC(node(), COST, **options))
    assert single == {"chen2018neural", "kutta1901beitrag", *CEM}
    several = dl.control.MPC(dl.models.Ensemble.of(node(), 2, key=0), COST, **options)
    assert cited(several) - single == {"lakshminarayanan2017simple", "chua2018deep"}
    for kind, added in (("soft", set()), ("hard", {"wen2018constrained"})):
        limit = dl.control.Constraint(lambda y, u, t: y[0] - 1.0, kind)
        assert cited(dl.control.MPC(node(), COST, constraints=(limit,), **options)) - single == added


# what a user brings


class OwnSolver(FixedStep):
    """A user's own part, with a source that is not in the file and one that is."""

    references: ClassVar[Any] = ("kutta1901beitrag", "@misc{me2030own,\n  title = {Mine},\n}")


class Tracking(eqx.Module):
    """A cost whose `references` have nothing to do with papers."""

    references: np.ndarray

    def running(self, outputs, control, time):
        return ((outputs - self.references) ** 2).sum()

    def terminal(self, outputs):
        return 0.0 * outputs.sum()


def test_a_part_of_the_users_own_adds_its_own_entry():
    text = dl.citations(node(solver=OwnSolver("rk4")))
    assert ENTRY.findall(text) == ["chen2018neural", "kutta1901beitrag", "me2030own"]
    assert text.endswith("@misc{me2030own,\n  title = {Mine},\n}")


def test_what_names_no_source_adds_nothing():
    known = node(field=lambda t, x, u, s: -x)
    assert cited(known) == cited(node())
    mpc = dl.control.MPC(known, Tracking(np.ones(1)), horizon=2, bounds=(-1.0, 1.0), interval=0.1)
    assert cited(mpc) == {*cited(node()), *CEM}


def test_a_key_that_nobody_knows_is_refused():
    with pytest.raises(ArgumentError, match=r"a whole BibTeX entry .*, got 'me2030own'; write out the entry"):
        bibtex(["me2030own"])


@pytest.mark.parametrize(
    ("used", "came"),
    [
        (None, "NoneType"),
        ("NeuralODE", "str"),
        (dl.models.NeuralODE, "the class NeuralODE"),
        (np.ones(2), "ndarray"),
    ],
    ids=["None", "a name", "a class", "an array"],
)
def test_anything_else_is_refused(used, came):
    with pytest.raises(ArgumentError) as error:
        dl.citations(used)
    assert str(error.value) == (
        "citations: expected a model, the result of dl.fit, a controller, a planner, a method of inference or a "
        f"solver, got {came}; pass one such as dl.fit(model, train) or dl.control.CEM()."
    )


def test_a_dataset_is_refused(ds):
    with pytest.raises(ArgumentError, match="got Dataset; pass one such as"):
        dl.citations(ds)


# the file


def named_in_code() -> set[str]:
    """Strings of the package that are spelt like keys, docstrings aside, in which they are no strings of their own."""
    trees = (ast.parse(path.read_text()) for path in ROOT.rglob("*.py"))
    strings = (n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant))
    return {s for s in strings if isinstance(s, str) and KEY.fullmatch(s)}


def test_code_and_file_name_the_same_sources():
    assert named_in_code() == set(entries())


def test_the_file_is_sorted_and_has_every_key_once():
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    keys = ENTRY.findall(text)
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) == text.count("@")


@pytest.mark.parametrize("key", sorted(entries()))
def test_entries_are_whole(key):
    text = entries()[key]
    assert text.isascii()
    assert text.startswith("@")
    assert text.endswith("}")
    depths = np.cumsum([{"{": 1, "}": -1}.get(character, 0) for character in text])
    assert depths[-1] == 0
    assert (depths[text.index("{") : -1] > 0).all()
    fields = dict(re.findall(r"^  (\w+) = \{(.+)\},$", text, flags=re.MULTILINE))
    assert len(text.splitlines()) == len(fields) + 2
    assert {"author", "title", "year"} <= set(fields)
    assert fields["year"] == KEY.fullmatch(key)[1]
    assert not re.search(r"\bet al\b|\.\.\.", fields["author"])
