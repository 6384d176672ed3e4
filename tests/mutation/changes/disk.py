"""Changes of dynlearn/disk."""

from .._change import Change

VALUES = "tests/disk/test_values.py"

CHANGES = [
    Change(
        "every seal is right",
        "dynlearn/disk/seal.py",
        "return body, hashlib.sha256(body).hexdigest().encode() == seal[len(MARK) :]",
        "return body, len(hashlib.sha256(body).hexdigest().encode()) == len(seal[len(MARK) :])",
        (VALUES,),
    ),
    Change(
        "arrays by columns are read by rows",
        "dynlearn/disk/archive.py",
        'order="F" if fortran else "C"',
        'order="C"',
        (VALUES,),
    ),
]
