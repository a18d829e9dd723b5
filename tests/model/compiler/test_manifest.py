"""manifest.json: what the compiler writes has its form and its JSON schema, and damage is told."""

import copy
import json
import math
import struct

import fastjsonschema
import numpy as np
import pytest

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.form import FormError
from pointwise.model.checkpoints import MICRO_DIGITS, load_checkpoint
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.manifest_check import check_image, check_manifest
from pointwise.model.compiler.manifest_form import schema
from pointwise.model.compiler.random_network import random_network
from pointwise.model.digits import load
from pointwise.model.frontends import DeiTNetwork

ODD = CoreConfig(rows=3, cols=6, act_kib=4, res_kib=4, act_banks=1, max_tokens=64, axi_data_width=32)
# fastjsonschema reads older drafts: the same but for the name of the draft, as nothing newer is used.
VALID = fastjsonschema.compile({k: v for k, v in schema().items() if k != "$schema"})


def stored(compiled) -> dict:
    """A manifest as it is read from the file."""
    return json.loads(json.dumps(compiled.manifest))


@pytest.fixture(scope="module")
def small():
    return compile_network(random_network(3), ODD, True)


@pytest.fixture(scope="module")
def micro():
    checkpoint = load_checkpoint(MICRO_DIGITS)
    return DeiTNetwork(checkpoint.config, checkpoint.state).quantise(load().calibration.normalised()[:4])


@pytest.mark.parametrize("core", [PRESETS["tiny"], ODD, PRESETS["large"]], ids=["tiny", "odd", "large"])
@pytest.mark.parametrize("trace", [False, True], ids=["plain", "trace"])
def test_manifests_have_the_form_and_the_schema(core, trace, micro):
    networks = [random_network(seed) for seed in range(6)]
    for network in [*networks, micro] if core is not ODD else networks:
        compiled = compile_network(network, core, trace)
        manifest = stored(compiled)
        VALID(manifest)
        check_image(check_manifest(manifest), compiled.image)


def test_a_network_that_waits_in_dram_has_the_form_too(micro):
    core = CoreConfig(rows=4, cols=4, act_kib=5, res_kib=1, act_banks=1, max_tokens=64)
    compiled = compile_network(micro, core)
    manifest = stored(compiled)
    assert any(line["name"].startswith("spill") for line in manifest["instructions"])
    assert len(manifest["input"]["blocks"]) > 1
    VALID(manifest)
    check_image(check_manifest(manifest), compiled.image)


def places(value, path=()):
    """Every place in a JSON value but those of no fixed form, one for each list."""
    if path == ("info",):
        return
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def changed(manifest: dict, path: tuple, change) -> dict:
    """A copy in which ``change`` was called with the holder of a place and the last step to it."""
    manifest = copy.deepcopy(manifest)
    holder = manifest
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return manifest


def test_form_and_schema_refuse_the_same_damage(small):
    """Whatever field is gone, is there too much, or is of another kind."""
    manifest = stored(small)
    optional = {("tensor",), ("first_token",)}
    count = 0
    for path in places(manifest):
        damages = [lambda holder, step: holder.__setitem__(step, {"odd": 1})]
        if isinstance(path[-1], str) and (path[-1:] not in optional or "tensors" not in path[:1] + path[1:2]):
            damages.append(lambda holder, step: holder.pop(step))
        for damage in damages:
            if path == ("info",) and damage is damages[0]:
                continue
            damaged = changed(manifest, path, damage)
            with pytest.raises(fastjsonschema.JsonSchemaException):
                VALID(damaged)
            with pytest.raises(FormError):
                check_manifest(damaged)
            count += 1
    assert count > 150


def put(*path_and_value):
    *path, value = path_and_value
    return tuple(path), lambda holder, step: holder.__setitem__(step, value)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (put("input", "blocks", 0, "offset", 1 << 31), "says that input.blocks[0] ends at byte"),
        (put("input", "blocks", 0, "offset", 3), "says input.blocks[0].offset 3, but a multiple of 64"),
        (put("input", "blocks", 0, "tokens", 10**15), "which is less than"),
        (put("input", "blocks", 0, "channels", 10**15), "channels of int8, but"),
        (put("input", "shape", [1, 1]), "channels of int8, but 1 of int8 were expected"),
        (put("output", "tensors", 0, "shape", 0, 77), "says that output.tensors[0] has 77 tokens, but"),
        (put("output", "tensors", 0, "blocks", 0, "row_stride", 1), "which is less than"),
        (put("output", "tensors", 0, "blocks", 0, "dtype", "uint8"), "of uint8, but"),
        (put("config", "rows", 65), "core parameter rows = 65 is out of range"),
        (put("instructions", 0, "opcode", "JUMP"), "but 'CONV', 'LOAD', 'STORE', 'END' was expected"),
        (put("format", 99), "says format 99, but 1 was expected"),
    ],
    ids=lambda case: str(case[0]) if isinstance(case, tuple) else None,
)
def test_what_does_not_fit_together_is_told(small, where, words):
    with pytest.raises(FormError) as caught:
        check_manifest(changed(stored(small), *where))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (put("image", "crc32", 1), "says image.crc32 1, but the image beside it has"),
        (put("image", "bytes", 64), "says image.bytes 64, but the image beside it has"),
        (put("output", "bytes", 1 << 31), "says output.bytes 2147483648, but the image beside it has"),
        (put("input", "bytes", 1 << 31), "says input.bytes 2147483648, but the image beside it has"),
        (put("instructions", []), "says instructions 0, but the image beside it has"),
    ],
    ids=lambda case: str(case[0]) if isinstance(case, tuple) else None,
)
def test_another_image_than_the_manifests_is_told(small, where, words):
    with pytest.raises(FormError) as caught:
        check_image(check_manifest(changed(stored(small), *where)), small.image)
    assert words in str(caught.value)


def test_blocks_lie_as_the_document_says(small):
    """``docs/manifest.md``, read anew: the place of an element, and zeros everywhere else."""
    manifest = stored(small)
    entry, lanes = manifest["input"], manifest["config"]["rows"]
    tokens, channels = entry["shape"]
    values = np.random.default_rng(1).integers(-128, 128, (tokens, channels))
    values[: entry["blocks"][0]["first_token"]] = 0
    expected = bytearray(entry["bytes"])
    word = 2 ** math.ceil(math.log2(lanes))
    for block in entry["blocks"]:
        for token in range(block["tokens"]):
            for channel in range(block["channels"]):
                at = block["offset"] + channel // lanes * block["row_stride"] + token * word + channel % lanes
                struct.pack_into("<b", expected, at, values[block["first_token"] + token, channel])
    assert small.pack_input(values) == bytes(expected)

    data = np.random.default_rng(2).integers(0, 256, manifest["output"]["bytes"], np.uint8).tobytes()
    for tensor in manifest["output"]["tensors"]:
        size, code = {"int8": (1, "<b"), "uint8": (1, "<B"), "int16": (2, "<h")}[tensor["dtype"]]
        rows = []
        for block in tensor["blocks"]:
            for token in range(block["tokens"]):
                places = (
                    block["offset"] + c // lanes * block["row_stride"] + size * (token * word + c % lanes)
                    for c in range(block["channels"])
                )
                rows.append([struct.unpack_from(code, data, at)[0] for at in places])
        assert small.read_output(data)[tensor["name"]].tolist() == rows
