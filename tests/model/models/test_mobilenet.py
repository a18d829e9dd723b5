"""MobileNet-V1 against Hugging Face's own, from images to hardware words."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import MobileNetV1Config, MobileNetV1ForImageClassification

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.compiler import compile_network
from pointwise.model.emulator import Emulator
from pointwise.model.graph import run
from pointwise.model.models.mobilenet import mobilenet_v1
from pointwise.model.quantise.inputs import patchify
from pointwise.model.quantise.recipe import Recipe


def test_from_the_librarys_module_to_the_words_of_a_core() -> None:
    torch.manual_seed(3)
    config = MobileNetV1Config(depth_multiplier=0.125, num_labels=5, image_size=45)
    net = MobileNetV1ForImageClassification(config).eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            fan = module.weight[0].numel()
            nn.init.normal_(module.weight, 0, (2 / fan) ** 0.5)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    images = torch.randn(6, 3, 45, 45)
    network = mobilenet_v1(net.state_dict(), (45, 45))
    with torch.inference_mode():
        want = net(images).logits.double().numpy()
    assert np.abs(network.results(images) - want).max() < 1e-4 * np.abs(want).max()

    recipe = Recipe()
    integers = network.convert(network.calibrate(images, recipe), recipe)
    rows = patchify(integers, images.numpy())
    core = CoreConfig(rows=4, cols=8, max_tokens=64, act_kib=16, act_banks=2, res_kib=4, axi_data_width=64)
    compiled = compile_network(integers, core)
    block = Emulator(compiled.image, core).run(compiled.pack_input(rows[0]))
    assert (compiled.read_output(block)[integers.output] == run(integers, rows[0])[integers.output]).all()


def test_what_is_no_mobilenet_is_said() -> None:
    with pytest.raises(PointwiseError, match="lacks conv_stem"):
        mobilenet_v1({}, (32, 32))
