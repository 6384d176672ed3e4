"""Layers of torch.nn."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.torch.rows import All, Case, Op, draw, positive

TOKENS = draw((2, 4, 8))
CAUSAL = torch.full((4, 4), -math.inf).triu(1)
BOOLEAN = torch.tensor([[True, False, True, False], [False] * 4, [True] * 4, [False, True, True, True]])

# fmt: off
LAYERS = {
    "linear without bias": Case(lambda: nn.Linear(3, 2, bias=False), draw((2, 4, 3))),
    "bilinear": Case(lambda: nn.Bilinear(3, 2, 4), draw((5, 3), (5, 2))),
    "conv1d": Case(lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), draw((2, 2, 9))),
    "conv1d dilated": Case(lambda: nn.Conv1d(4, 6, 3, dilation=2, groups=2, bias=False), draw((2, 4, 9))),
    "conv1d same": Case(lambda: nn.Conv1d(2, 3, 4, padding="same"), draw((1, 2, 7))),
    "conv1d unbatched": Case(lambda: nn.Conv1d(2, 3, 3), draw((2, 7))),
    "conv1d circular": Case(lambda: nn.Conv1d(2, 3, 3, padding=2, padding_mode="circular"), draw((1, 2, 6))),
    "conv1d reflect": Case(lambda: nn.Conv1d(2, 3, 3, padding=1, padding_mode="reflect"), draw((1, 2, 6))),
    "conv transposed": Case(
        lambda: nn.ConvTranspose1d(4, 6, 3, stride=3, padding=1, output_padding=2, groups=2, dilation=2),
        draw((2, 4, 5)),
    ),
    "conv2d": Case(lambda: nn.Conv2d(2, 4, (3, 2), padding=(1, 0), groups=2), draw((1, 2, 5, 6))),
    "conv2d transposed": Case(lambda: nn.ConvTranspose2d(2, 3, (2, 3), stride=(1, 2)), draw((1, 2, 3, 4))),
    "conv3d": Case(lambda: nn.Conv3d(1, 2, 2), draw((1, 1, 3, 3, 3))),
    "embedding": Case(lambda: nn.Embedding(5, 3, padding_idx=1), lambda: (torch.tensor([[0, 1], [4, 0]]),)),
    "embedding bag": Case(
        lambda: Op(lambda i, w: F.embedding(i, w).mean(1), (5, 3)),
        lambda: (torch.randint(0, 5, (2, 3)),),
    ),
    "layer norm": Case(lambda: nn.LayerNorm([3, 4]), draw((2, 3, 4))),
    "layer norm plain": Case(lambda: nn.LayerNorm(4, elementwise_affine=False), draw((2, 4))),
    "rms norm": Case(lambda: nn.RMSNorm(4), draw((2, 4))),
    "group norm": Case(lambda: nn.GroupNorm(2, 4), draw((2, 4, 5))),
    "batch norm": Case(lambda: nn.BatchNorm1d(3), draw((4, 3, 2))),
    "batch norm 2d": Case(lambda: nn.BatchNorm2d(3, affine=False), draw((2, 3, 2, 2))),
    "instance norm": Case(lambda: nn.InstanceNorm1d(3, affine=True), draw((2, 3, 5))),
    "instance norm remembered": Case(lambda: nn.InstanceNorm1d(3, track_running_stats=True), draw((2, 3, 5))),
    "local response norm": Case(lambda: nn.LocalResponseNorm(2), draw((2, 4, 5))),
    "dropout": Case(lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2), nn.AlphaDropout(0.3)), draw(3)),
    "rnn": Case(lambda: nn.RNN(2, 3, num_layers=2), draw((5, 2, 2), (2, 2, 3))),
    "rnn relu": Case(lambda: nn.RNN(2, 3, nonlinearity="relu", bias=False, bidirectional=True), draw((4, 2))),
    "lstm": Case(
        lambda: nn.LSTM(2, 3, num_layers=2, bidirectional=True, batch_first=True, dropout=0.2),
        draw((2, 4, 2)),
    ),
    "lstm projected": Case(
        lambda: nn.LSTM(2, 4, proj_size=3),
        lambda: (torch.randn(5, 1, 2), (torch.randn(1, 1, 3), torch.randn(1, 1, 4))),
    ),
    "gru": Case(lambda: nn.GRU(2, 3, num_layers=2, batch_first=True), draw((2, 4, 2), (2, 2, 3))),
    "gru bidirectional": Case(lambda: nn.GRU(2, 3, bidirectional=True, bias=False), draw((4, 2))),
    "rnn cell": Case(lambda: nn.RNNCell(2, 3), draw((4, 2), (4, 3))),
    "lstm cell": Case(lambda: nn.LSTMCell(2, 3), lambda: (torch.randn(2), (torch.randn(3), torch.randn(3)))),
    "gru cell": Case(lambda: nn.GRUCell(2, 3), draw((4, 2))),
    "attention": Case(
        lambda: nn.MultiheadAttention(8, 2, batch_first=True, kdim=3, vdim=5),
        draw((2, 4, 8), (2, 6, 3), (2, 6, 5)),
    ),
    "attention masked": Case(
        lambda: Op(lambda x, w: F.scaled_dot_product_attention(x, w, w, attn_mask=BOOLEAN), (2, 4, 8)),
        TOKENS,
    ),
    "attention causal": Case(
        lambda: Op(lambda x, w: F.scaled_dot_product_attention(x, x, w, is_causal=True, scale=0.3), (2, 4, 8)),
        TOKENS,
    ),
    "attention added mask": Case(
        lambda: Op(lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=CAUSAL.to(x))),
        TOKENS,
    ),
    "attention grouped": Case(
        lambda: Op(lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True)),
        draw((1, 4, 3, 2), (1, 2, 5, 2)),
    ),
    "encoder layer": Case(lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), TOKENS),
    "encoder": Case(
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 8, activation="gelu", norm_first=True, batch_first=True),
            num_layers=2,
            enable_nested_tensor=False,
        ),
        TOKENS,
    ),
    "decoder layer": Case(
        lambda: nn.TransformerDecoderLayer(8, 2, 16, batch_first=True),
        draw((2, 4, 8), (2, 3, 8)),
    ),
    "max pool": Case(lambda: nn.MaxPool1d(3, stride=2, padding=1, dilation=2), draw((2, 2, 12))),
    "max pool ceil": Case(
        lambda: All(
            nn.MaxPool1d(3, stride=2, padding=1, ceil_mode=True), nn.MaxPool1d(2, return_indices=True),
        ),
        lambda: (torch.randint(0, 3, (2, 2, 8)).float(),),
    ),
    "max pool 2d": Case(lambda: nn.MaxPool2d((2, 3), padding=(1, 0)), draw((1, 2, 5, 6))),
    "average pool": Case(
        lambda: All(
            nn.AvgPool1d(3, stride=2, padding=1), nn.AvgPool1d(3, 2, 1, ceil_mode=True),
            nn.AvgPool1d(3, 2, 1, count_include_pad=False),
        ),
        draw((2, 2, 8)),
    ),
    "average pool 2d": Case(
        lambda: All(
            nn.AvgPool2d(2), nn.AvgPool2d((2, 3), 2, (1, 1), ceil_mode=True, divisor_override=5),
        ),
        draw((1, 2, 5, 6)),
    ),
    "adaptive pool": Case(
        lambda: All(
            nn.AdaptiveAvgPool1d(3), nn.AdaptiveMaxPool1d(3), nn.AdaptiveAvgPool1d(1),
        ),
        draw((2, 2, 7)),
    ),
    "adaptive pool 2d": Case(
        lambda: All(
            nn.AdaptiveAvgPool2d((2, 3)), nn.AdaptiveMaxPool2d((3, None)),
        ),
        draw((1, 2, 5, 7)),
    ),
    "lp pool": Case(lambda: nn.LPPool1d(2, 3), positive((1, 2, 7))),
    "upsample": Case(
        lambda: All(
            nn.Upsample(scale_factor=2), nn.Upsample(size=5, mode="linear"),
            nn.Upsample(size=5, mode="linear", align_corners=True),
        ),
        draw((1, 2, 4)),
    ),
    "pads": Case(
        lambda: All(
            nn.ConstantPad1d((1, -1), 0.5), nn.ReflectionPad1d((2, 1)), nn.ReplicationPad1d((0, 3)),
            nn.CircularPad1d(2), nn.ZeroPad1d(1),
        ),
        draw((1, 2, 5)),
    ),
    "pads 2d": Case(
        lambda: All(
            nn.ConstantPad2d((1, 2, 0, 1), 2.0), nn.ReflectionPad2d(1), nn.ReplicationPad2d((1, 0, 2, 1)),
        ),
        draw((1, 1, 3, 4)),
    ),
    "shuffle, unfold": Case(
        lambda: All(
            nn.PixelShuffle(2), nn.ChannelShuffle(2), nn.Unfold((2, 2)), nn.Flatten(),
            nn.Unflatten(1, (2, 2)),
        ),
        draw((1, 4, 3, 3)),
    ),
    "distances": Case(
        lambda: All(
            nn.CosineSimilarity(), nn.PairwiseDistance(), torch.cdist,
        ),
        draw((4, 3), (4, 3)),
    ),
    "losses": Case(
        lambda: All(
            nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(), nn.SmoothL1Loss(), nn.CrossEntropyLoss(),
            nn.BCEWithLogitsLoss(),
        ),
        positive((4, 3), (4, 3)),
    ),
}
# fmt: on
