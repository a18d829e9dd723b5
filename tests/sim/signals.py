"""Processes that a test ends."""

import signal


def heeds_interruptions() -> None:
    """For ``preexec_fn``: who is started in the background of a shell inherits that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
