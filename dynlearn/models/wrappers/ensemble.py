"""Ensemble: several models of one kind, trained apart, asked together."""

from typing import ClassVar, Self

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key

from dynlearn.contract.foreign import Foreign, as_model
from dynlearn.contract.markers import AbstractMembers
from dynlearn.contract.model import AbstractModel, State
from dynlearn.contract.scaling import Scaling
from dynlearn.contract.signature import Signature
from dynlearn.errors import ArgumentError, check_count
from dynlearn.numerics.distributions.mixture import Mixture
from dynlearn.numerics.fixed import Fixed, is_fixed
from dynlearn.numerics.keys import as_key
from dynlearn.numerics.plain import plain
from dynlearn.parts.cells.cell import AbstractCell
from dynlearn.parts.networks.imported import AbstractImported
from dynlearn.trajectories.window import Window


class Ensemble(AbstractMembers):
    """Members that differ in their initial weights and in the data order they were trained on.

    Their disagreement is the uncertainty of having seen finitely many data. `members` is one model
    whose arrays carry a leading member axis, so that fitting, forecasting and planning run over
    all members in one compiled program. A state holds every member's state.

    Args:
        members: one model whose arrays have a leading axis of length `size`; `Ensemble.of` makes it.
        size: how many members.

    Reference: Lakshminarayanan, Pritzel, Blundell, "Simple and scalable predictive uncertainty
    estimation using deep ensembles", NeurIPS 2017.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("pendulum", runs=2, length=30, key=0)
    >>> model = dl.models.NeuralODE.from_data(ds, width=8, key=0)
    >>> dl.models.Ensemble.of(model, 3, key=0).size
    3
    """

    references: ClassVar[tuple[str, ...]] = ("lakshminarayanan2017simple",)
    members: AbstractModel
    size: int = eqx.field(static=True, converter=plain)

    @classmethod
    def of(cls, model: AbstractModel | Foreign, size: int, key: int | Key[Array, ""] = 0) -> Self:
        """`size` copies of `model`, each network's weights drawn anew by a random permutation and sign.

        Fixed arrays (scaling, error law, fixed dictionaries) are shared.

        Args:
            model: one model, not yet fitted.
            size: how many members, at least 1.
            key: an int or a JAX key, for the draws.

        Returns:
            An ensemble for `dl.fit`, which trains all members at once.

        Raises:
            ArgumentError: an ensemble, something that is no model, or a size below 1.
        """
        model = as_model(model)
        if isinstance(model, Ensemble) or not isinstance(model, AbstractModel):
            raise ArgumentError(f"Ensemble.of: expected a single model, got {type(model).__name__}.")
        check_count("Ensemble.of: size", size, 1)
        keys = jax.random.split(as_key(key), size)
        return cls(eqx.filter_vmap(lambda k: _redrawn(model, k))(keys), int(size))

    @property
    def signature(self) -> Signature:
        """Names, units and sampling, the same of all members."""
        return self.members.signature

    @property
    def scaling(self) -> Scaling:
        """Of the first member, and of every other one."""
        return self.member(0).scaling

    def member(self, index: int) -> AbstractModel:
        """One member alone, as a model of its own family.

        Args:
            index: from 0; negative ones count from the end.

        Raises:
            ArgumentError: an index of no member.
        """
        if not -self.size <= index < self.size:
            raise ArgumentError(f"member: expected an index below {self.size}, got {index}.")
        return jax.tree.map(lambda leaf: leaf[index] if eqx.is_array(leaf) else leaf, self.members)

    @property
    def method(self) -> str:
        return self.members.method

    @property
    def objective(self) -> str:
        return self.members.objective

    @property
    def memory(self) -> int:
        return self.members.memory

    @property
    def required(self) -> int:
        return self.members.required

    def infer(self, past: Window, *, key: Key[Array, ""] | None = None) -> State:
        return self._each(lambda model, k: model.infer(past, key=k), key)

    def step(
        self,
        state: State,
        control: Float[Array, "*ends control"],
        time: Float[Array, ""],
        interval: Float[Array, ""],
        *,
        key: Key[Array, ""] | None = None,
    ) -> State:
        return self._each(lambda model, k, x: model.step(x, control, time, interval, key=k), key, state)

    def observe(self, state: State, control: Float[Array, " control"]) -> Mixture:
        return Mixture(self._each(lambda model, k, x: model.observe(x, control), None, state))

    def _each(self, function, key: Key[Array, ""] | None, *states):
        keys = None if key is None else jax.random.split(key, self.size)
        return eqx.filter_vmap(function)(self.members, keys, *states)


def _redrawn(model: AbstractModel, key: Key[Array, ""]) -> AbstractModel:
    """Every weight matrix of the networks, imported ones included, shuffled and with signs drawn anew.

    Keeps each layer's scale, whatever initialisation the family uses. What a closed form has
    solved for (plain arrays of the model itself) stays.
    """

    def network(node) -> bool:
        return isinstance(node, eqx.nn.Linear | AbstractImported | AbstractCell | Fixed)

    def redraw(node, k):
        if isinstance(node, eqx.nn.Linear):
            return eqx.tree_at(lambda n: n.weight, node, _shuffled(node.weight, k))
        weights = isinstance(node, AbstractImported | AbstractCell)
        return _every(node, k, is_fixed, _shuffled) if weights else node

    return _every(model, key, network, redraw)


def _every(tree, key: Key[Array, ""], is_leaf, change):
    """`tree` with every node changed by `change(node, key)`, keys drawn apart."""
    nodes, structure = jax.tree.flatten(tree, is_leaf=is_leaf)
    keys = jax.random.split(key, len(nodes))
    return jax.tree.unflatten(structure, [change(n, k) for n, k in zip(nodes, keys, strict=True)])


def _shuffled(weight, key: Key[Array, ""]):
    """A matrix (or a stack of them) with its entries in another order and signs drawn anew; anything else as it is."""
    if not eqx.is_inexact_array(weight) or weight.ndim < 2:
        return weight
    for_order, for_sign = jax.random.split(key)
    shuffled = jax.random.permutation(for_order, weight.reshape(-1)).reshape(weight.shape)
    return shuffled * jax.random.rademacher(for_sign, weight.shape, weight.dtype)
