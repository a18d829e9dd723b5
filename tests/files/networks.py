"""Integer networks, and what is compiled of them."""

from pathlib import Path

import numpy as np

from pointwise.model.compiler import blocks, compile_network, write
from pointwise.model.compiler.memory_map import memory_map
from pointwise.model.compiler.random_network import random_network
from pointwise.model.export import export, named
from pointwise.model.export.contents import tensor_memories
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.graph import run
from pointwise.model.quantise import load_network, save_network
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.board.session import read_inputs, read_program

from .kind import CONFIG, CORE


def make_network(folder: Path) -> None:
    network = DeiTNetwork(CONFIG, synthetic_checkpoint(CONFIG).state).quantise(synthetic_images(CONFIG, 4))
    save_network(folder / "n.safetensors", network)


def read_network(folder: Path, out: Path) -> None:
    network = load_network(folder / "n.safetensors")
    save_network(out / "again.safetensors", network)
    write(compile_network(network, CORE), out)
    export(network, tensor_memories(network), named(["raw", "numpy"]), out)
    run(network, np.zeros(network.input.shape, np.int64))


def make_folder(folder: Path) -> None:
    compiled = compile_network(random_network(3), CORE, True)
    write(compiled, folder)
    shape = compiled.manifest["input"]["shape"]
    (folder / "input.bin").write_bytes(compiled.pack_input(np.zeros(shape, np.int8)))


def read_folder(folder: Path, out: Path) -> None:
    program = read_program(folder, CORE)
    program.logits(bytes(program.output_bytes))
    blocks.pack_input(program.manifest, np.zeros(program.manifest["input"]["shape"], np.int8))
    list(read_inputs(program, None))
    memory_map(program.manifest)
