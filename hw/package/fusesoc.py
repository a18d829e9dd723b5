"""A FuseSoC core description, CAPI2, of a core and the files beside it."""

from importlib.metadata import version

from pointwise.hw.contract.config import CoreConfig

NAME = "pointwise:ip:core"
PART = "xc7a100tcsg324-1"
"""A device for the target ``vivado`` where none is named, of a size that small cores fit."""

SIZES = {
    "IMAGE_BYTES": "bytes of the image",
    "INPUT_BASE": "byte address of the inputs, a multiple of 4096",
    "INPUT_BYTES": "bytes of an input block",
    "OUTPUT_BASE": "byte address of the outputs, a multiple of 4096",
    "OUTPUT_BYTES": "bytes of an output block",
    "MEMORY_BYTES": "bytes of the memory on chip",
}
"""Parameters of the example."""
PARAMETER = """\
  {name}:
    datatype: int
    paramtype: vlogparam
    description: {text}
"""


def core_file(config: CoreConfig, sources: tuple[str, ...], example: tuple[str, ...]) -> str:
    """The text of a ``.core`` file.

    Targets: ``default``, the sources of the core alone, for a design that depends on it; ``lint``, core and
    example through Verilator; ``vivado``, the same as a project, with the example's sizes as options.

    Args:
        sources: Verilog of the core; the first file is called like its module.
        example: its files, in order; the last one holds the top module.
    """
    top = sources[0].removesuffix(".v")
    rtl = "".join(f"      - {name}\n" for name in sources)
    shape = f"{config.rows}×{config.cols} array, {config.axi_data_width}-bit AXI4"
    files = "".join(f"      - {name}\n" for name in example)
    parameters = "".join(PARAMETER.format(name=name, text=text) for name, text in SIZES.items())
    last = example[-1].removesuffix(".sv")
    return f"""\
CAPI=2:
name: {NAME}:{version("pointwise")}
description: Vision Transformers as pointwise convolutions on one INT8 systolic array ({shape})

filesets:
  rtl:
    files:
{rtl}    file_type: verilogSource
  example:
    files:
{files}    file_type: systemVerilogSource
  waivers:
    files:
      - lint.vlt
    file_type: vlt
  configuration:
    files:
      - {top}.json
    file_type: user

targets:
  default:
    description: the core, for a design that depends on it
    filesets: [rtl, configuration]
    toplevel: {top}
  lint:
    description: core and example through Verilator's lint
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
    filesets: [waivers, rtl, example]
    toplevel: {last}
  vivado:
    description: the example through Vivado, for the device that --part names
    flow: vivado
    flow_options:
      part: {PART}
    filesets: [rtl, example, configuration]
    parameters: [{", ".join(SIZES)}]
    toplevel: {last}

parameters:
{parameters}"""
