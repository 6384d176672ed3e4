"""What a fit in torch minimises: the objectives of `dynlearn.fitting.objectives.registry`, over tensors."""

import torch

from dynlearn.torch.native.windows import Window


def multi_step(forecast: torch.Tensor, window: Window, scale: torch.Tensor) -> torch.Tensor:
    r"""Mean squared error over the measured values of the horizon, in scaled units.

        L = sum_{k,j} w_kj ((y_kj - yhat_kj) / scale_j)^2 / sum_{k,j} w_kj

    Args:
        forecast: `(batch, horizon, output)`, physical units.
        window: whose last `horizon` samples were forecast.
        scale: of each output.
    """
    y, measured = ahead(window, forecast.shape[-2])
    square = torch.where(measured, (y - forecast) / scale, 0).square().sum()
    return square / measured.sum().clamp(min=1)


def energy(drawn: torch.Tensor, window: Window, scale: torch.Tensor) -> torch.Tensor:
    r"""Energy score of drawn paths at each instant, in scaled units, over the outputs measured there.

        ES = mean_i |y_i - y| - 1/2 mean_{i != j} |y_i - y_j|

    Lowest in expectation for the true distribution. Gneiting, Raftery 2007.

    Args:
        drawn: `(batch, path, horizon, output)`, physical units, at least 2 paths.
        window, scale: as for `multi_step`.
    """
    paths = drawn.shape[1]
    y, measured = ahead(window, drawn.shape[-2])
    drawn, y, observed = drawn / scale, y[:, None] / scale, measured[:, None]
    near = _norm(drawn - y, observed).mean(1)
    apart = _norm(drawn[:, :, None] - drawn[:, None], observed[:, None]).sum((1, 2)) / (paths * (paths - 1))
    counted = measured.any(-1)
    return torch.where(counted, near - apart / 2, 0).sum() / counted.sum().clamp(min=1)


def ahead(window: Window, horizon: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs of the last `horizon` samples, and which of them were measured."""
    return window.output[:, -horizon:], window.observed[:, -horizon:]


def _norm(error: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
    """Euclidean over the measured outputs; the small term keeps the gradient finite at 0."""
    return (torch.where(measured, error, 0).square().sum(-1) + 1e-12).sqrt()
