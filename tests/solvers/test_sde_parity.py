"""Other libraries, on our Brownian increments, take the same steps."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dynlearn.solvers import StochasticStep, brownian_areas, solve_sde

STEPS, H, STATES = 16, 1 / 16, 2
X0 = np.array([[1.0, -0.5], [0.3, 0.8], [-1.0, 0.1]])
TIMES = np.arange(STEPS + 1) * H
KEYS = jax.random.split(jax.random.key(0), len(X0))


@pytest.fixture(params=["float32", "float64"])
def tolerance(request):
    with jax.enable_x64(request.param == "float64"):
        yield 1e-5 if request.param == "float32" else 1e-10


def own_noise(t, x, p):
    """Each entry depends on its own state alone, which is what torchsde calls diagonal."""
    return 0.5 * p.cos(x) + 0.1 * x


CASES = [
    ("euler_maruyama", "euler", "ito", "diagonal"),
    ("milstein", "milstein", "ito", "diagonal"),
    ("milstein", "milstein", "stratonovich", "diagonal"),
    ("heun", "heun", "stratonovich", "diagonal"),
    ("euler_maruyama", "euler", "ito", "general"),
    ("heun", "heun", "stratonovich", "general"),
    ("milstein", "milstein", "ito", "scalar"),
    ("sra1", "srk", "ito", "additive"),
]


def general(p, x, t):
    columns = [p.stack([p.cos(x[..., 1]), x[..., 0]], -1), p.stack([x[..., 1], p.sin(x[..., 0]) + t], -1)]
    return 0.5 * p.stack(columns, -1)


def additive(p, t):
    return p.stack([p.stack([1 + t, t**2]), p.stack([p.cos(t), 0.5 + 0 * t])])


def ours(scheme, calculus, noise):
    def drift(t, x, u, p):
        return jnp.stack([x[1] - x[0], jnp.sin(x[0]) + t])

    def diffusion(t, x, u, p):
        if noise == "additive":
            return additive(jnp, t)
        return general(jnp, x, t) if noise == "general" else own_noise(t, x, jnp)

    def one(x0, key):
        options = {"noise": noise, "calculus": calculus, "solver": StochasticStep(scheme)}
        return solve_sde(drift, diffusion, x0, jnp.asarray(TIMES), key=key, **options).states

    return np.asarray(jax.jit(jax.vmap(one))(jnp.asarray(X0), KEYS))


@pytest.mark.first(6)
@pytest.mark.parametrize(("scheme", "method", "calculus", "noise"), CASES)
def test_torchsde(scheme, method, calculus, noise, tolerance):
    torch = pytest.importorskip("torch")
    torchsde = pytest.importorskip("torchsde")
    size = 1 if noise == "scalar" else STATES
    path = jax.vmap(lambda key: brownian_areas(key, jnp.full(STEPS, H), size))(KEYS)
    increments, integrals = (
        torch.from_numpy(np.array(a[:, :, 0])) for a in (path.W, H * (path.W / 2 + path.H))
    )

    class Path(torchsde.BaseBrownian):
        def __call__(self, ta, tb=None, return_U=False, return_A=False):
            k = round(float(ta) / H)
            return (increments[:, k], integrals[:, k]) if return_U else increments[:, k]

        dtype, device = increments.dtype, increments.device
        shape, levy_area_approximation = (len(X0), size), "space-time"

        def __repr__(self):
            return "ours"

    class Equation(torch.nn.Module):
        sde_type, noise_type = calculus, noise

        def f(self, t, x):
            return torch.stack([x[:, 1] - x[:, 0], torch.sin(x[:, 0]) + t], 1)

        def g(self, t, x):
            if noise == "additive":
                return additive(torch, torch.as_tensor(t)).expand(len(x), 2, 2)
            if noise == "general":
                return general(torch, x, t)
            return own_noise(t, x, torch).unsqueeze(-1) if noise == "scalar" else own_noise(t, x, torch)

    found = torchsde.sdeint(
        Equation(),
        torch.tensor(X0, dtype=increments.dtype),
        torch.tensor(TIMES, dtype=increments.dtype),
        bm=Path(),
        dt=H,
        method=method,
    )
    theirs = found.detach().numpy().swapaxes(0, 1)
    np.testing.assert_allclose(ours(scheme, calculus, noise), theirs, rtol=tolerance, atol=tolerance)


class OurPath(diffrax.AbstractBrownianPath):
    """Looks our increments up by the step they belong to."""

    W: jax.Array
    H: jax.Array
    levy_area: type = eqx.field(static=True, default=diffrax.SpaceTimeLevyArea)

    @property
    def t0(self):
        return 0.0

    @property
    def t1(self):
        return STEPS * H

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        k = jnp.round(t0 / H).astype(int)
        return diffrax.SpaceTimeLevyArea(t1 - t0, self.W[k], self.H[k]) if use_levy else self.W[k]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "theirs"),
    [("sra1", diffrax.SRA1), ("euler_maruyama", diffrax.Euler), ("heun", diffrax.Heun)],
)
def test_diffrax(scheme, theirs, tolerance):
    def drift(t, x, args):
        return jnp.stack([x[1] - x[0], jnp.sin(x[0]) + t])

    def diffusion(t, x, args):
        # Diffrax's SRA1 takes the diffusion at other instants than the paper: equal where it is constant.
        return additive(jnp, jnp.full_like(t, 0.3) if scheme == "sra1" else t)

    x0 = jnp.asarray(X0[0])
    path = brownian_areas(0, jnp.full(STEPS, H, x0.dtype), 2)
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(drift), diffrax.ControlTerm(diffusion, OurPath(path.W[:, 0], path.H[:, 0]))
    )
    found = diffrax.diffeqsolve(
        terms, theirs(), 0.0, STEPS * H, H, x0, saveat=diffrax.SaveAt(ts=jnp.asarray(TIMES))
    )
    mine = solve_sde(
        lambda t, x, u, p: drift(t, x, None),
        lambda t, x, u, p: diffusion(t, x, None),
        x0,
        TIMES,
        key=0,
        noise="additive",
        solver=StochasticStep(scheme),
    )
    np.testing.assert_allclose(mine.states, found.ys, rtol=tolerance, atol=tolerance)
