"""Networks as they occur in learned dynamics."""

import math

import torch
from torch import nn

from tests.torch.rows import Case, draw


class FieldOfTime(nn.Module):
    """torchdiffeq's convention, forward(t, x), with features of time."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, t, x):
        clock = torch.stack([torch.sin(2 * math.pi * t), torch.cos(2 * math.pi * t)])
        return self.net(torch.cat([x, clock]))


class FieldWithControls(nn.Module):
    """forward(t, x, u) with a bilinear term in the control."""

    def __init__(self):
        super().__init__()
        self.drift = nn.Sequential(nn.Linear(3, 8), nn.Softplus(), nn.Linear(8, 3))
        self.gain = nn.Bilinear(3, 2, 3)

    def forward(self, t, x, u):
        return self.drift(x) + self.gain(x, u) - 0.1 * t * x


class Pendulum(nn.Module):
    """A physical law with learned constants, one frozen, and a buffer."""

    def __init__(self):
        super().__init__()
        self.damping = nn.Parameter(torch.tensor(0.1))
        self.length = nn.Parameter(torch.tensor(1.3))
        self.mass = nn.Parameter(torch.tensor(2.0), requires_grad=False)
        self.register_buffer("gravity", torch.tensor(9.81))
        self.register_buffer("scratch", torch.tensor([1.0, 2.0]), persistent=False)

    def forward(self, x, u):
        angle, rate = x[..., 0], x[..., 1]
        torque = u[..., 0] / (self.mass * self.length**2)
        acceleration = -self.gravity / self.length * torch.sin(angle) - self.damping * rate + torque
        return torch.stack([rate, acceleration], dim=-1) * self.scratch


class SecondOrder(nn.Module):
    """x'' = f(x, x') in a vector of positions and velocities."""

    def __init__(self):
        super().__init__()
        self.force = nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 2))

    def forward(self, x):
        q, v = x.chunk(2, dim=-1)
        return torch.cat([v, self.force(torch.cat([q, v], -1))], -1)


class PortHamiltonian(nn.Module):
    """(J - R(x)) dH with J skew, R a Gram matrix, and the gradient of H written out."""

    def __init__(self):
        super().__init__()
        self.skew, self.root, self.net = nn.Parameter(torch.randn(3, 3)), nn.Linear(3, 9), nn.Linear(3, 5)

    def forward(self, x):
        gradient = self.net.weight.T @ torch.tanh(self.net(x))
        L = torch.tril(self.root(x).view(3, 3))
        return (self.skew - self.skew.T - L @ L.mT) @ gradient


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4)) for _ in range(3)
        )

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


class FiLM(nn.Module):
    """Scale and shift of the features, made from context."""

    def __init__(self):
        super().__init__()
        self.context, self.inside, self.out = nn.Linear(2, 12), nn.Linear(3, 6), nn.Linear(6, 3)

    def forward(self, x, c):
        scale, shift = self.context(c).split(6, dim=-1)
        return self.out(torch.tanh(self.inside(x) * (1 + scale) + shift))


class Hypernet(nn.Module):
    """A network that makes the weights of another, per element of a batch."""

    def __init__(self):
        super().__init__()
        self.maker = nn.Linear(2, 3 * 3 + 3)

    def forward(self, x, c):
        made = self.maker(c)
        weight, bias = made[:, :9].reshape(-1, 3, 3), made[:, 9:]
        return torch.einsum("bij,bj->bi", weight, x) + bias


class GRUStep(nn.Module):
    """A step map with a hidden state, returned beside the output in a dict."""

    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.GRUCell(3, 5), nn.Linear(5, 3)

    def forward(self, state, u):
        x, h = state
        h = self.cell(torch.cat([x[:2], u])[None], h[None])[0]
        return {"y": x + self.out(h), "state": (x, [h])}


class Tokens(nn.Module):
    """Attention over the parts of a state, as in models of interacting bodies."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(2, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, x):
        tokens = self.embed(x.view(1, 3, 2))
        mixed, weights = self.attention(tokens, tokens, tokens)
        return self.out(tokens + mixed).flatten(), weights


class Tied(nn.Module):
    """Encoder and decoder share their matrix; one linear layer is used under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)
        self.second.weight = self.first.weight
        self.third = self.first

    def forward(self, x):
        return self.third(torch.relu(self.second(self.first(x)))) @ self.first.weight


class Stopped(nn.Module):
    """Gradients that are stopped: detach, and a no_grad block."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x):
        with torch.no_grad():
            target = self.linear(x)
            shifted = target + 1
        return self.linear(x) * target + x.detach() * x, shifted + x


class InPlace(nn.Module):
    """Writing into own tensors, which is traced into pure operations."""

    def forward(self, x):
        out = x.new_zeros(4, 3)
        out[0] = x[0]
        out[1:3, 1] = x[1:, 2] * 2
        out[torch.tensor([3, 3]), torch.tensor([0, 2])] += x[0, :2]
        y = x.clone()
        y[y > 0] = 0.5
        y.mul_(2).add_(1)
        return out, y


class Branch(nn.Module):
    """A choice made by data the way that can be traced, and a constant table looked up."""

    def forward(self, x):
        table = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
        row = table[(x.sum() > 0).long()]
        return torch.where(x > 0, x * row, -x), x.new_ones(2), [x.shape[0], None]


class Lorenz(nn.Module):
    def __init__(self):
        super().__init__()
        self.constants = nn.Parameter(torch.tensor([10.0, 28.0, 8 / 3]))

    def forward(self, x):
        (a, b, c), (s, r, m) = x.unbind(), self.constants.unbind()
        return torch.stack([s * (b - a), a * (r - c) - b, a * b - m * c])


class Koopman(nn.Module):
    """A lifted linear step with a matrix exponential."""

    def __init__(self):
        super().__init__()
        self.lift, self.generator = nn.Linear(2, 3), nn.Parameter(torch.randn(3, 3) / 3)

    def forward(self, x, dt):
        return torch.linalg.matrix_exp(self.generator * dt) @ torch.cat([x, self.lift(x)])[:3]


class RungeKutta(nn.Module):
    """A step of an integrator unrolled in the module."""

    def __init__(self):
        super().__init__()
        self.field = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 2))

    def forward(self, x, dt):
        for _ in range(2):
            k1 = self.field(x)
            k2 = self.field(x + dt / 2 * k1)
            x = x + dt * k2
        return x


def weight_norm() -> nn.Module:
    return nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))


def spectral_norm() -> nn.Module:
    return nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))


def orthogonal() -> nn.Module:
    return nn.utils.parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="cayley")


NETWORKS = {
    "mlp": Case(lambda: nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 3)), draw(3)),
    "field of time": Case(FieldOfTime, draw((), 2)),
    "field with controls": Case(FieldWithControls, draw((), 3, 2)),
    "pendulum": Case(Pendulum, draw(2, 1)),
    "lorenz": Case(Lorenz, draw(3)),
    "second order": Case(SecondOrder, draw((5, 4))),
    "port hamiltonian": Case(PortHamiltonian, draw(3)),
    "residual": Case(Residual, draw(4)),
    "film": Case(FiLM, draw(3, 2)),
    "hypernet": Case(Hypernet, draw((4, 3), (4, 2))),
    "gru step": Case(GRUStep, lambda: ((torch.randn(3), torch.randn(5)), torch.randn(1))),
    "tokens": Case(Tokens, draw(6)),
    "tied": Case(Tied, draw(3)),
    "stopped": Case(Stopped, draw(3)),
    "in place": Case(InPlace, draw((3, 3))),
    "branch": Case(Branch, draw(2)),
    "koopman": Case(Koopman, draw(2, ())),
    "runge kutta": Case(RungeKutta, draw(2, ())),
    "weight norm": Case(weight_norm, draw(3)),
    "spectral norm": Case(spectral_norm, draw(3)),
    "orthogonal": Case(orthogonal, draw(3)),
}
