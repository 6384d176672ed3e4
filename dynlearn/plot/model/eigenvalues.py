"""eigenvalues: the spectrum of a model with linear latent dynamics."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dynlearn.errors import ArgumentError
from dynlearn.plot.shared import draw, labels, style


@style.styled
def eigenvalues(model: Any, reference: Any = None) -> Figure:
    r"""Eigenvalues of A in the complex plane with the unit circle, inside of which modes decay.

    Args:
        model: one with linear latent dynamics (a `Koopman`, a linear state-space model).
        reference: eigenvalues to compare with, such as the true ones; shown as crosses.

    Returns:
        A matplotlib figure with one panel.

    Raises:
        ArgumentError: a model without linear latent dynamics.

    >>> import dynlearn as dl
    >>> ds = dl.datasets.load("linear", runs=3, length=40, key=0)
    >>> figure = eigenvalues(dl.models.Koopman.from_data(ds, lifting="identity", key=0))
    >>> figure.axes[0].get_xlabel()
    'real part of $\\lambda$ (per step)'
    """
    if not callable(getattr(model, "eigenvalues", None)):
        raise ArgumentError(
            f"model: expected one with linear latent dynamics, such as dl.models.Koopman, got "
            f"{type(model).__name__}; it has no eigenvalues to show."
        )
    values = np.asarray(model.eigenvalues(), complex)
    figure, axes = style.canvas(width=4.6, height=4.3)
    ax = axes[0, 0]
    draw.unit_circle(ax)
    blue = style.PALETTE[0]
    ax.plot(
        values.real,
        values.imag,
        "o",
        ms=5,
        mfc=blue,
        mec="white",
        mew=0.6,
        alpha=0.9,
        label="model",
        zorder=3,
    )
    if reference is not None:
        known = np.atleast_1d(np.asarray(reference, complex))
        ax.plot(known.real, known.imag, "x", ms=7, mew=1.1, color=style.INK, label="reference", zorder=4)
        labels.legend(figure, ax.lines[-2:], ["model", "reference"])
    ax.set_xlabel(r"real part of $\lambda$ (per step)")
    ax.set_ylabel(r"imaginary part of $\lambda$ (per step)")
    style.note(ax, _summary(model, values))
    return figure


def _summary(model: Any, values: np.ndarray) -> str:
    signature = getattr(model, "signature", None)
    step = (
        f", step {signature.interval:g} {signature.time_unit}".rstrip()
        if signature and signature.interval
        else ""
    )
    return rf"{values.size} values, largest $|\lambda|$ = {np.abs(values).max():.4g}{step}"
