"""Results: of an ablation, of an evaluation, of a report on a quantised network."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from random import Random

import numpy as np

from pointwise.model.evaluate.results import ImageResult, ResultsFile
from pointwise.model.evaluate.tally import tally
from pointwise.model.frontends import DeiTNetwork
from pointwise.model.measure.ablation import Attempt
from pointwise.model.measure.layers import measure
from pointwise.model.measure.mixed import MixedNetwork
from pointwise.model.quantise import Recipe
from pointwise.model.synthetic import synthetic_checkpoint, synthetic_images
from pointwise.sim.reporting import methods, quantisation

from . import mutate
from .kind import CONFIG

RECIPES = [("min–max", Recipe().default)]
SETTINGS = methods.Settings("x", 8, 8, "pointwise ablation", "0" * 32)


def make_methods(folder: Path) -> None:
    attempts = [Attempt(name, asdict(recipe), 20.5, 20.0, 99.0) for name, recipe in RECIPES]
    methods.save(folder / "methods.json", SETTINGS, attempts)


def read_methods(folder: Path, out: Path) -> None:
    path = folder / "methods.json"
    methods.table(SETTINGS, methods.load(path, SETTINGS, RECIPES))
    methods.rows([Attempt(**attempt) for attempt in methods.read(path)["attempts"]])


DIGEST = "1" * 32


def make_results(folder: Path) -> None:
    with ResultsFile(folder / "r.jsonl", DIGEST) as file:
        file.add(
            [
                ImageResult("c0/a.png", "1-2", (1, 0, 2), (1, 2, 0), 3.5, 0.25),
                ImageResult("c1/b.png", "3-4", (0, 1, 2), (0, 1, 2), 1.5, 0.0),
                ImageResult("c1/ü.png", "5-6", error="broken"),
            ]
        )


def in_results(random: Random, folder: Path) -> None:
    """A line of the results, or their bytes."""
    path = folder / "r.jsonl"
    lines = path.read_text().splitlines()
    if random.random() < 0.8:
        where = random.randrange(len(lines))
        lines[where] = json.dumps(mutate.structure(random, json.loads(lines[where])))
        path.write_text("\n".join(lines) + "\n")
    else:
        path.write_bytes(mutate.raw(random, path.read_bytes()))


def read_results(folder: Path, out: Path) -> None:
    shutil.copy(folder / "r.jsonl", out / "r.jsonl")
    with ResultsFile(out / "r.jsonl", DIGEST) as file:
        found = list(file.done.values())
        file.add([ImageResult("new", "1-1", (1,), (1,), 1.0, 0.0)])
    tally(found, np.ones(len(found), np.int64)).to_dict()
    with ResultsFile(out / "r.jsonl", DIGEST) as file:
        assert ("new", "1-1") in file.done


def make_report(folder: Path) -> None:
    state = synthetic_checkpoint(CONFIG).state
    network = DeiTNetwork(CONFIG, state).quantise(synthetic_images(CONFIG, 4))
    found = measure(MixedNetwork(network, state, CONFIG), synthetic_images(CONFIG, 2).numpy(), 1)
    quantisation.write(quantisation.as_dict(network, found, "pointwise report"), folder)


def read_report(folder: Path, out: Path) -> None:
    shutil.copy(folder / quantisation.REPORT, out)
    quantisation.renew(out)
