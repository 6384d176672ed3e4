"""SwitchingLinear: several linear regimes with noise, and what makes them change."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Key

from dynlearn.contract.checks.memory import check_memory
from dynlearn.contract.markers import AbstractStochastic
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.contract.state_space import AbstractSwitching
from dynlearn.errors import ArgumentError, check_count, check_known
from dynlearn.filtering.contract import AbstractInference
from dynlearn.filtering.methods.collapsed import Collapsed
from dynlearn.filtering.processes.switching import SwitchingChain
from dynlearn.models.switching import _build as build
from dynlearn.models.switching._belief import SwitchingBelief, inferred, stepped
from dynlearn.models.switching._start import first_guesses
from dynlearn.models.switching.system import SwitchingSystem
from dynlearn.numerics import precision
from dynlearn.numerics.distributions.gaussian import MultivariateGaussian
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.plain import plain
from dynlearn.trajectories.once import one_call
from dynlearn.trajectories.window import Window

SWITCHING = ("markov", "state")


class SwitchingLinear(AbstractSwitching, AbstractStochastic):
    """A linear Gaussian state-space model whose matrices depend on a hidden regime.

        p(z_{k+1} = j | z_k = i, x_k) = softmax_j(L_ij + W_j x_k),                (W = 0: a Markov chain)
        x_{k+1} = A_z x_k + B_z u_k + c_z + w_k,    w ~ N(0, Q_z),    z = z_{k+1},
        y_k     = C_z x_k + d_z + v_k,              v ~ N(0, R_z),    z = z_k,

    in scaled units and discrete time; C, d, R are the same in all regimes unless `per_regime_outputs`. What is
    inferred is a probability of each regime and a Gaussian under each (`Collapsed`: exact with one regime,
    else an approximation; `Enumerated` is exact and for short runs). `dl.filter` and `dl.smooth` give
    the regimes back. Forecasts are drawn paths. Fitted by `SwitchingEM`.

    Objects that interact (graph switching dynamical systems) would stack their states in x; logits and
    outputs already are functions of all of x, and messages along the edges of a graph would
    be one more class beside `dynlearn.filtering.processes.switches.StateDependent`.

    Args:
        signature: names, units, zero hold, and the sampling interval.
        states: size of x.
        regimes: how many.
        switching: "markov", or "state" where the state has a say in what comes next.
        per_regime_outputs: whether C, d, R depend on the regime.
        memory: samples a forecast's state is filtered from.
        regime_names: one per regime; r0, r1, ... unless given.
        scaling: units to compute in.
        key: an int or a JAX key.

    Raises:
        ArgumentError: continuous time, controls with linear hold, sizes that are no positive integers.

    References: Ghahramani, Hinton, "Variational learning for switching state-space models", Neural
    Computation 2000; Murphy, "Switching Kalman filters", 1998; Linderman et al., "Bayesian learning and
    inference in recurrent switching linear dynamical systems", AISTATS 2017; Liu, Magliacane, Kofinas,
    Gavves, "Graph switching dynamical systems", ICML 2023.

    >>> from dynlearn.models import Signature, SwitchingLinear
    >>> model = SwitchingLinear(Signature(("y",), interval=0.1), states=2, regimes=3, key=0)
    >>> model.regime_names, model.matrices()[0]["A"].shape
    (('r0', 'r1', 'r2'), (2, 2))
    """

    references: ClassVar[tuple[str, ...]] = ("ghahramani2000variational", "murphy1998switching")
    signature: Signature = eqx.field(static=True)
    scaling: Scaling
    system: SwitchingSystem
    regime_names: tuple[str, ...] = eqx.field(static=True, default=())
    memory: int = eqx.field(static=True, converter=plain, default=64)

    def __init__(
        self,
        signature: Signature,
        *,
        states: int,
        regimes: int,
        switching: str = "markov",
        per_regime_outputs: bool = False,
        memory: int = 64,
        regime_names: Sequence[str] | None = None,
        scaling: Scaling | None = None,
        key: int | Key[Array, ""],
    ):
        for name, size in (("states", states), ("regimes", regimes)):
            check_count(name, size, 1)
        check_memory(memory)
        _check_switching(switching, per_regime_outputs)
        build.check_signature(signature)
        p, m = signature.outputs, signature.controls
        self.signature = signature.replace(static_names=())
        self.scaling = Scaling.unit(p, m) if scaling is None else scaling
        self.system = SwitchingSystem.random(
            states,
            regimes,
            p,
            m,
            shared=not per_regime_outputs,
            reads_state=switching == "state",
            key=as_key(key),
        )
        self.regime_names = _names(regime_names, regimes)
        self.memory = memory

    @classmethod
    @one_call
    def from_data(
        cls,
        ds: xr.Dataset,
        *,
        regimes: int = 3,
        states: int | None = None,
        switching: str = "markov",
        per_regime_outputs: bool = False,
        memory: int = 64,
        regime_names: Sequence[str] | None = None,
        key: int | Key[Array, ""] = 0,
    ) -> Self:
        """Names, interval and scaling from the training data, and regimes found in them to start a fit from.

        Args:
            ds: the training data, sampled regularly.
            regimes: how many to look for.
            states: size of x; twice the number of outputs unless given.
            switching, per_regime_outputs, memory, regime_names: as in the constructor.
            key: an int or a JAX key; the search for regimes starts from places drawn with it.

        Returns:
            A model with the regimes that were found, for `dl.fit`.

        Raises:
            ArgumentError: controls with linear hold; sizes that are no positive integers.
            SchemaError: irregular sampling.

        >>> import dynlearn as dl
        >>> t = np.arange(200)
        >>> wave = np.where(t % 100 < 50, np.sin(0.2 * t), np.sin(0.9 * t))
        >>> ds = dl.from_arrays(wave[:, None] + 0.01 * np.cos(t**2)[:, None], dt=0.1)
        >>> dl.models.SwitchingLinear.from_data(ds, regimes=2, states=2).transition()["probabilities"].shape
        (2, 2)
        """
        signature = Signature.of(ds, discrete=True).replace(static_names=())
        n = 2 * signature.outputs if states is None else states
        with precision.float64():
            scaling = Scaling.of(ds)
            model = cls(
                signature,
                states=n,
                regimes=regimes,
                switching=switching,
                per_regime_outputs=per_regime_outputs,
                memory=memory,
                regime_names=regime_names,
                scaling=scaling,
                key=key,
            )
            system = model.guesses(ds.dyn.to_device(), as_key(key), 1)[0]
            model = eqx.tree_at(lambda m: m.system, model, system)
        return precision.to_default(model)

    @classmethod
    def from_matrices(
        cls,
        signature: Signature,
        matrices: Sequence[Mapping[str, object]],
        *,
        transition: object,
        initial: Mapping[str, object] | None = None,
        scaling: Scaling | None = None,
        memory: int = 64,
        regime_names: Sequence[str] | None = None,
        fitted: bool = True,
    ) -> Self:
        """A model with matrices that are known, in physical units; the inverse of `matrices()` and `transition()`.

        Args:
            signature: names, units, zero hold, interval.
            matrices: one mapping per regime: "A", "C", "Q", "R", and "B", "c", "d" where they are not zero.
                Outputs are shared where C, d, R are the same in all of them.
            transition: probabilities (regime, regime), rows adding up to 1; or {"logits": L, "W": W} for
                switching that reads the state.
            initial: "m0", "P0" of the state at the first sample of a run (0 and I unless given),
                "probabilities" of its regime (equal unless given).
            scaling: units to compute in, e.g. `Scaling.of(train)`; physical ones unless given.
            memory: samples a forecast's state is filtered from.
            regime_names: r0, r1, ... unless given.
            fitted: whether forecasts are allowed without a fit.

        Returns:
            A model that can be filtered, and with `fitted` forecast, as it is.

        Raises:
            ArgumentError: an unknown name; shapes that do not fit; covariances or probabilities that are none.

        >>> from dynlearn.models import Signature, SwitchingLinear
        >>> calm = {"A": [[0.9]], "C": [[1.0]], "Q": [[0.01]], "R": [[0.1]]}
        >>> wild = calm | {"Q": [[1.0]]}
        >>> stay = [[0.95, 0.05], [0.2, 0.8]]
        >>> model = SwitchingLinear.from_matrices(Signature(("y",), interval=1.0), [calm, wild], transition=stay)
        >>> model.matrices()[1]["Q"]
        array([[1.]])
        """
        build.check_signature(signature)
        p, m = signature.outputs, signature.controls
        with precision.float64():
            scaling = Scaling.unit(p, m) if scaling is None else scaling.for_any_control()
            system = build.given(signature, matrices, transition, initial or {}, scaling)
            system = system.as_fitted(fitted)
            model = cls(
                signature,
                states=system.states,
                regimes=system.regimes,
                memory=memory,
                regime_names=regime_names,
                scaling=scaling,
                key=0,
            )
            model = eqx.tree_at(lambda m: m.system, model, system)
        return precision.to_default(model)

    def guesses(self, runs: Window, key: Key[Array, ""], keep: int) -> list[SwitchingSystem]:
        """Systems of this one's kind and size found in `runs`, to start a fit from; in float64.

        Args:
            runs: the training data on the device.
            key: of the places where the search starts.
            keep: how many systems, at most.
        """
        seed = np.asarray(jax.random.key_data(key))
        return first_guesses(
            runs,
            self.scaling,
            self.system.states,
            self.system.regimes,
            np.random.default_rng(seed),
            shared=self.system.shared,
            reads_state=self.system.switch.reads_state,
            keep=keep,
        )

    @property
    def method(self) -> str:
        return "switching_em"

    @property
    def objective(self) -> str:
        return "marginal_likelihood"

    @property
    def required(self) -> int:
        return 1

    @property
    def inference(self) -> AbstractInference:
        return Collapsed()

    @property
    def coefficients(self) -> int:
        return len(self.state_names)

    @property
    def feedthrough(self) -> bool:
        return False

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(f"x{i}" for i in range(self.system.states))

    def matrices(self) -> list[dict[str, np.ndarray]]:
        """A, B, c, C, d, Q, R of each regime in physical units (the state has none), float64.

        Returns:
            One mapping per regime, in the order of `regime_names`, as `from_matrices` takes them.
        """
        return build.physical(self.system, self.scaling)

    def transition(self) -> dict[str, np.ndarray]:
        """ "probabilities" of a Markov chain, row i of what follows regime i; or "logits" and "W".

        Returns:
            Arrays on the host by name, `(regime, regime)`, and `(regime, state)` for "W".
        """
        return build.transition_of(self.system)

    def process(self, run: Window) -> SwitchingChain:
        return self.system.chain(self.scaling, run)

    def as_fitted(self) -> Self:
        return eqx.tree_at(lambda m: m.system, self, self.system.as_fitted())

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> SwitchingBelief:
        return inferred(self.process(past), key)

    def step(
        self,
        state: SwitchingBelief,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> SwitchingBelief:
        return stepped(self.system, state, self.scaling.control(control), key)

    def observe(self, state: SwitchingBelief, control: Float[Array, " control"]) -> Mixture:
        C, d, R = self.system.emission()
        mean = jnp.einsum("jpn,jn->jp", C, state.mean) + d
        chol = jnp.concatenate([C @ state.chol, R], axis=-1)
        scaling = self.scaling
        return Mixture(
            MultivariateGaussian(scaling.output_inverse(mean), scaling.output_scale[:, None] * chol),
            state.log_weight,
        )


def _check_switching(switching: object, per_regime_outputs: object) -> None:
    check_known("switching", [switching], SWITCHING)
    if not isinstance(per_regime_outputs, bool):
        raise ArgumentError(f"per_regime_outputs: expected True or False, got {per_regime_outputs!r}.")


def _names(names: Sequence[str] | None, regimes: int) -> tuple[str, ...]:
    if names is None:
        return tuple(f"r{j}" for j in range(regimes))
    found = tuple(names)
    if isinstance(names, str) or len(found) != regimes or len(set(found)) != regimes:
        raise ArgumentError(f"regime_names: expected {regimes} different names, got {names!r}.")
    return tuple(map(str, found))
