"""A torch model works wherever a model does: every public verb says of it what it says of its twin."""

import jax
import numpy as np
import pytest

import dynlearn as dl
from dynlearn.errors import DynlearnError
from dynlearn.models import Ensemble, Smoothed, is_fitted

COST = dl.control.Quadratic([0.0], [1.0], [0.1])


@pytest.fixture(scope="module")
def ds():
    k = np.arange(24)
    u = np.sin(0.7 * k)[:, None]
    return dl.from_arrays([np.sin(0.3 * k)[:, None], np.cos(0.3 * k)[:, None]], [u, u], dt=0.5)


@pytest.fixture(scope="module")
def model(ds):
    made = dl.torch.NeuralODE.from_data(ds, hidden=0, memory=1, width=4, key=0)
    return made.adopt(dl.fitting.calibrate(made, ds))


def future(ds):
    return {"controls": ds["control"].isel(time=slice(10, 14)), "horizon": 4}


def played(m, ds):
    env = dl.rl.ModelEnv(m, COST, (-1, 1), initial=ds, interval=0.5)
    first, _ = env.reset(seed=0)
    return [first, *(env.step(np.array([0.3], np.float32))[:2] for _ in range(2))]


def planned(m, ds):
    planner = dl.control.CEM(samples=24, elites=4, iterations=1)
    mpc = dl.control.MPC(m, COST, 3, planner=planner, bounds=(-1, 1), interval=0.5)
    return mpc.act(mpc.init(), [0.5])[0]


def stored(m, ds, tmp_path):
    dl.save(m, tmp_path / "model.dyn")
    return dl.load(tmp_path / "model.dyn")


VERBS = {
    "forecast": lambda m, ds: dl.forecast(m, ds.isel(time=slice(0, 10)), samples=3, **future(ds)),
    "simulate": lambda m, ds: dl.simulate(m, ds, warmup=3),
    "evaluate": lambda m, ds: dl.evaluate(m, ds, context=8, horizon=4),
    "compare": lambda m, ds: dl.compare({"a": m}, ds, ds, context=8, horizon=4),
    "calibrate": lambda m, ds: dl.fitting.calibrate(m, ds),
    "MPC": planned,
    "ModelEnv": played,
    "Ensemble": lambda m, ds: Ensemble.of(m, 2, key=0),
    "Smoothed": lambda m, ds: Smoothed.of(m),
    "is_fitted": lambda m, ds: is_fitted(m),
    "to_module": lambda m, ds: [p.detach().numpy() for p in dl.torch.to_module(m).parameters()],
    "Windows": lambda m, ds: dl.torch.Windows(ds, m, horizon=3)[0],
    "filter": lambda m, ds: dl.filter(m, ds),
    "smooth": lambda m, ds: dl.smooth(m, ds),
    "impute": lambda m, ds: dl.impute(m, ds),
    "log_likelihood": lambda m, ds: dl.log_likelihood(m, ds),
    "eigenvalues": lambda m, ds: dl.plot.eigenvalues(m),
}
REFUSED = {"filter", "smooth", "impute", "log_likelihood", "eigenvalues"}
"""By a NeuralODE of either kind: it has neither a law of its states nor a spectrum."""


def leaves(came):
    if hasattr(came, "data_vars"):
        return [came[name].values for name in came.data_vars]
    return [np.asarray(leaf) for leaf in jax.tree.leaves(came) if np.asarray(leaf).dtype.kind in "biuf"]


@pytest.mark.parametrize("verb", VERBS)
def test_as_of_its_twin(verb, model, ds):
    if verb in REFUSED:
        said = []
        for m in (model, model.twin()):
            with pytest.raises(DynlearnError) as refused:
                VERBS[verb](m, ds)
            said.append(str(refused.value))
        assert said[0] == said[1]
        return
    of_torch, of_twin = (leaves(VERBS[verb](m, ds)) for m in (model, model.twin()))
    assert of_torch
    for mine, wanted in zip(of_torch, of_twin, strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_a_file(model, ds, tmp_path):
    for mine, wanted in zip(leaves(stored(model, ds, tmp_path)), leaves(model.twin()), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_what_is_unfitted_is_told(ds):
    assert not is_fitted(dl.torch.NeuralODE.from_data(ds, hidden=0, memory=1, width=4, key=0))


def test_an_ensemble_is_fitted_and_run_in_closed_loop(model, ds):
    method = dl.fitting.Gradient(steps=2, batch=4, horizon=3, validate_every=1, validation_windows=4)
    ensemble = dl.fit(Ensemble.of(model, 2, key=0), ds, method=method, progress=False).model
    env = dl.rl.ModelEnv(model, COST, (-1, 1), initial=ds, interval=0.5, horizon=2)
    planner = dl.control.CEM(samples=24, elites=4, iterations=1)
    mpc = dl.control.MPC(ensemble, COST, 3, planner=planner, bounds=(-1, 1), interval=0.5)
    runs = dl.control.run(env, mpc, 1, progress=False)
    assert runs.output.shape == (1, 3, 1)
    assert np.isfinite(runs.output.values).all()
