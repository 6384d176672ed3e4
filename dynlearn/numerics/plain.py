"""Settings as plain values: what a compiled program is keyed by, and a file stores."""

from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """A number of numpy as Python's; anything else as it came. The converter of static fields.

    >>> plain(np.int64(3)), plain(np.float32(0.5)), plain(None)
    (3, 0.5, None)
    """
    return value.item() if isinstance(value, np.generic) else value
