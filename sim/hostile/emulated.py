"""Hostile images in the emulator."""

import random
from collections import Counter
from collections.abc import Iterable

from pointwise.hw.contract.errors import PointwiseError, Refused
from pointwise.hw.contract.isa import Base
from pointwise.model.emulator import Emulator, Order

from .expected import possible_ends
from .programs import CONFIG, Hostile, hostile, real

CLEAN_EVERY = 50
"""Cases between two runs of a real network that must not have changed."""
NO_BASES = dict.fromkeys(Base, 0)


class Broken(AssertionError):
    """A promise that did not hold, with the case."""


def emulate(seeds: Iterable[int]) -> Counter[str]:
    """Run cases; every one ends, in a result, a refusal or a sentence, and leaves all else as it was.

    Returns:
        How they ended: by the name of the error, ``ran``, or ``not sound``.

    Raises:
        Broken: the emulator refused what a core would not, or the other way round, or changed what it may
            only read; or a real network's run was another one afterwards.
    """
    ends: Counter[str] = Counter()
    wanted = _clean_output()
    for number, seed in enumerate(seeds):
        ends[_case(seed, hostile(seed))] += 1
        if number % CLEAN_EVERY == 0 and _clean_output() != wanted:
            raise Broken(f"a real network gives another result after the hostile image of seed {seed}")
    return ends


def _case(seed: int, case: Hostile) -> str:
    rng = random.Random(seed)
    block = rng.randbytes(case.input_bytes)
    possible = possible_ends(case.image, case.windows, NO_BASES, CONFIG)
    try:
        emulator = Emulator(case.image, CONFIG, seed)
        if emulator.header.input_bytes != case.input_bytes:
            return "other sizes"
        emulator.run(block, rng.choice(list(Order)), output_bytes=case.output_bytes)
    except Refused as refused:
        known = {(end.error, end.instruction) for end in possible}
        if (refused.error, refused.instruction or 0) not in known:
            raise Broken(f"seed {seed}: {refused}; a core would end in one of {sorted(known)}") from refused
        return refused.error.name
    except PointwiseError:
        return "not sound"
    if emulator.image != case.image:
        raise Broken(f"seed {seed}: the image was written")
    if all(end.error.name not in ("NONE", "WATCHDOG") for end in possible):
        raise Broken(f"seed {seed}: it ran, and a core would have ended in {possible}")
    return "ran"


def _clean_output() -> bytes:
    compiled, block = real(0)
    return Emulator(compiled.image, CONFIG).run(block)
