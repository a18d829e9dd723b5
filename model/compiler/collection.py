"""Python's search for cycles of objects, paused where there are none to be found."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Pause it for a while; also as a decorator.

    What planning makes lives until it ends and refers to nothing in circles: to look through all of it again
    and again takes a third of its time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
