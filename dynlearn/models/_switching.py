"""The marker of models whose state-space changes between regimes."""

import abc

from dynlearn.models._state_space import AbstractStateSpace


class AbstractSwitching(AbstractStateSpace):
    """Marker: a hidden regime beside the state; the components of every belief are the regimes, in order."""

    @property
    @abc.abstractmethod
    def regime_names(self) -> tuple[str, ...]:
        """One per regime."""
