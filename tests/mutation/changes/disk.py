"""Changes of dynlearn/disk."""

from .._change import Change

CHANGES = [
    Change(
        "every seal is right",
        "dynlearn/disk/seal.py",
        "return body, hashlib.sha256(body).hexdigest().encode() == seal[len(MARK) :]",
        "return body, len(hashlib.sha256(body).hexdigest().encode()) == len(seal[len(MARK) :])",
        ("tests/disk/test_values.py",),
    ),
    Change(
        "arrays by columns are read by rows",
        "dynlearn/disk/archive.py",
        'order="F" if fortran else "C"',
        'order="C"',
        ("tests/disk/test_values.py",),
    ),
]
