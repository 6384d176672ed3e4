"""Adaptive steps within each interval, by diffrax."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from dynlearn.errors import ArgumentError, check_known
from dynlearn.solvers._fixed import Field

SOLVERS = {"tsit5": diffrax.Tsit5, "dopri8": diffrax.Dopri8, "kvaerno5": diffrax.Kvaerno5}


class Adaptive(eqx.Module):
    """A step-size controlled solve across each interval.

    Errors per step are kept below `atol + rtol |x|`. "tsit5" for ordinary fields, "dopri8" for
    tight tolerances, "kvaerno5" for stiff ones. A solve that needs more than `max_steps` comes
    back as NaN, which the caller reports as a diverged rollout.
    """

    scheme: str = eqx.field(static=True, default="tsit5")
    rtol: float = eqx.field(static=True, default=1e-4)
    atol: float = eqx.field(static=True, default=1e-6)
    max_steps: int = eqx.field(static=True, default=4096)

    def __check_init__(self):
        check_known("adaptive scheme", [self.scheme], SOLVERS)
        if not (self.rtol > 0 and self.atol > 0 and self.max_steps >= 1):
            raise ArgumentError(
                f"Adaptive: expected rtol > 0, atol > 0 and max_steps >= 1, got {self.rtol!r}, {self.atol!r}, "
                f"{self.max_steps!r}."
            )

    def __call__(self, field: Field, x: PyTree, time: Float[Array, ""], interval: Float[Array, ""]) -> PyTree:
        # Clock from 0: in float32 a short interval far from t = 0 would be rounded away.
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, args: field(time + t, y)),
            SOLVERS[self.scheme](),
            t0=0,
            t1=interval,
            dt0=None,
            y0=x,
            stepsize_controller=diffrax.PIDController(rtol=self.rtol, atol=self.atol),
            max_steps=self.max_steps,
            throw=False,
        )
        return _nan_unless(solution.result == diffrax.RESULTS.successful, solution.ys)


def _nan_unless(ok: Array, solved: PyTree) -> PyTree:
    return jax.tree.map(lambda y: jnp.where(ok, y[0], jnp.nan), solved)
