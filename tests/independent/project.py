"""What the comparisons share: a core as both sides see it, and how many cases are run."""

import json
import os

from pointwise.hw.contract.config import CoreConfig
from tests.independent.reference.core import Core

CASES = "POINTWISE_CASES"
"""Environment variable: runs that many times as many random cases, for a nightly run."""


def cases(count: int) -> range:
    """Seeds of random cases."""
    return range(count * int(os.environ.get(CASES, "1")))


def core_of(config: CoreConfig) -> Core:
    """The core of a configuration, from the JSON that lies beside every image."""
    core = Core.from_configuration(json.loads(config.to_json()))
    assert (core.act_words, core.res_words) == (config.act_words, config.res_words)
    return core
