"""The table of modules that are lowered and compared."""

import torch
from torch import nn

from tests.torch.activations import ACTIVATIONS
from tests.torch.functions import FUNCTIONS
from tests.torch.layers import LAYERS
from tests.torch.networks import NETWORKS
from tests.torch.rows import Case
from tests.torch.variants import VARIANTS

MODULES: dict[str, Case] = {**NETWORKS, **LAYERS, **ACTIVATIONS, **FUNCTIONS, **VARIANTS}


def build(name: str) -> nn.Module:
    """The module of a row in float64, evaluation mode, no parameter or statistic at its default."""
    torch.manual_seed(0)
    module = MODULES[name].module().eval().double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for buffer_name, buffer in module.named_buffers():
            if "running" in buffer_name:
                buffer.uniform_(0.5, 1.5)
    return module


def inputs(name: str, seed: int) -> tuple:
    """Inputs of a row, floating ones in float64 but exact in float32."""
    torch.manual_seed(seed)
    drawn = MODULES[name].inputs()
    return torch.utils._pytree.tree_map(lambda a: a.double() if a.is_floating_point() else a, drawn)
