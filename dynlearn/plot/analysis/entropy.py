"""entropy: how much a symbolic code says, and with every further symbol."""

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dynlearn.plot.analysis import _found
from dynlearn.plot.shared import labels, style


@style.styled
def entropy(entropy: xr.Dataset) -> Figure:
    """Block entropies over the length of the words, and below them the rates, with the entropies they lead to.

    What is right of the dotted line was not seen often enough to be believed.

    Args:
        entropy: what `dl.analysis.entropy` returns.

    Returns:
        A matplotlib figure with two panels.

    Raises:
        ArgumentError: another dataset.

    >>> import dynlearn as dl, numpy as np
    >>> figure = entropy(dl.analysis.entropy(np.random.default_rng(0).integers(2, size=4000)))
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['metric 0.693', 'topological 0.693', 'of the graph 0.693']
    """
    found = _found.checked(entropy, "entropy", "block", "rate", "metric", "topological", "graph")
    figure, axes = style.canvas(2, width=4.8, height=4.0, sharex=True)
    length, believed = found["length"].values, found.attrs["length"]
    above, below = axes[:, 0]
    above.plot(length, found["block"].values, marker="o", ms=3, mew=0, gid="block")
    below.plot(length, found["rate"].values, marker="o", ms=3, mew=0, gid="rate")
    named = {"metric": "metric", "topological": "topological", "graph": "of the graph"}
    lines = [
        below.axhline(float(found[name]), color=style.color_of(i + 1), lw=1.0, ls=(0, (4, 2)), gid=name)
        for i, name in enumerate(named)
    ]
    labels.legend(figure, lines, [f"{text} {float(found[name]):.3g}" for name, text in named.items()])
    for ax in (above, below):
        ax.axvline(believed, color=style.INK, lw=0.8, ls=(0, (1, 2)), gid="believed", zorder=1.2)
        ax.set_ylim(bottom=0)
    style.above(above, "entropy of a word (nats)")
    style.above(below, "of one more symbol (nats per step)")
    below.set_xlabel("length of the word (symbols)")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure
