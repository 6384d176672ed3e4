"""Operations by group, written as users write them."""

import math

import torch
import torch.nn.functional as F

from tests.torch.rows import All, Case, draw, positive

# fmt: off
FUNCTIONS = {
    "unary": Case(
        lambda: All(
            torch.sin, torch.cos, torch.tan, torch.exp, torch.expm1, torch.sinh, torch.cosh, torch.erf,
            torch.erfc, torch.atan, torch.asinh, torch.floor, torch.ceil, torch.trunc, torch.round,
            torch.frac, torch.neg, torch.square, torch.exp2, torch.sinc, torch.nan_to_num, torch.deg2rad,
            torch.positive,
        ),
        draw(12),
    ),
    "unary positive": Case(
        lambda: All(
            torch.log, torch.log1p, torch.log2, torch.log10, torch.sqrt, torch.rsqrt, torch.reciprocal,
            torch.asin, torch.acos, torch.atanh, torch.logit, torch.lgamma, torch.digamma, torch.erfinv,
            lambda x: torch.acosh(1 + x), torch.special.entr, torch.special.ndtr,
        ),
        positive(12),
    ),
    "binary": Case(
        lambda: All(
            torch.atan2, torch.maximum, torch.minimum, torch.fmax, torch.fmin, torch.hypot, torch.remainder,
            torch.fmod, torch.logaddexp, torch.logaddexp2, torch.copysign, torch.sub, torch.dist, torch.xlogy,
            torch.rsub, lambda x, y: torch.lerp(x, y, 0.3), lambda x, y: torch.add(x, y, alpha=2),
            lambda x, y: torch.addcmul(x, x, y, value=0.5), lambda x, y: torch.addcdiv(x, x, y, value=0.5),
            lambda x, y: 2 / x - 3 * y + 1,
        ),
        lambda: (torch.randn(3, 4), torch.rand(4) + 0.5),
    ),
    "ties": Case(
        lambda: All(
            torch.maximum, torch.minimum, torch.fmax, torch.max, lambda x, y: x.max(), lambda x, y: x.amax(),
            lambda x, y: x.min(0).values, lambda x, y: (x - y).norm(),
            lambda x, y: torch.clamp(x, y), lambda x, y: (x * 0).std(),
        ),
        lambda: (torch.tensor([1.0, 2, 2, 0]), torch.tensor([1.0, 2, 3, 0])),
    ),
    "powers": Case(
        lambda: All(
            lambda x, p: x ** 2, lambda x, p: x ** 3.0, lambda x, p: x ** (-1), lambda x, p: p ** 0.5,
            lambda x, p: p ** x, lambda x, p: 2 ** x, lambda x, p: x ** 0,
            lambda x, p: torch.float_power(p, 1.5), lambda x, p: x.pow(2.0) * p.pow(-0.5),
            lambda x, p: 1.0 ** x,
        ),
        lambda: (torch.randn(5), torch.rand(5) + 0.1),
    ),
    "division": Case(
        lambda: All(
            lambda x, y, i, j: [torch.div(x, y, rounding_mode=mode) for mode in (None, "floor", "trunc")],
            lambda x, y, i, j: [torch.div(i, j, rounding_mode=mode) for mode in (None, "floor", "trunc")],
            lambda x, y, i, j: [torch.div(x, 0.3, rounding_mode=mode) for mode in (None, "floor", "trunc")],
            lambda x, y, i, j: (i // j, i % j, torch.fmod(i, j), i / j),
            lambda x, y, i, j: (x.detach() // y.detach(), x % -0.3),
        ),
        lambda: (torch.randn(6), torch.randn(6), torch.arange(-3, 3), torch.tensor([2, -2, 4, -4, 2, -2])),
    ),
    "integers": Case(
        lambda: All(
            lambda i, b: i + 1.5, lambda i, b: i * b, lambda i, b: i & 3, lambda i, b: ~b, lambda i, b: i ^ 1,
            lambda i, b: b.sum(), lambda i, b: i.float().mean(), lambda i, b: i.sum() + b.long(),
            lambda i, b: i << 1, lambda i, b: i.abs() ** 2, lambda i, b: b.cumsum(0),
            lambda i, b: i.to(torch.int32) * 2, lambda i, b: i.bool(),
        ),
        lambda: (torch.arange(-2, 3), torch.tensor([True, False, True, True, False])),
    ),
    "comparisons": Case(
        lambda: All(
            lambda x, y: x * (x > y) + y * (x <= y),
            lambda x, y: torch.where((x < 0) & (y != 0.3) | (x == y), x, y),
            lambda x, y: x.masked_fill(x >= 0.5, -1.0), lambda x, y: torch.logical_xor(x > 0, y > 0),
            lambda x, y: torch.isnan(x) | torch.isinf(y) | ~torch.isfinite(x),
            lambda x, y: torch.where(x > 0, x, 0.0), lambda x, y: torch.isclose(x, y),
            lambda x, y: torch.heaviside(x.detach(), y.detach()), lambda x, y: torch.signbit(x),
        ),
        draw((3, 4), (3, 4)),
    ),
    "reductions": Case(
        lambda: All(
            torch.sum, torch.mean, torch.var, torch.std, torch.amax, torch.amin, torch.prod, torch.norm,
            torch.argmax, torch.median, lambda x: x.sum((0, -1)), lambda x: x.mean(1, keepdim=True),
            lambda x: x.var(0, correction=0), lambda x: x.std(-1, keepdim=True),
            lambda x: torch.var_mean(x, 1), lambda x: torch.std_mean(x), lambda x: x.prod(1),
            lambda x: x.logsumexp((0, 1)), lambda x: x.argmin(0, keepdim=True), lambda x: (x > 0).any(1),
            lambda x: (x > -9).all(), lambda x: x.amax((0, 2)), lambda x: torch.aminmax(x),
            lambda x: x.count_nonzero(0), lambda x: x.nansum(), lambda x: x.median(-1),
        ),
        draw((2, 3, 4)),
    ),
    "norms": Case(
        lambda: All(
            lambda x: x.norm(), lambda x: x.norm(dim=1), lambda x: x.norm(p=1, dim=0), lambda x: x.norm(p=3),
            lambda x: torch.linalg.vector_norm(x, math.inf, dim=1), lambda x: torch.linalg.norm(x),
            lambda x: torch.linalg.vector_norm(x, -math.inf), lambda x: torch.linalg.vector_norm(x, 0, dim=0),
            lambda x: torch.linalg.matrix_norm(x, 1), lambda x: F.normalize(x, dim=1),
            lambda x: (x * 0).norm(),
        ),
        draw((3, 4)),
    ),
    "running": Case(
        lambda: All(
            lambda x: x.cumsum(1), lambda x: x.cumprod(-1),
            lambda x: x.cumsum(0) / torch.arange(1, 4)[:, None], lambda x: x.logcumsumexp(1),
            lambda x: x.cummax(0), lambda x: x.diff(dim=1), lambda x: torch.trapezoid(x, dx=0.1),
            lambda x: x.flip((0, 1)).cumsum(0),
        ),
        draw((3, 4)),
    ),
    "products": Case(
        lambda: All(
            lambda a, b, c, v: a @ b, lambda a, b, c, v: torch.bmm(c, c.mT), lambda a, b, c, v: a @ v,
            lambda a, b, c, v: v @ v, lambda a, b, c, v: torch.addmm(a @ b, a, b, beta=0.5, alpha=2),
            lambda a, b, c, v: torch.baddbmm(c @ c.mT, c, c.mT), lambda a, b, c, v: torch.outer(v, v),
            lambda a, b, c, v: torch.einsum("ij,kij,j->ki", a, c, v),
            lambda a, b, c, v: torch.tensordot(a, b, 1), lambda a, b, c, v: torch.kron(a, b),
            lambda a, b, c, v: c @ v, lambda a, b, c, v: torch.addmv(a @ v, a, v),
            lambda a, b, c, v: torch.linalg.multi_dot([a, b, a]),
            lambda a, b, c, v: torch.linalg.cross(a, a + 1),
        ),
        draw((2, 3), (3, 2), (2, 2, 3), 3),
    ),
    "matrices": Case(
        lambda: All(
            torch.linalg.inv, torch.linalg.det, torch.linalg.slogdet, torch.matrix_exp, torch.trace,
            torch.diag, torch.tril, lambda a: a.triu(1), lambda a: torch.linalg.solve(a, a[0]),
            lambda a: torch.linalg.solve(a, a @ a), lambda a: torch.linalg.solve(a, a.T, left=False),
            lambda a: torch.linalg.cholesky(a @ a.T),
            lambda a: torch.linalg.solve_triangular(a.triu(), a, upper=True),
            lambda a: torch.linalg.solve_triangular(a.tril(), a, upper=False, left=False),
            lambda a: torch.linalg.matrix_power(a, 3), lambda a: torch.block_diag(a, a),
            lambda a: torch.linalg.eigvalsh(a + a.T), torch.diag_embed, lambda a: a.diagonal(1),
        ),
        lambda: (torch.randn(3, 3) / 4 + torch.eye(3),),
    ),
    "shapes": Case(
        lambda: All(
            lambda x: x.reshape(-1, 2), lambda x: x.permute(2, 0, 1),
            lambda x: x.transpose(0, -1).contiguous().view(6, 2), lambda x: x.squeeze(0),
            lambda x: x.unsqueeze(-2), lambda x: x[:, :1].expand(-1, 3, -1), lambda x: x.repeat(2, 1, 1),
            lambda x: x.tile(2), lambda x: torch.stack([x, x], -1), lambda x: torch.cat([x, x[:1]], 1),
            lambda x: x.split(2, -1), lambda x: x.split([1, 3], 2), lambda x: x.chunk(2, 1),
            lambda x: x.unbind(1), lambda x: x.flip(0, 2), lambda x: x.roll(1),
            lambda x: x.roll((1, -2), (1, 2)), lambda x: x.flatten(1), lambda x: x.movedim(0, 2),
            lambda x: F.pad(x, (1, 2)), lambda x: x.unfold(2, 2, 1), lambda x: torch.atleast_2d(x[0, 0]),
            lambda x: x.repeat_interleave(2, 1), lambda x: torch.rot90(x[0]), lambda x: torch.hstack([x, x]),
            lambda x: x.view_as(x), lambda x: x.swapaxes(0, 1),
            lambda x: torch.meshgrid(x[0, 0], x[0, 1], indexing="ij"),
            lambda x: torch.broadcast_to(x, (2, 3, 4)),
        ),
        draw((1, 3, 4)),
    ),
    "indexing": Case(
        lambda: All(
            lambda x, i: x[1], lambda x, i: x[-1, 1:], lambda x, i: x[:, ::2], lambda x, i: x[i],
            lambda x, i: x[:, i], lambda x, i: x[i, i], lambda x, i: x[i - 3],
            lambda x, i: x.index_select(1, i), lambda x, i: x.gather(1, i[:, None]),
            lambda x, i: torch.take_along_dim(x, i[None], 1), lambda x, i: x.narrow(0, 1, 2),
            lambda x, i: x.select(1, -1), lambda x, i: x[..., None, -2:], lambda x, i: F.one_hot(i, 4) * x,
            lambda x, i: torch.take(x, i), lambda x, i: x[1:-1].mean(),
        ),
        lambda: (torch.randn(3, 4), torch.tensor([2, 0, 0])),
    ),
    "writing": Case(
        lambda: All(
            lambda x, i, s: x.scatter(1, i, s), lambda x, i, s: x.scatter_add(0, i, s),
            lambda x, i, s: x.scatter(0, i, 0.7), lambda x, i, s: x.index_put((i[0],), s[0, 0]),
            lambda x, i, s: x.index_put((i[0], i[1]), s[0, :2], accumulate=True),
            lambda x, i, s: x.index_add(0, i[0], x[:2], alpha=2),
            lambda x, i, s: x.scatter_reduce(0, i, s, "amax"),
            lambda x, i, s: x.scatter_reduce(0, i, s, "sum", include_self=False),
            lambda x, i, s: x.scatter_reduce(0, i, s, "mean"),
            lambda x, i, s: torch.slice_scatter(x, x[:2] * 2, 0, 1, 3),
            lambda x, i, s: x.select_scatter(x[0], 0, 2), lambda x, i, s: x.index_fill(1, i[0], 2.0),
            lambda x, i, s: x.index_copy(0, i[0], x[1:] * 3), lambda x, i, s: x.diagonal_scatter(x[0, :3]),
            lambda x, i, s: x.masked_scatter(x > 0, x * 2),
        ),
        lambda: (torch.randn(3, 4), torch.tensor([[0, 2], [2, 0]]), torch.randn(2, 2)),
    ),
    "sorting": Case(
        lambda: All(
            lambda x: x.sort(), lambda x: x.sort(0, descending=True),
            lambda x: torch.sort(x, stable=True, dim=0), lambda x: x.topk(2),
            lambda x: x.topk(2, dim=0, largest=False), lambda x: x.argsort(), lambda x: x.kthvalue(2),
            lambda x: x.max(1), lambda x: x.min(0, keepdim=True), lambda x: x.median(1),
            lambda x: torch.msort(x), lambda x: x.quantile(0.3, dim=1),
            lambda x: torch.bucketize(x, torch.tensor([-1.0, 0, 1])),
            lambda x: torch.searchsorted(torch.tensor([-1.0, 0, 1]), x, right=True),
        ),
        draw((3, 5)),
    ),
    "creation": Case(
        lambda: All(
            lambda x: torch.linspace(0, 1, 5, dtype=x.dtype) * x[0], lambda x: torch.arange(4) * x[1],
            lambda x: torch.arange(0.5, 2, 0.5) + x, lambda x: torch.eye(3).to(x) @ x,
            lambda x: torch.full((3,), 0.5) * x, lambda x: torch.zeros_like(x) + torch.ones_like(x),
            lambda x: torch.full_like(x, 2.0), lambda x: torch.ones(2, 3) * x, lambda x: x.new_zeros(2),
            lambda x: x.new_full((2,), 3.0), lambda x: torch.tensor(2.5) * x,
            lambda x: torch.tensor([1, 2, 3]) * x, lambda x: torch.eye(2, 3) * x,
            lambda x: x.detach().to(torch.float32) * 1, lambda x: x.long().to(x.dtype) + x.type_as(x),
            lambda x: torch.scalar_tensor(3) * x, lambda x: torch.logspace(0, 1, 3, dtype=x.dtype) * x,
            lambda x: torch.tril(x.new_ones(3, 3)) @ x, lambda x: torch.empty_like(x).fill_(2.0) * x,
            lambda x: torch.hann_window(3, dtype=x.dtype) * x,
        ),
        draw(3),
    ),
    "infinities": Case(
        lambda: All(
            lambda x: torch.softmax(x.masked_fill(x < 0, -math.inf), 0),
            lambda x: (x / 0).nan_to_num(2.0, posinf=math.inf, neginf=-3.0),
            lambda x: torch.full((2,), math.nan).to(x),
        ),
        lambda: (torch.tensor([0.0, 1.0, -2.0, 0.5]),),
    ),
}
# fmt: on
