"""A matplotlib figure as text inside a page: vector where that is small, pixels where it is not."""

import base64
import io
from typing import Any

from dynlearn.errors import ArgumentError

LARGEST_SVG = 400_000
"""Bytes above which a figure is embedded as PNG."""

DPI, CSS_DPI = 220, 110
"""Pixels per inch of a figure as PNG, and of its place on the page."""


def embedded(figure: Any) -> tuple[str, int, int]:
    """A data address and the size of the figure in CSS pixels."""
    if not callable(getattr(figure, "savefig", None)):
        raise ArgumentError(f"figure: expected a matplotlib Figure, got {type(figure).__name__}")
    width, height = (round(CSS_DPI * inches) for inches in figure.get_size_inches())
    svg = _saved(figure, "svg")
    if len(svg) <= LARGEST_SVG:
        return _address("image/svg+xml", svg), width, height
    return _address("image/png", _saved(figure, "png")), width, height


def _saved(figure: Any, kind: str) -> bytes:
    """The same bytes for the same figure: no date, no ids by chance. The page shows through."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "dynlearn", "svg.fonttype": "path"}):
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata, transparent=True)
    return buffer.getvalue()


def _address(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
