"""Seals and archives: one flipped bit shows, arrays come back as they were."""

import numpy as np
import pytest

from dynlearn.disk import archive
from dynlearn.disk.seal import sealed, unsealed
from dynlearn.errors import FileFormatError


def test_a_seal_holds_for_its_content_alone():
    whole = sealed(b"some content")
    assert unsealed(whole) == (b"some content", True)
    for place in range(len(b"some content")):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        assert unsealed(bytes(flipped))[1] is False
    assert unsealed(b"some content") == (b"some content", None)


def test_arrays_of_any_order_come_back(tmp_path):
    rows = np.arange(6.0).reshape(2, 3)
    arrays = [rows, np.asfortranarray(rows), np.array(3, np.int32), np.zeros((0, 2), bool)]
    archive.write(tmp_path / "a", "test", 1, {"x": 1}, arrays)
    content, found = archive.read(tmp_path / "a", "test", 1)
    assert content == {"x": 1}
    for one, other in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    with pytest.raises(FileFormatError, match="of format version 2"):
        archive.read(tmp_path / "a", "test", 2)
