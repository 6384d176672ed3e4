"""Changes of dynlearn/torch."""

from .._change import Change

CHANGES = [
    Change(
        "the loss counts what was not measured",
        "dynlearn/torch/native/_losses.py",
        "return square / measured.sum().clamp(min=1)",
        "return square / measured.numel()",
        ("tests/torch/test_losses.py",),
    ),
    Change(
        "the energy score in torch counts a path against itself",
        "dynlearn/torch/native/_losses.py",
        "(paths * (paths - 1))",
        "paths**2",
        ("tests/torch/test_losses.py",),
    ),
    Change(
        "the spread term of the energy score is not halved",
        "dynlearn/torch/native/_losses.py",
        "near - apart / 2, 0",
        "near - apart, 0",
        ("tests/torch/test_losses.py",),
    ),
    Change(
        "the loss is taken over the first samples of a window",
        "dynlearn/torch/native/_losses.py",
        "return window.output[:, -horizon:], window.observed[:, -horizon:]",
        "return window.output[:, :horizon], window.observed[:, :horizon]",
        ("tests/torch/test_losses.py",),
    ),
    Change(
        "torch scales controls without their mean",
        "dynlearn/torch/native/parts/scaling.py",
        "return (u - self.control_mean) / self.control_scale",
        "return u / self.control_scale",
        ("tests/torch/test_losses.py",),
    ),
    Change(
        "a negative index is the first window",
        "dynlearn/torch/native/windows.py",
        "np.where(index < 0, index + len(self), index)",
        "np.where(index < 0, 0, index)",
        ("tests/torch/test_windows.py",),
    ),
]
