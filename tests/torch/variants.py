"""Operations that tracing produces elsewhere or elsewhen, called by their own names."""

import torch

from tests.torch.rows import All, Case, Op, draw

aten = torch.ops.aten

# fmt: off
VARIANTS = {
    "variants for integers": Case(
        lambda: All(
            aten.__lshift__.Tensor, aten.__rshift__.Tensor, aten.bitwise_left_shift.Tensor,
            aten.bitwise_right_shift.Tensor, aten.bitwise_xor.Tensor, aten.logical_and.default,
            aten.logical_or.default, aten.ge.Tensor, aten.lt.Tensor, aten.ne.Tensor,
            lambda i, j: aten.__rshift__.Scalar(i, 1), lambda i, j: aten.bitwise_or.Scalar(i, 4),
            lambda i, j: aten.logical_not.default(j), lambda i, j: aten.le.Scalar(i, 1),
            lambda i, j: aten.any.default(i > 3), lambda i, j: aten.any.dims((i > 2)[None], [0, 1]),
            lambda i, j: aten.all.dim(i > 2, 0), lambda i, j: aten.all.dims((i > -9)[None], [0, 1], True),
            lambda i, j: aten.sub.Scalar(i, 2), lambda i, j: aten.sgn.default(i),
        ),
        lambda: (torch.randint(-3, 5, (5,)), torch.randint(0, 3, (5,))),
    ),
    "variants for numbers": Case(
        lambda: All(
            aten.clamp_max.Tensor, aten.min.other, lambda x, y: aten.min.default(x),
            lambda x, y: aten.copysign.Scalar(x, -1), lambda x, y: aten.div.Scalar_mode(x, 0.7, rounding_mode="floor"),
            lambda x, y: aten.fmod.Scalar(x, 0.7), lambda x, y: aten.remainder.Scalar_Tensor(1.3, x.detach()),
            lambda x, y: aten.round.decimals(x, decimals=1), lambda x, y: aten.xlogy.Scalar_Self(2, y.exp()),
            lambda x, y: aten.xlogy.Scalar_Other(x, 3), lambda x, y: aten.masked_fill.Tensor(x, x > 0, y[0, 0]),
            lambda x, y: aten.fill.Tensor(x, y[0, 0]), lambda x, y: aten.relu6.default(x),
            lambda x, y: aten._prelu_kernel.default(x, y), lambda x, y: aten._softmax.default(x, 0, False),
            lambda x, y: aten._log_softmax.default(x, 1, False), lambda x, y: aten._safe_softmax.default(x, -1),
            lambda x, y: aten.dropout.default(x, 0.5, False), lambda x, y: aten.var.default(x),
            lambda x, y: aten.var.dim(x, [0], False), lambda x, y: x * aten._local_scalar_dense.default(y[0, 0]),
        ),
        draw((3, 4), (3, 4)),
    ),
    "variants not decomposed": Case(lambda: Op(lambda x: x.reshape(-1) * 2), draw((2, 2))),
    "variants for shapes": Case(
        lambda: All(
            aten.alias.default, aten.squeeze.default,
            lambda x: aten.reshape.default(x, [4, 3]), lambda x: aten.squeeze.dims(x, [0, 1]),
            lambda x: aten.t.default(x[0]),
            lambda x: aten._unsafe_index_put.default(x[0], [torch.tensor([2, 0])], x[0, :2] * 2),
        ),
        draw((1, 3, 4)),
    ),
    "variants for matrices": Case(
        lambda: All(
            aten.inverse.default, aten.det.default, aten.slogdet.default,
            lambda a: aten.addr.default(a, a[0], a[1], beta=2, alpha=0.5),
            lambda a: aten.linalg_eigh.default(a + a.T)[0],
            lambda a: aten.native_layer_norm.default(a, [3], a[0], None, 1e-5)[0],
            lambda a: aten._scaled_dot_product_flash_attention_for_cpu.default(*(a[None, None],) * 3)[0],
        ),
        draw((3, 3)),
    ),
    "variants in space": Case(
        lambda: All(
            lambda x: aten._adaptive_avg_pool3d.default(x, [2, 1, 3]),
            lambda x: aten.adaptive_max_pool3d.default(x, [1, 2, 2]),
            lambda x: aten.avg_pool3d.default(x, [2, 2, 2], [1, 2, 1]),
            lambda x: aten.max_pool3d_with_indices.default(x, [2, 2, 2]),
            lambda x: aten.reflection_pad3d.default(x, [1, 0, 1, 1, 0, 1]),
            lambda x: aten.replication_pad3d.default(x, [1, 0, 1, 1, 0, 1]),
        ),
        draw((1, 1, 3, 4, 4)),
    ),
}
# fmt: on
