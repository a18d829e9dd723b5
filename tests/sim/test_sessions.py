"""Sessions on one core: runs after whatever came before them, and that a fault would be told."""

from dataclasses import replace

import pytest

from pointwise.hw.contract.registers import Error
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import random_config
from pointwise.sim.fuzz import random_memory
from pointwise.sim.sessions import KINDS, Session
from tests.slow import few

CONFIG = random_config(0)
SEEDS = (0, 2, 4)


def session(seed: int) -> Session:
    return Session((random_network(seed), random_network(seed + 1)), CONFIG, seed)


@pytest.mark.parametrize("seed", few(SEEDS, SEEDS[1:]))
def test_all_runs_are_right(seed: int) -> None:
    drawn = session(seed)
    played = drawn.play(random_memory(seed))
    assert not played.problems
    assert played.turns == len(drawn.events)
    assert played.tensors > 0 and played.cycles > 0


def test_everything_is_drawn() -> None:
    """By the sessions above together; each ends with a run that finds out."""
    drawn = [session(seed).events for seed in SEEDS]
    assert {event.kind for events in drawn for event in events} == set(KINDS)
    assert all(events[-1].kind == "run" for events in drawn)


def test_faults_are_told() -> None:
    """A result of another network, an end that should not be, and a write where nothing is to be written."""
    drawn = session(SEEDS[0])
    runs = [number for number, event in enumerate(drawn.events) if event.kind == "run"]
    hidden, ended, exchanged = runs[-1], runs[-2], runs[-3]
    drawn.events[hidden] = replace(drawn.events[hidden], output=None)
    drawn.events[ended] = replace(drawn.events[ended], error=Error.BUS_READ)
    image = drawn.events[exchanged].image
    assert image is not None
    drawn.events[exchanged] = replace(drawn.events[exchanged], image=~image)
    problems = drawn.play(random_memory(0)).problems
    assert len(problems) == 3
    assert "which lies in no output" in problems[0]
    assert f"turn {exchanged} (run): image {exchanged}, layer" in problems[1]
    assert f"turn {ended} (run) ended with status 0x2; expected BUS_READ" in problems[2]
