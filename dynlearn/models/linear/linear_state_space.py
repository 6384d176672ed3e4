"""LinearStateSpace: linear dynamics with noise in the state and in the outputs; inference is exact."""

from collections.abc import Mapping
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Complex, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.linear_gaussian import AbstractLinearGaussian, Emission, Transition
from dynlearn.contract.markers import AbstractLinearLatent
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count
from dynlearn.models.linear import build
from dynlearn.models.linear._belief import Belief, inferred, observed, stepped
from dynlearn.models.linear.independent import Independent
from dynlearn.models.linear.structural.piece import Piece, Pieces
from dynlearn.models.linear.structural.system import StructuralSystem
from dynlearn.numerics import precision
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.plain import plain
from dynlearn.parts.transitions.linear_systems import AbstractSystem, MatrixSystem
from dynlearn.trajectories.device.alike import on_device
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window


class LinearStateSpace(AbstractLinearGaussian, AbstractLinearLatent):
    """A linear Gaussian state-space model.

        x_{k+1} = A x_k + B u_k + c + w_k,   w ~ N(0, Q),      x_0 ~ N(m0, P0),
        y_k     = C x_k + D u_k + v_k,       v ~ N(0, R),

    in scaled units; or in continuous time dx = (A x + B u + c) dt + L dW, L L^T = Q, taken over each
    interval exactly, for zero- and first-order hold. Filtering, smoothing, likelihood and
    forecasts are exact: any pattern of missing outputs, any lengths, in continuous time any
    instants. `infer` is the Kalman filter over the last `memory` samples, started from N(m0, P0).

    Build one with `from_data` and fit it (by `EM`, or by maximum likelihood where a parametrisation
    is constrained), `from_matrices`, or `of` with pieces of `dl.models.structural`.

    Args:
        signature: names, units and hold; its `interval` is None in continuous time.
        scaling: units in which `system` is.
        system: the parametrisation.
        interval: what `A`, `B`, `c` step across, in the time unit: the sampling interval, or in
            continuous time the training data's median one.
        memory: samples `infer` filters over.
        fitted: whether forecasts are allowed.

    References: Kalman 1960; Rauch, Tung, Striebel 1965; Durbin, Koopman, "Time series analysis by
    state space methods", 2nd ed. 2012.

    >>> import dynlearn as dl
    >>> ds = dl.from_arrays(np.sin(0.3 * np.arange(50))[:, None], dt=0.1)
    >>> model = dl.models.LinearStateSpace.from_data(ds, states=2)
    >>> sorted(model.matrices()), model.eigenvalues().shape
    (['A', 'B', 'C', 'D', 'P0', 'Q', 'R', 'm0'], (2,))
    """

    references: ClassVar[tuple[str, ...]] = ("durbin2012time",)
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    system: AbstractSystem
    interval: float = eqx.field(static=True, converter=plain)
    memory: int = eqx.field(static=True, converter=plain, default=64)
    fitted: bool = eqx.field(static=True, converter=plain, default=False)

    @classmethod
    @one_call
    def from_data(
        cls,
        ds: xr.Dataset,
        *,
        states: int | None = None,
        continuous: bool | None = None,
        feedthrough: bool | None = None,
        stable: bool = False,
        memory: int = 64,
        key: object = 0,
    ) -> Self:
        """Names, scaling and a first guess of the matrices from the training data.

        Args:
            ds: the training data.
            states: size of x; unless given twice the number of outputs that change and copy no other.
            continuous: continuous time, or discrete. None: discrete time, and where sampling is not
                regular it must be said.
            feedthrough: whether outputs depend on the control of their own instant (D); None: only in
                discrete time under linear hold, where the interval's far end acts like it.
            stable: every A a fit can reach is stable.
            memory: samples a forecast's state is filtered from.
            key: accepted as every family's is, and not used.

        Returns:
            A model with guessed matrices, for `dl.fit`.

        Raises:
            ArgumentError: irregular sampling and no word on `continuous`; sizes that are no positive integers.
        """
        if states is not None:
            check_count("states", states, 1)
        check_memory(memory)
        signature, interval = build.sampled(ds, continuous)
        if feedthrough is None:
            feedthrough = signature.discrete and signature.hold.known_at_end and signature.controls > 0
        with precision.float64():
            scaling = Scaling.of(ds)
            own = Independent.of(ds, scaling)
            n = 2 * max(1, len(own.kept)) if states is None else states
            options = {"feedthrough": feedthrough, "stable": stable}
            if own.all or not own.kept:
                system = build.guessed(on_device(ds), scaling, n, signature, interval, **options)
            else:
                runs = on_device(own.select(ds))
                system = own.system(
                    build.guessed(runs, own.scaling(scaling), n, signature, interval, **options)
                )
        return precision.to_default(cls(signature, scaling, system, interval, memory))

    @classmethod
    def from_matrices(
        cls,
        signature: Signature,
        matrices: Mapping[str, object],
        *,
        offsets: Mapping[str, object] | None = None,
        scaling: Scaling | None = None,
        interval: float | None = None,
        stable: bool = False,
        memory: int = 64,
        fitted: bool = True,
    ) -> Self:
        """A model with matrices that are known, in physical units; the inverse of `matrices()` and `offsets()`.

        Args:
            signature: names, units, hold; with `interval` in discrete time, without in continuous time.
            matrices: "A", "C", "Q", "R", and "B", "D", "m0", "P0" where they are not zero (P0: where it
                is not the identity). Shapes (state, state), (output, state), ...; in continuous time A,
                B, Q per time unit.
            offsets: "c" (of the state) and "d" (of the outputs), zero unless given.
            scaling: units to compute in, e.g. `Scaling.of(train)`; its output means are moved to where
                the offsets vanish. None: physical units.
            interval: in continuous time, what `A` and `eigenvalues()` step across; 1 unless given.
            stable: keep A stable in a later fit (an unstable one is made stable, in other coordinates).
            memory: samples a forecast's state is filtered from.
            fitted: whether forecasts are allowed without a fit.

        Returns:
            A model that can be filtered, and with `fitted` forecast, as it is.

        Raises:
            ArgumentError: an unknown name; shapes that do not fit each other or the signature; numbers that are not
                finite; covariances that are none.

        >>> from dynlearn.models import LinearStateSpace, Signature
        >>> walk = {"A": [[1.0]], "C": [[1.0]], "Q": [[0.1]], "R": [[1.0]], "P0": [[100.0]]}
        >>> LinearStateSpace.from_matrices(Signature(("y",), interval=1.0), walk).matrices()["R"]
        array([[1.]])
        """
        check_memory(memory)
        with precision.float64():
            scaling, system = build.given(
                signature, matrices, offsets or {}, scaling, 1.0 if interval is None else interval, stable
            )
        crossed = signature.interval or interval or 1.0
        return precision.to_default(cls(signature, scaling, system, float(crossed), memory, fitted))

    @classmethod
    def of(cls, pieces: Piece | Pieces, ds: xr.Dataset, *, memory: int | None = None) -> Self:
        """A structural model: the sum of `dl.models.structural` pieces, for one output at regular sampling.

        Args:
            pieces: e.g. `structural.Trend() + structural.Seasonal(12)`.
            ds: the training data: names, units, scaling.
            memory: samples a forecast's state is filtered from; None: as many as the longest run has,
                from 64 to 512, because a season that hardly changes is known from all of them.

        Raises:
            ArgumentError: several outputs; what is no sum of pieces.

        Fitted by `MaximumLikelihood`; `structural.parameters(model)` then gives what it found.
        """
        signature, interval = build.sampled(ds, False)
        if signature.outputs != 1:
            raise ArgumentError(
                f"LinearStateSpace.of: a structural model has one output, the data {list(signature.output_names)}; "
                f"select one, e.g. ds.sel(output_name=[{signature.output_names[0]!r}])."
            )
        if memory is not None:
            check_memory(memory)
        with precision.float64():
            scaling = Scaling.of(ds)
            system = StructuralSystem.of(pieces, scaling, signature.controls)
        model = cls(
            signature, scaling, system, interval, memory or int(np.clip(ds.dyn.lengths.max(), 64, 512))
        )
        return precision.to_default(model)

    @property
    def method(self) -> str:
        return "em" if build.free(self.system) else "maximum_likelihood"

    @property
    def objective(self) -> str:
        return "marginal_likelihood"

    @property
    def required(self) -> int:
        return 1

    @property
    def state_names(self) -> tuple[str, ...]:
        return self.system.state_names

    @property
    def coefficients(self) -> int:
        # A structural model's states have no coefficients.
        return len(self.state_names) if isinstance(self.system, MatrixSystem) else 0

    @property
    def feedthrough(self) -> bool:
        return self.system.feedthrough

    @property
    def A(self) -> Float[Array, "state state"]:
        """Of the step across `interval`, `(state, state)`, in scaled units as B, c, C, D are."""
        return self._nominal.F

    @property
    def B(self) -> Float[Array, "state control"]:
        """Of the step across `interval`, `(state, control)`, the control held."""
        return self._nominal.G

    @property
    def c(self) -> Float[Array, " state"]:
        """Of the step across `interval`, `(state,)`."""
        return self._nominal.c

    @property
    def C(self) -> Float[Array, "output state"]:
        """Of the outputs, `(output, state)`."""
        return self.emission().C

    @property
    def D(self) -> Float[Array, "output control"]:
        """Of the outputs, `(output, control)`; zero without feed-through."""
        return self.emission().D

    @property
    def _nominal(self) -> Transition:
        return self.transition(jnp.asarray(self.interval))

    def latent(self, state: Belief) -> Float[Array, " state"]:
        return state.mean

    def rates(self) -> Complex[np.ndarray, " state"]:
        """Growth (real part) and angular frequency, per time unit; in continuous time straight from the drift."""
        if not self.system.continuous:
            with np.errstate(divide="ignore"):
                return np.log(self.eigenvalues()) / self.interval
        values = np.linalg.eigvals(self.matrices()["A"])
        return values[np.argsort(-values.real, kind="stable")].astype(complex)

    def matrices(self) -> dict[str, np.ndarray]:
        """A, B, C, D, Q, R, m0, P0 in physical units (the state has none), float64; `offsets` are apart.

        In continuous time A, B and Q are those of dx = (A x + B u + c) dt + dW, per time unit.

        Returns:
            Arrays on the host by name, shapes as `from_matrices` takes them.
        """
        return build.physical(self.system, self.scaling)[0]

    def offsets(self) -> dict[str, np.ndarray]:
        """c and d of x' = A x + B u + c, y = C x + D u + d, in physical units.

        Returns:
            "c" `(state,)` and "d" `(output,)`, on the host.
        """
        return build.physical(self.system, self.scaling)[1]

    def initial(self) -> tuple[Float[Array, " state"], Float[Array, "state state"]]:
        return self.system.initial()

    def transition(self, interval: Float[Array, ""]) -> Transition:
        return self.system.transition(interval)

    def emission(self) -> Emission:
        return self.system.emission()

    def as_fitted(self) -> Self:
        return type(self)(self.signature, self.scaling, self.system, self.interval, self.memory, True)

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> Belief:
        return inferred(self, past, key)

    def step(
        self,
        state: Belief,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> Belief:
        return stepped(self, state, control, interval, key)

    def observe(self, state: Belief, control: Float[Array, " control"]) -> MultivariateGaussian:
        return observed(self, state, control)
