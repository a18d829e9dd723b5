"""The process under a Dask worker that does parts. It does not import Dask, which takes a second."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointwise.hw.contract.errors import PointwiseError

from .here import Here, here, settle
from .job import code_digest


class PartProcess:
    """The function of a job inside the process that does its parts; errors become texts there."""

    def __init__(self, make: bytes, code: str) -> None:
        self.trouble: tuple[str, str] | None = None
        if code_digest() != code:
            self.trouble = "its code has changed since it was started; start it anew", ""
            return
        try:
            self.work = pickle.loads(make)()
        except PointwiseError as error:
            self.trouble = str(error), ""
        except Exception as error:
            self.trouble = sentence_of(error), traceback.format_exc()

    def __call__(self, part: tuple[bytes, Mapping[Path, Path]]) -> bytes | tuple[str, str]:
        if self.trouble:
            return self.trouble
        surroundings = here()
        settle(Here(places={**surroundings.places, **part[1]}))
        try:
            return pickle.dumps(self.work(pickle.loads(part[0])))
        except PointwiseError as error:
            return str(error), ""
        except Exception as error:
            return sentence_of(error), traceback.format_exc()
        finally:
            settle(surroundings)


def sentence_of(error: BaseException) -> str:
    """Of an error that is a bug."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@dataclass(frozen=True)
class Made:
    """Makes the function of a job in a process."""

    make: bytes
    code: str

    def __call__(self) -> PartProcess:
        return PartProcess(self.make, self.code)


@dataclass(frozen=True)
class Kept:
    """Makes the function of a job that lies pickled in a file, as it is large."""

    path: Path

    def __call__(self) -> Callable[[Any], Any]:
        return pickle.loads(here().located(self.path).read_bytes())()
