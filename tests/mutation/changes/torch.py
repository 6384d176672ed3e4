"""Changes of dynlearn/torch."""

from .._change import Change

LOSSES = "tests/torch/test_losses.py"
WINDOWS = "tests/torch/test_windows.py"

CHANGES = [
    Change(
        "the loss counts what was not measured",
        "dynlearn/torch/_losses.py",
        "return square / measured.sum().clamp(min=1)",
        "return square / measured.numel()",
        (LOSSES,),
    ),
    Change(
        "the energy score in torch counts a path against itself",
        "dynlearn/torch/_losses.py",
        "(paths * (paths - 1))",
        "paths**2",
        (LOSSES,),
    ),
    Change(
        "the spread term of the energy score is not halved",
        "dynlearn/torch/_losses.py",
        "near - apart / 2, 0",
        "near - apart, 0",
        (LOSSES,),
    ),
    Change(
        "the loss is taken over the first samples of a window",
        "dynlearn/torch/_losses.py",
        "return window.output[:, -horizon:], window.observed[:, -horizon:]",
        "return window.output[:, :horizon], window.observed[:, :horizon]",
        (LOSSES,),
    ),
    Change(
        "torch scales controls without their mean",
        "dynlearn/torch/_scaling.py",
        "return (u - self.control_mean) / self.control_scale",
        "return u / self.control_scale",
        (LOSSES,),
    ),
    Change(
        "a negative index is the first window",
        "dynlearn/torch/windows.py",
        "np.where(index < 0, index + len(self), index)",
        "np.where(index < 0, 0, index)",
        (WINDOWS,),
    ),
]
