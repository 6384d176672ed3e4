"""The marker of arrays that no gradient moves."""

import equinox as eqx


class Fixed(eqx.Module):
    """Marker: arrays below this node are set in closed form and never moved by a gradient."""
