"""Configurations of cores, descriptions of boards, recipes."""

import json
from pathlib import Path
from random import Random

from pointwise.hw.contract.config import CoreConfig
from pointwise.model.models.deit import deit_graph
from pointwise.model.quantise import Recipe, load_recipe
from pointwise.model.quantise.convert import layer_names
from pointwise.model.synthetic import synthetic_checkpoint
from pointwise.sim.board.description import Description

from . import mutate
from .kind import CONFIG, CORE


def make_core(folder: Path) -> None:
    (folder / "config.json").write_text(CORE.to_json())


def read_core(folder: Path, out: Path) -> None:
    core = CoreConfig.from_json(folder / "config.json")
    (out / "again.json").write_text(core.to_json())


def make_board(folder: Path) -> None:
    description = {
        "board": "ulx3s-85f",
        "clock_hz": 100_000_000,
        "baud": 3_000_000,
        "core": json.loads(CORE.to_json()),
        "core_base": 0x3000_0000,
        "sdram_base": 0x4000_0000,
        "sdram_bytes": 1 << 20,
        "scratch": 4,
        "sdram_init": [
            {"address": 0x800, "value": 14, "wait_us": 0},
            {"address": 4, "value": 1, "wait_us": 9},
        ],
    }
    (folder / "board.json").write_text(json.dumps(description))


def read_board(folder: Path, out: Path) -> None:
    description = Description.read(folder)
    assert description.sdram_bytes // 64 >= 0 and description.slowdown > 0


RECIPE = """
[default]
range = "percentile"
granularity = "head"
search = true
weight_bits = 4
iterations = 10

[layers."blocks.*.mlp.*"]
rounding = "nearest"
factors = "range"

[layers."head"]
bias_correction = "none"
"""


def make_recipe(folder: Path) -> None:
    (folder / "recipe.toml").write_text(RECIPE)


def in_recipe(random: Random, folder: Path) -> None:
    """A line, a value or a few characters of a recipe."""
    path = folder / "recipe.toml"
    lines = RECIPE.splitlines()
    where = random.randrange(len(lines))
    kind = random.randrange(5)
    if kind == 0:
        key, equals, _ = lines[where].partition(" = ")
        lines[where] = key + equals + json.dumps(mutate.values(random))
    elif kind == 1:
        lines[where] = random.choice(
            ("x = 1", "[x]", "[layers.x]", "[[layers]]", "a.b.c = []", "d = 1979-05-27")
        )
    elif kind == 2:
        lines[where] = f'[layers."{random.choice(("*" * 200, "[", "[!", "[a-", "**", "?" * 30))}"]'
    elif kind == 3:
        lines.append("a = " + "[" * random.choice((10, 5000)))
    text = "\n".join(lines) if kind < 4 else mutate.text(random, RECIPE)
    path.write_bytes(text.encode(errors="surrogatepass"))


def read_recipe(folder: Path, out: Path) -> None:
    recipe = load_recipe(folder / "recipe.toml")
    names = layer_names(deit_graph(CONFIG, synthetic_checkpoint(CONFIG).state))
    recipe.check_names(names)
    for name in names:
        assert recipe[name].weight_limit
    assert Recipe.from_dict(recipe.to_dict()) == recipe
