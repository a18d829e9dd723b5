"""What the tests of the host's side share: the host on a make-believe line."""

import pytest


@pytest.fixture
def board_on(monkeypatch):
    """A function from a bridge to the board behind it."""
    # LiteX may be missing; then the tests skip themselves.
    import serial

    from pointwise.sim.board import link
    from pointwise.sim.board.device import Board

    def make(bridge):
        description = bridge.description
        monkeypatch.setattr(serial, "serial_for_url", lambda port, baud: bridge)
        monkeypatch.setattr(link.time, "sleep", bridge.sleep)
        return Board(description, link.connect(description, "/dev/ttyBOARD", None))

    return make
