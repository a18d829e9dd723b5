"""``.int.onnx``: the network in integer operators alone, equal to the integer model on every bit.

Anyone can run what the core computes: each integer function of ``pointwise.model.integer`` and each operator
has a counterpart here that is made of standard operators of ONNX, and onnxruntime gives the same integers.
Products are MatMulInteger and ConvInteger, tables Gather, roundings sums and BitShift of 64 bits, saturation
comparisons.

Names are those of the integer network's operators: ``blocks.0.mlp.act`` are the integers of that operator, of
its type (int8, uint8 or int16); what is between lies under the name of the operator, as in
``blocks.0.mlp.fc1/2.Mul``.

Input: the image as the float network takes it, (batch, …) float32, which is brought to integers in float64 as
the integer model does; or of a network that says nothing of its images the integers, (batch, tokens,
channels). Output: the integers of the result, (batch, tokens, channels), which stand for scale · (integer −
zero point) + offset, as the metadata of the file say.
"""

from .file import encode

__all__ = ["encode"]
