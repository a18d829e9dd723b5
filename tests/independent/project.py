"""What the comparisons share: a core as both sides see it, and how many cases are run."""

import os

from hw.contract.config import CoreConfig
from tests.independent.reference.core import Core

CASES = "POINTWISE_CASES"
"""Environment variable: runs that many times as many random cases, for a nightly run."""


def cases(count: int) -> range:
    """Seeds of random cases."""
    return range(count * int(os.environ.get(CASES, "1")))


def core_of(config: CoreConfig) -> Core:
    """What the core's read-only registers would say."""
    return Core(
        rows=config.rows,
        cols=config.cols,
        lanes=config.post_lanes,
        bus_bytes=config.axi_data_width // 8,
        max_tokens=config.max_tokens,
        act_words=config.act_words,
        res_words=config.res_words,
    )
