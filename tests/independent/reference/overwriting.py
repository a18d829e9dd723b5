"""Whether a CONV writes over what it reads later, which is a promise that nobody checks."""

import numpy as np

from tests.independent.reference import footprint, picture
from tests.independent.reference.core import Core
from tests.independent.reference.fields import Conv, Prologue, StationarySource


def writes_what_it_reads_later(conv: Conv, core: Core) -> bool:
    """Whether a result lies in a word that is read after the token of the result has been.

    Each N-tile has T + 1 moments: at the first of them K or V and all K-tiles but the last have been read, at
    each other one a token of the last K-tile has been; and its result may be written.
    """
    last: dict[int, int] = {}
    for moment, places in _reads(conv, core):
        last.update(dict.fromkeys(places, moment))
    results, rows, moments = footprint.result_words(conv, core), core.rows, conv.tokens + 1
    for word in range(results.shape[1]):
        tile = word * rows // core.cols  # the first of those that write into this word
        for token, place in enumerate(results[:, word].tolist()):
            if last.get(place, -1) > tile * moments + token + 1:
                return True
    return False


def _reads(conv: Conv, core: Core):
    """Moments in their order, and the words of the result's memory that have been read by then."""
    sizes, moments = picture.Sizes.of(conv, core), conv.tokens + 1
    streamed = (conv.prologue == Prologue.NORMALISE) == bool(conv.to_residual)
    held = conv.stationary != StationarySource.STREAM and not conv.to_residual
    inside = picture.inside(conv)
    for tile in range(sizes.tiles):
        if held:
            yield tile * moments, _held(conv, core, tile)
        if streamed:
            addresses = picture.addresses(conv, core, tile)
            early = np.broadcast_to(inside, addresses.shape).copy()
            early[-1, -1] = False
            yield tile * moments, addresses[early].tolist()
            for token in np.flatnonzero(inside[-1]).tolist():
                yield tile * moments + token + 1, [int(addresses[-1, -1, token])]


def _held(conv: Conv, core: Core, tile: int) -> list[int]:
    """Words of K or V that an N-tile loads."""
    places, first = footprint.stationary_words(conv, core), tile * core.cols
    end = min(first + core.cols, conv.n)
    if conv.stationary == StationarySource.KEYS:
        return places[first:end].ravel().tolist()
    return places[:, first // core.rows : (end - 1) // core.rows + 1].ravel().tolist()
