"""``pointwise compile``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import pointwise as pw
from pointwise.hw.contract.config import CoreConfig
from pointwise.sim.build import build_root
from pointwise.sim.locks import hold

from . import options, tell
from .options import core_name, core_words, with_core
from .weights import Weights, with_weights


@with_weights
@with_core
def command(
    core: CoreConfig,
    weights: Weights,
    network: Annotated[
        Path | None, typer.Option(help="Integers from pointwise quantise, instead of --model.")
    ] = None,
    images: Annotated[
        Path | None,
        options.images("An image to run, the first of these; a digit or a made-up one unless given."),
    ] = None,
    preprocess: options.Preprocess = None,
    trace: Annotated[bool, typer.Option(help="Store every intermediate tensor in the output block.")] = False,
    out: options.Out = None,
) -> None:
    """Quantise a network and compile it to a memory image for a core.

    Writes the image as raw bytes and as hex for $readmemh, the manifest that says where each tensor lies, the
    core's configuration and, where there is an image to run, its input block. ``pointwise blocks`` makes more
    of those.
    """
    console = Console(markup=False)
    if out is not None:
        hold(out)
    with console.status("quantisation and compiler"):
        from pointwise.model.quantise import patchify
        from pointwise.sim.integers import integers_of

        chosen = integers_of(network, *weights, images=images, preprocess=preprocess)
        integers, inputs = chosen.network, chosen.inputs
        compiled = pw.compile(integers, core, trace=trace)
        block = None if inputs is None else compiled.pack_input(patchify(integers, inputs)[0])
        folder = out or build_root() / f"image-{integers.name}-{core_name(core)}"
        if out is None:
            hold(folder)
        paths = pw.save(compiled, folder, block=block)
    manifest = compiled.manifest
    title = f"{integers.name} for a {core_words(core)} core"
    table = options.new_table(title, ("what", "left"), ("used", "right"), ("there", "right"))
    for name, memory in manifest["memory"].items():
        scale = memory["word_bytes"] / 1024
        used, there = memory["words"] * scale, memory["available"] * scale
        table.add_row(f"{name} SRAM, KiB", f"{used:.1f}", f"{there:.1f}")
    table.add_row("instructions", f"{len(manifest['instructions']):,}", "")
    table.add_row("image, bytes", f"{len(compiled.image):,}", "")
    table.add_row("multiply-accumulates", f"{manifest['macs']:,}", "")
    console.print(table)
    tell.made_up(console, chosen.made_up)
    tell.preparation(console, chosen.prepared)
    if block is None:
        console.print(
            "no input block was written: give an image with --images, or make blocks with "
            f"pointwise blocks make {folder} --images …",
            soft_wrap=True,
        )
    for path in paths:
        console.print(str(path), soft_wrap=True)
