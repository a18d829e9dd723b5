"""A study of the space with Optuna: asked and told in an order that does not depend on who is how fast."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pointwise.hw.contract.errors import PointwiseError
from pointwise.model.parallel import Executor, Job, digest_of, goes_on

from .space import Point, Space
from .trial import OBJECTIVES

try:
    import optuna
    import optuna.storages.journal
except ModuleNotFoundError as error:
    raise PointwiseError(
        f"the Python package {error.name} is not installed, which chooses what to try; run "
        "pip install 'pointwise[explore]'"
    ) from error

NAME = "pointwise"
DIGEST, RESULT = "digest", "result"
"""Attributes of the study; the second of each trial, by its number."""
POPULATION = 24
"""Points of a generation of NSGA-II (Deb et al., IEEE Trans. Evol. Comp. 6, 2002)."""

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Study:
    """A study in a file or a database.

    Trials are told in their order, and trial n is asked for as soon as trial n − ``ahead`` has been told. So
    every choice rests on the same results however many trials are made at a time and by whom: the same seed
    gives the same study. An interrupted one goes on as if nothing had been.

    Args:
        place: a file (a journal; SQLite where it ends in .db) or the URL of a database.
        space: that is searched. job: what tries a point. seed: of all choices. ahead: see above.

    Raises:
        PointwiseError: the study in that place has other parameters, or cannot be opened.
    """

    def __init__(self, place: str, space: Space, job: Job, *, seed: int, ahead: int) -> None:
        self.space, self.job, self.seed, self.ahead = space, job, seed, ahead
        self.place = place
        digest = digest_of(job.digest, seed, ahead)
        try:
            self.study = optuna.create_study(
                study_name=NAME,
                storage=_storage(place),
                directions=[*OBJECTIVES.values()],
                load_if_exists=True,
            )
        except Exception as error:
            raise PointwiseError(
                f"the study {place} cannot be opened ({str(error).splitlines()[0]}); name another place with "
                "--study"
            ) from error
        found = self.study.user_attrs.get(DIGEST)
        if found is None and not self.study.trials:
            self.study.set_user_attr(DIGEST, digest)
        elif found != digest:
            raise PointwiseError(
                f"the study {place} is of other parameters (network, images, space, seed, --ahead or code); "
                "name another place with --study, or remove it"
            )

    def run(
        self, count: int, executor: Executor, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """Go on until the study has ``count`` trials.

        Args:
            progress: called with (trials told, in all).

        Raises:
            PointwiseError: as ``Executor.run``.
        """
        trials = self.study.get_trials(deepcopy=False)
        asked, told = len(trials), 0
        while told < asked and trials[told].state.is_finished():
            told += 1
        # Those that an interrupted run had begun come first.
        waiting: deque[tuple[str, Point]] = deque(
            (str(trial.number), dict(trial.params)) for trial in trials[told:]
        )
        waiting.extend(self._ask() for _ in range(asked, min(count, told + self.ahead)))
        asked = told + len(waiting)
        arrived: dict[int, dict[str, Any]] = {}
        progress(told, count)
        with (
            goes_on(lambda: told, count, "trials", Path(self.place)),
            closing(executor.run(self.job, _given(waiting, lambda: told < count))) as results,
        ):
            for name, result in results:
                arrived[int(name)] = result
                while told in arrived:
                    self._tell(told, arrived.pop(told))
                    told += 1
                    if asked < count:
                        waiting.append(self._ask())
                        asked += 1
                progress(told, count)

    def _ask(self) -> tuple[str, Point]:
        number = len(self.study.get_trials(deepcopy=False))
        # A sampler of its own for each trial: what an interruption makes us forget is then no state.
        seed = int(digest_of(self.seed, number)[:8], 16)
        self.study.sampler = optuna.samplers.NSGAIISampler(population_size=POPULATION, seed=seed)
        distributions: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.CategoricalDistribution(values)
            for name, values in self.space.choices().items()
        }
        trial = self.study.ask(distributions)
        return str(trial.number), dict(trial.params)

    def _tell(self, number: int, result: dict[str, Any]) -> None:
        self.study.set_user_attr(f"{RESULT} {number}", result)
        if "reason" in result:
            self.study.tell(number, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(number, [float(result[name]) for name in OBJECTIVES])

    def results(self) -> list[tuple[int, dict[str, int], dict[str, Any]]]:
        """Number, point and result of each trial that was made."""
        attributes = self.study.user_attrs
        return [
            (trial.number, dict(trial.params), attributes[f"{RESULT} {trial.number}"])
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.is_finished()
        ]

    def front(self) -> list[int]:
        """Numbers of the trials that none is better than in everything, by cycles."""
        best = {trial.number: trial.values[0] for trial in self.study.best_trials}
        return sorted(best, key=best.__getitem__)


def _given(waiting: deque[tuple[str, Point]], more: Callable[[], bool]) -> Iterator[tuple[str, Point] | None]:
    """What waits; None while nothing does but more will come."""
    while waiting or more():
        yield waiting.popleft() if waiting else None


def _storage(place: str) -> Any:
    if "://" in place:
        return place
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".db", ".sqlite"):
        return f"sqlite:///{path}"
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
