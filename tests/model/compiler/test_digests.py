"""Memory images byte for byte: a change of structure alone must leave every one as it was.

The digests are of random networks, with known dimensions and without, on five cores. Where the format of
images or the compiler's plans change on purpose, ``python -m tests.model.compiler.test_digests`` writes them
anew.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape
from pointwise.model.graph import Graph
from pointwise.model.networks import NETWORKS
from tests.slow import few

FILE = Path(__file__).with_name("digests.json")
CORES = ((16, 16), (8, 16), (8, 8), (4, 4), (32, 32))
KNOWN = {
    "micro": ("micro", (8,)),
    "micro, 4 bits": ("micro", (4,)),
    "micro, 2 bits": ("micro", (2,)),
    "deit_tiny": ("deit_tiny", (8,)),
    "deit_tiny_distilled": ("deit_tiny_distilled", (8, 4, 2)),
}
LARGE = ("deit_small", "deit_base")
SMALL_SEEDS = 8


@cache
def network_of(name: str) -> Graph:
    if name.startswith("random "):
        return random_network(int(name.removeprefix("random ")))
    network, bits = KNOWN.get(name, (name, (8,)))
    return random_network(5, Shape.of(NETWORKS[network]), bits)


def digests(name: str) -> Iterator[tuple[str, str]]:
    for rows, cols in CORES:
        config = CoreConfig(rows=rows, cols=cols, act_kib=1024, res_kib=640)
        for trace in (False, True) if name not in LARGE else (False,):
            image = compile_network(network_of(name), config, trace).image
            key = f"{name} on {rows}×{cols}{', traced' if trace else ''}"
            yield key, hashlib.sha256(image).hexdigest()[:16]


def names() -> list[str]:
    return [*KNOWN, *(f"random {seed}" for seed in range(SMALL_SEEDS)), *LARGE]


@pytest.mark.parametrize("name", few(names(), set(names()) - {*LARGE, "deit_tiny_distilled"}))
def test_images_are_byte_for_byte_what_they_were(name: str):
    recorded = json.loads(FILE.read_text())
    for key, digest in digests(name):
        assert recorded[key] == digest, f"{key}: the image differs"


if __name__ == "__main__":
    FILE.write_text(json.dumps(dict(pair for name in names() for pair in digests(name)), indent=1) + "\n")
