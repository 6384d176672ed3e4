"""What a simulated system declares, and the verb all of them share."""

import abc

import equinox as eqx
import xarray as xr
from jaxtyping import Array, Float, Key
from numpy.typing import ArrayLike

from dynlearn.datasets.systems._sheet import Sheet
from dynlearn.datasets.systems._simulate import simulate


class AbstractSystem(eqx.Module):
    r"""A system in continuous time, known exactly.

        dx/dt = f(t, x, u)    vector_field
        y     = h(x)          observe

    Three methods to write (`vector_field`, `observe`, `initial`) and a data sheet. The three
    work on one state and can be traced by JAX; callers batch with `jax.vmap`.
    """

    @property
    @abc.abstractmethod
    def sheet(self) -> Sheet:
        """Names, units and time scales."""

    @abc.abstractmethod
    def vector_field(
        self, time: Float[Array, ""], state: Float[Array, " state"], control: Float[Array, " control"]
    ) -> Float[Array, " state"]:
        """dx/dt, per unit of time.

        Args:
            time: in the time unit.
            state: `(state,)`.
            control: held there, `(control,)`.

        Returns:
            `(state,)`, in state units per time unit.
        """

    @abc.abstractmethod
    def observe(self, state: Float[Array, " state"]) -> Float[Array, " output"]:
        """The outputs at a `state`, without measurement noise.

        Returns:
            `(output,)`, in output units.
        """

    @abc.abstractmethod
    def initial(self, key: Key[Array, ""]) -> Float[Array, " state"]:
        """An initial state drawn with `key`, of the kind that a user of the system would meet.

        Returns:
            `(state,)`, in state units.
        """

    @property
    def state_names(self) -> tuple[str, ...]:
        """Of the data sheet, in the order of the state."""
        return tuple(name for name, _ in self.sheet.states)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Of the data sheet, in the order in which `observe` returns them."""
        return tuple(name for name, _ in self.sheet.outputs)

    @property
    def control_names(self) -> tuple[str, ...]:
        """Of the data sheet; none for an autonomous system."""
        return tuple(name for name, _ in self.sheet.controls)

    @property
    def units(self) -> dict[str, str]:
        """From the name of a state, output or control, or "t", to its unit."""
        return {
            "t": self.sheet.time_unit,
            **dict(self.sheet.states + self.sheet.outputs + self.sheet.controls),
        }

    def simulate(
        self,
        runs: int = 10,
        length: int | tuple[int, int] = 200,
        dt: float | None = None,
        *,
        process_noise: ArrayLike = 0.0,
        measurement_noise: ArrayLike = 0.0,
        irregular: bool = False,
        missing: float = 0.0,
        controls: ArrayLike | None = None,
        initial: ArrayLike | None = None,
        key: object = 0,
    ) -> xr.Dataset:
        """Runs of this system under the trajectory schema, with the true states.

        The equations are integrated by the classical Runge-Kutta method in steps of at most `max_step`,
        in JAX's default floating type. Controls are held from each sample to the next.

        Args:
            runs: how many.
            length: samples per run; `(low, high)` draws each length uniformly, both ends included.
            dt: sampling interval in `units["t"]`; None for the system's own.
            process_noise: sigma in dx = f dt + sigma dW, in state units per square root of `units["t"]`; a
                number or one per state. After every integration step of length h, N(0, sigma^2 h) is added to the
                state.
            measurement_noise: standard deviation of the noise on the outputs, in output units; a number or
                one per output.
            irregular: each interval is drawn on its own, uniformly on [0.2 dt, 1.8 dt] (mean `dt`).
            missing: the fraction of output entries that are NaN; each entry is left out independently.
            controls: `(time, control)` for all runs or `(trajectory, time, control)`; None for the excitation in
                the system's data sheet.
            initial: `(state,)` for all runs or `(trajectory, state)`; None draws from the method `initial`.
            key: an int or a JAX key. The same key gives the same runs.

        Returns:
            A dataset with `output`, `state` (free of measurement noise), and `control` if the system has any.

        Raises:
            ArgumentError: an argument out of range or of the wrong shape; a state that stops being finite.
        """
        return simulate(
            self,
            runs=runs,
            length=length,
            dt=dt,
            process_noise=process_noise,
            measurement_noise=measurement_noise,
            irregular=irregular,
            missing=missing,
            controls=controls,
            initial=initial,
            key=key,
        )
