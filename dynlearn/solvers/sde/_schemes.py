"""Schemes for SDEs: one step of each, and what each can integrate."""

import dataclasses
from collections.abc import Callable

from jaxtyping import Array, Float

from dynlearn.references import cites
from dynlearn.solvers.sde._noise import Sigma, State, product, transported

Time = Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Terms:
    """dx = f(t, x) dt + g(t, x) dW across one interval, in the calculus that the scheme works in."""

    f: Callable[[Time, State], State]
    g: Callable[[Time, State], Sigma]
    noise: str
    calculus: str

    def dot(self, sigma: Sigma, dW: Float[Array, " noise"]) -> State:
        return product(self.noise, sigma, dW)


@dataclasses.dataclass(frozen=True)
class Scheme:
    """`step(terms, x, t, h, W, H) -> x`, and what it is good for."""

    step: Callable[..., State]
    calculus: str | None
    """The calculus it works in; None for either."""
    evaluations: int
    """Of drift and diffusion, per step."""
    noises: tuple[str, ...] = ("additive", "diagonal", "scalar", "general")
    levy: bool = False
    """Whether it needs the space-time Lévy area H."""
    only_additive: bool = False
    """Whether the diffusion may not depend on the state, whatever its shape."""


@cites("maruyama1955continuous")
def euler_maruyama(sde: Terms, x: State, t: Time, h: Time, W: Array, H: Array | None) -> State:
    """Maruyama 1955: strong order 1/2 (1 for additive noise), weak order 1; Itô."""
    return x + sde.f(t, x) * h + sde.dot(sde.g(t, x), W)


@cites("milstein1975approximate")
def milstein(sde: Terms, x: State, t: Time, h: Time, W: Array, H: Array | None) -> State:
    """Milstein 1974: x + f h + g W + 1/2 g'g (W^2 - h), the last h for Itô only; strong order 1."""
    euler = euler_maruyama(sde, x, t, h, W, H)
    if sde.noise == "additive":
        return euler
    square = W**2 - h if sde.calculus == "ito" else W**2
    return euler + transported(sde.noise, lambda x: sde.g(t, x), x) * square / 2


@cites("rumelin1982numerical")
def heun(sde: Terms, x: State, t: Time, h: Time, W: Array, H: Array | None) -> State:
    """Rümelin 1982: trapezoidal in drift and noise; Stratonovich, strong order 1 for commutative noise."""
    f0, g0 = sde.f(t, x), sde.g(t, x)
    end = x + f0 * h + sde.dot(g0, W)
    f1, g1 = sde.f(t + h, end), sde.g(t + h, end)
    return x + (f0 + f1) * h / 2 + sde.dot((g0 + g1) / 2, W)


@cites("rossler2010runge", "foster2020optimal")
def sra1(sde: Terms, x: State, t: Time, h: Time, W: Array, H: Array) -> State:
    """Rößler 2010, table 6.2: strong order 3/2 for additive noise. J = I_(1,0) / h."""
    J = W / 2 + H
    g0, g1 = sde.g(t, x), sde.g(t + h, x)
    f1 = sde.f(t, x)
    f2 = sde.f(t + 3 / 4 * h, x + 3 / 4 * f1 * h + 3 / 2 * sde.dot(g1, J))
    return x + (f1 + 2 * f2) * h / 3 + sde.dot(g1, W - J) + sde.dot(g0, J)


SCHEMES = {
    "euler_maruyama": Scheme(euler_maruyama, "ito", 1),
    "milstein": Scheme(milstein, None, 1, ("additive", "diagonal", "scalar")),
    "heun": Scheme(heun, "stratonovich", 2),
    "sra1": Scheme(sra1, None, 2, levy=True, only_additive=True),
}
