"""Regions, their graph and the entropies of codes, against networks and sources that are known."""

import itertools

import numpy as np
import pytest
import xarray as xr

import dynlearn as dl
from dynlearn.analysis import entropy, regions

from .systems import FORMS, at, beginning, by_hand, random_network, skew_tent


@pytest.fixture(scope="module")
def tent() -> xr.Dataset:
    starts = np.random.default_rng(0).uniform(-0.3, 0.5, (10, 1))
    return regions(skew_tent(0.4), at(*starts, names=("y",)), steps=4000)


def test_the_two_regions_of_a_tent_map(tent):
    """Above the peak with probability 0.6, independently of what was before: `on` is where the unit is positive."""
    assert tent["on"].values.tolist() == [[True], [False]]
    np.testing.assert_allclose(tent["occupancy"], [0.6, 0.4], atol=0.01)
    np.testing.assert_allclose(tent["transition"], [[0.6, 0.4], [0.6, 0.4]], atol=0.01)
    np.testing.assert_allclose(tent["jacobian"].values.ravel(), [-1 / 0.6, 1 / 0.4], rtol=1e-6)
    np.testing.assert_array_equal(tent["region"].values, (tent["state"].values[..., 0] <= 0).astype(int))
    np.testing.assert_array_equal(tent["output"].values, tent["state"].values)


def test_the_entropies_of_a_tent_map(tent):
    found = entropy(tent)
    np.testing.assert_allclose(found["metric"], -0.4 * np.log(0.4) - 0.6 * np.log(0.6), rtol=0.01)
    np.testing.assert_allclose(found["topological"], np.log(2), rtol=1e-6)
    np.testing.assert_allclose(found["graph"], np.log(2), rtol=1e-6)


