"""What the tests of the two protocol checkers share."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pointwise.sim.bench import bench
from pointwise.sim.build import CHECKERS

Script = list[dict[str, int]]
"""What to drive: for each cycle the ports that are not at rest."""


@dataclass(frozen=True)
class Played:
    """What came of one script: the rules that it broke, in order, and whether the checker ended idle."""

    rules: tuple[str, ...]
    idle: bool


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Played]]:
    """A function that plays scripts, by title, on a checker and says what came of each."""

    def played(
        top: str,
        scripts: dict[str, Script],
        rest: dict[str, int],
        parameters: dict[str, int],
        **plusargs: object,
    ) -> dict[str, Played]:
        notes = tmp_path_factory.mktemp("notes") / "notes.json"
        result = bench(
            CHECKERS,
            top,
            Path(__file__).with_name("bench_player.py"),
            parameters=parameters,
            config={"scripts": scripts, "rest": rest, "notes": str(notes)},
            plusargs=plusargs,
            violations_allowed=plusargs.get("axi_check") == "report",
        )
        rules = list(result.violations)
        outcome = {}
        for title, (count, idle) in json.loads(notes.read_text()).items():
            outcome[title] = Played(tuple(rules[:count]), idle)
            del rules[:count]
        assert not rules
        return outcome

    return played