def test_transitions_are_counted_within_runs_only(tent):
    code = tent["region"].values
    counts = np.zeros((2, 2))
    for run in code:
        for before, after in itertools.pairwise(run):
            counts[before, after] += 1
    np.testing.assert_allclose(tent["transition"], counts / counts.sum(1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_patterns_jacobians_and_orbits_of_random_networks_by_hand(form):
    """Which rectifiers are on, by the signs of what they take; Jacobians by differences within a region."""
    model, u = random_network(form, 5, 0.9), 0.5
    y = np.random.default_rng(5).normal(size=(3, 2))
    found = regions(
        model, at(*y, names=("y", "w"), controls={"u": 0.0}), control={"u": u}, steps=6, discard=2
    )
    z = beginning(model, y)
    path = []
    for _ in range(8):
        z = by_hand(model, z, u)
        path.append(z)
    np.testing.assert_allclose(found["state"], np.stack(path, axis=1)[:, 2:], rtol=1e-4, atol=1e-5)
    cell = model.cell
    for run in range(3):
        for step in range(6):
            z = found["state"].values[run, step]
            heights = {
                "almost linear": lambda z: z[1:],
                "shallow": lambda z: np.asarray(cell.W2) @ z + np.asarray(cell.c),
                "clipped": lambda z: np.tile(np.asarray(cell.W2) @ z, 2) + np.append(cell.c, 0 * cell.c),
                "dendritic": lambda z: (z - np.asarray(cell.c)).ravel(),
            }[form](z)
            region = found["region"].values[run, step]
            np.testing.assert_array_equal(found["on"].values[region], heights > 0)
            if np.abs(heights).min() > 1e-4:
                nearby = z + 1e-6 * np.concatenate([np.eye(4), -np.eye(4)])
                ahead = by_hand(model, nearby, u)
                slopes = (ahead[:4] - ahead[4:]).T / 2e-6
                np.testing.assert_allclose(found["jacobian"].values[region], slopes, atol=1e-5)


def test_units_are_named_by_their_place(tent):
    model = dl.models.ALRNN(dl.models.Signature(("y",), interval=1.0), latent=5, nonlinear=2, memory=1, key=0)
    assert regions(model, at([0.2], names=("y",)), steps=5)["unit"].values.tolist() == [3, 4]


def test_a_model_without_rectifiers_has_one_region():
    model = dl.models.ALRNN(dl.models.Signature(("y",), interval=1.0), latent=3, nonlinear=0, memory=1, key=0)
    found = regions(model, at([0.2], names=("y",)), steps=20)
    assert found["on"].shape == (1, 0)
    assert found["transition"].values.tolist() == [[1.0]]
    np.testing.assert_allclose(
        found["jacobian"][0], np.diag(model.cell.a) + np.asarray(model.cell.W), rtol=1e-6
    )
    assert float(entropy(found)["metric"]) == float(entropy(found)["graph"]) == 0.0


GOLDEN = np.log((1 + 5**0.5) / 2)


def markov(P: np.ndarray, steps: int, runs: int = 4) -> np.ndarray:
    rng = np.random.default_rng(0)
    code = np.zeros((runs, steps), int)
    for k in range(1, steps):
        code[:, k] = (rng.random(runs)[:, None] > np.cumsum(P[code[:, k - 1]], axis=1)).sum(1)
    return code


def of_markov(P: np.ndarray) -> float:
    """-sum_i pi_i sum_j P_ij log P_ij."""
    values, vectors = np.linalg.eig(P.T)
    pi = vectors[:, np.argmin(np.abs(values - 1))].real
    safe = np.where(P > 0, P, 1)
    return float(-(pi / pi.sum()) @ (P * np.log(safe)).sum(1))


def test_the_golden_mean_shift():
    """No 1 follows a 1: the words are counted by Fibonacci's numbers."""
    q = 0.45
    P = np.array([[1 - q, q], [1.0, 0.0]])
    found = entropy(markov(P, 20_000))
    assert found["words"].values[:8].tolist() == [2, 3, 5, 8, 13, 21, 34, 55]
    np.testing.assert_allclose(found["graph"], GOLDEN, rtol=1e-9)
    np.testing.assert_allclose(found["topological"], GOLDEN, rtol=1e-3)
    closed = (-q * np.log(q) - (1 - q) * np.log(1 - q)) / (1 + q)
    np.testing.assert_allclose(of_markov(P), closed, rtol=1e-9)
    np.testing.assert_allclose(found["metric"], closed, rtol=0.01)


def test_a_chain_of_three_symbols():
    P = np.array([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5], [0.2, 0.2, 0.6]])
    code = markov(P, 30_000)
    found = entropy(code, longest=6)
    np.testing.assert_allclose(found["rate"].values[1:4], of_markov(P), rtol=0.01)
    np.testing.assert_allclose(found["graph"], np.log(np.abs(np.linalg.eigvals(P > 0)).max()), rtol=1e-9)


def test_a_coin_and_an_uneven_one():
    rng = np.random.default_rng(0)
    found = entropy(rng.integers(2, size=200_000), longest=8)
    np.testing.assert_allclose([found["metric"], found["topological"]], np.log(2), rtol=1e-3)
    np.testing.assert_allclose(found["block"], np.log(2) * found["length"], rtol=1e-3)
    one = entropy((rng.random((5, 40_000)) < 0.2).astype(int), longest=5)
    np.testing.assert_allclose(one["metric"], -0.2 * np.log(0.2) - 0.8 * np.log(0.8), rtol=0.01)


def test_a_periodic_code_says_nothing_new():
    found = entropy(np.tile([3, 1, 4, 1, 5], 400))
    assert abs(float(found["metric"])) < 1e-3
    assert abs(float(found["topological"])) < 1e-12
    np.testing.assert_allclose(found["graph"], np.log(np.abs(np.roots([1, 0, -1, -1])).max()), atol=0.2)
    assert found["words"].values[2:].tolist() == [5] * 38


def test_words_by_hand():
    """0 1 1 0 1 in sixteen runs: the words of two are 01, 11, 10; H_2 with the correction 2 / (2 * 64)."""
    found = entropy(np.array([[0, 1, 1, 0, 1]] * 16), longest=2)
    assert found["words"].values.tolist() == [2, 3]
    p = np.array([0.5, 0.25, 0.25])
    np.testing.assert_allclose(found["block"].values[1], -(p * np.log(p)).sum() + 2 / 128)


def test_the_longest_words_that_are_believed():
    """A hundred of each on average: of 2000 symbols of a coin, words of four."""
    found = entropy(np.random.default_rng(0).integers(2, size=2000))
    assert found.attrs["length"] == 4
    assert found.sizes["length"] == 40
    np.testing.assert_allclose(found["metric"], found["rate"].sel(length=4))


def test_what_cannot_return_adds_nothing_to_a_graph():
    """From 0 to a cycle of 1 and 2: the largest eigenvalue is 1."""
    assert abs(float(entropy(np.array([0, 0, 0, 1, 2, 1, 2, 1]))["graph"])) < 1e-9


def test_a_graph_of_many_symbols_is_the_one_of_a_few():
    rng = np.random.default_rng(0)
    code = rng.integers(300, size=30_000)
    adjacent = np.zeros((300, 300))
    adjacent[code[:-1], code[1:]] = 1
    expected = np.log(np.abs(np.linalg.eigvals(adjacent)).max())
    np.testing.assert_allclose(entropy(code, longest=2)["graph"], expected, rtol=1e-8)


def test_a_table_may_have_its_dimensions_in_any_order(tent):
    np.testing.assert_array_equal(entropy(tent["region"].T)["block"], entropy(tent)["block"])


def test_few_symbols_say_no_more_than_they_can():
    assert float(entropy([1, 2])["metric"]) == pytest.approx(np.log(2))
