"""An instruction-level emulator of the core: from an image and an input block to the output block.

It sees nothing but bytes, as the core does, and keeps the core's promise about order and no more:
convolutions start in program order and complete in program order, DMA runs in program order, and between
those only the wait counts of the instructions hold. ``Order`` chooses among what is allowed at each moment,
so that a program with a wait too few gives a wrong result under one of them."""

import enum
from collections.abc import Iterator

import numpy as np

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.decoding import decode
from pointwise.hw.contract.errors import PointwiseError, Refused
from pointwise.hw.contract.image import check
from pointwise.hw.contract.isa import INSTRUCTION_BYTES, Base, Conv, Dma, End
from pointwise.hw.contract.legal import core_bounds
from pointwise.hw.contract.registers import Error
from pointwise.hw.contract.sound import faults
from pointwise.hw.contract.stream import tiles
from pointwise.hw.contract.windows import check_stream

from .datapath import Started, finish, finish_words, interleave, read_early, start
from .machine import Machine
from .steps import overtakes_itself


class Event(enum.Enum):
    """What can happen next."""

    START = "start"
    """The next convolution reads its operands."""
    FINISH = "finish"
    """The oldest convolution under way runs its epilogue and completes."""
    DMA = "dma"
    """The next LOAD or STORE."""


class Order(enum.Enum):
    """Which event is taken of those that are allowed: the first of the list, or with RANDOM any."""

    SEQUENTIAL = (Event.FINISH, Event.DMA, Event.START)
    DMA_FIRST = (Event.DMA, Event.FINISH, Event.START)
    DMA_FIRST_LATE_WRITES = (Event.DMA, Event.START, Event.FINISH)
    DMA_LAST = (Event.FINISH, Event.START, Event.DMA)
    LATE_WRITES = (Event.START, Event.DMA, Event.FINISH)
    LATE_WRITES_DMA_LAST = (Event.START, Event.FINISH, Event.DMA)
    RANDOM = ()


class Emulator:
    """A core with an image in its DRAM.

    Args:
        image: the memory image; image and program are checked as the core does, and for what no core checks.
        seed: of the noise in memories, and of ``Order.RANDOM``.

    Raises:
        Refused: the core would refuse the image, an instruction or its stream, with the same code.
        PointwiseError: an instruction breaks a promise that no core checks (``pointwise.hw.contract.sound``).
    """

    def __init__(self, image: bytes, config: CoreConfig, seed: int = 0) -> None:
        self.header = check(image, config)
        self.config = config
        self._image = bytearray(image)
        self._seed = seed
        self.program = self._decode()

    @property
    def image(self) -> bytes:
        """The image as it lies in DRAM now."""
        return bytes(self._image)

    def run(
        self,
        input_block: bytes,
        order: Order = Order.SEQUENTIAL,
        *,
        output_bytes: int | None = None,
        cleared: bool = False,
    ) -> bytes:
        """Run the program once on fresh memories, which hold noise.

        Args:
            output_bytes: length of the output's window, else that of the header's block. Those of image
                and input are the lengths of both.
            cleared: memories are as a clear leaves them.

        Returns:
            The output block; bytes that the program does not write are noise.

        Raises:
            Refused: a row of a LOAD or STORE leaves its window.
            PointwiseError: the input block has another size than the program says, or a stream's contents are
                not sound.
        """
        if len(input_block) != self.header.input_bytes:
            raise PointwiseError(
                f"the input block has {len(input_block)} bytes, the program reads {self.header.input_bytes}"
            )
        size = self.header.output_bytes if output_bytes is None else output_bytes
        machine = Machine(self.config, self._seed)
        if cleared:
            machine.clear()
        machine.dram[Base.IMAGE] = self._image
        machine.dram[Base.INPUT] = bytearray(input_block)
        machine.dram[Base.OUTPUT] = bytearray(machine.noise.bytes(size))
        _Run(machine, self.program, order, np.random.default_rng([self._seed, 1])).run()
        return bytes(machine.dram[Base.OUTPUT])

    def _decode(self) -> list[Conv | Dma]:
        program: list[Conv | Dma] = []
        bounds = core_bounds(self.config) | {"convs": 0, "dmas": 0}
        for index in range(self.header.program_length):
            first = self.header.program_offset + index * INSTRUCTION_BYTES
            instruction = decode(bytes(self._image[first : first + INSTRUCTION_BYTES]), bounds, index)
            if isinstance(instruction, End):
                return program
            if isinstance(instruction, Conv):
                check_stream(instruction, {Base.IMAGE: len(self._image)}, self.config, index)
            for fault in faults(instruction, self.config):
                name = "CONV" if isinstance(instruction, Conv) else "STORE" if instruction.store else "LOAD"
                raise PointwiseError(f"instruction {index}: a {name} {fault}; the program is not sound")
            bounds["convs" if isinstance(instruction, Conv) else "dmas"] += 1
            program.append(instruction)
        index = self.header.program_length - 1
        raise Refused("the program ended without END; the image is damaged", Error.PROGRAM, index)


class _Run:
    """One run of a program: two queues and what is under way."""

    def __init__(
        self, machine: Machine, program: list[Conv | Dma], order: Order, rng: np.random.Generator
    ) -> None:
        self.machine, self.order, self.rng = machine, order, rng
        self.config = machine.config
        self.convs = [i for i in program if isinstance(i, Conv)]
        self.dmas = [i for i in program if isinstance(i, Dma)]
        self.places = [index for index, i in enumerate(program) if isinstance(i, Dma)]
        self.under_way: list[Started] = []
        self.started = self.finished = self.transferred = 0

    def run(self) -> None:
        """Until everything is complete."""
        actions = {Event.START: self._start, Event.FINISH: self._finish, Event.DMA: self._transfer}
        while self.finished < len(self.convs) or self.transferred < len(self.dmas):
            allowed = self._allowed()  # something is, as instructions wait for earlier ones only
            if self.order is Order.RANDOM:
                event = allowed[self.rng.integers(len(allowed))]
            else:
                event = next(event for event in self.order.value if event in allowed)
            actions[event]()

    def _allowed(self) -> list[Event]:
        allowed = []
        if self.started < len(self.convs) and self._may_start(self.convs[self.started]):
            allowed.append(Event.START)
        if self.under_way and self.under_way[0].conv.post_wait_dma <= self.transferred:
            allowed.append(Event.FINISH)
        if self.transferred < len(self.dmas) and self._waited(self.dmas[self.transferred]):
            allowed.append(Event.DMA)
        return allowed

    def _waited(self, instruction: Conv | Dma) -> bool:
        return instruction.wait_conv <= self.finished and instruction.wait_dma <= self.transferred

    def _may_start(self, conv: Conv) -> bool:
        if self._waited(conv) or (self._follows(conv) and conv.wait_conv <= self.finished):
            return True
        return self._trails(conv) and conv.wait_dma <= self.transferred

    def _trails(self, conv: Conv) -> bool:
        """The convolution whose words it reads as they come is the oldest one, and its epilogue may begin."""
        if not conv.pipelined or self.finished != conv.wait_conv - 1 or not self.under_way:
            return False
        return self.under_way[0].conv.post_wait_dma <= self.transferred

    def _follows(self, conv: Conv) -> bool:
        """Its LOAD is at work: the one before is complete, and it has itself nothing to wait for."""
        if not conv.chained or self.transferred != conv.wait_dma - 1:
            return False
        load = self.dmas[self.transferred]
        return not load.store and self._waited(load)

    def _start(self) -> None:
        conv = self.convs[self.started]
        self.started += 1
        follows = self._follows(conv)
        if self._writes_early(conv) and not follows and overtakes_itself(self.machine, conv):
            interleave(self.machine, conv)
            self.finished += 1
            return
        # The rows that arrive in front of it are moved again when the whole LOAD comes to its turn.
        arriving = self._rows() if follows else self._words(conv) if self._trails(conv) else None
        self.under_way.append(start(self.machine, conv, arriving))

    def _writes_early(self, conv: Conv) -> bool:
        """Whether its epilogue begins at once: it may, and the order wants it so."""
        if self.under_way or conv.post_wait_dma > self.transferred:
            return False
        if self.order is Order.RANDOM:
            return bool(self.rng.integers(2))
        return self.order.value.index(Event.FINISH) < self.order.value.index(Event.START)

    def _finish(self) -> None:
        oldest = self.under_way.pop(0)
        early = self.order is not Order.RANDOM or self.rng.integers(2)
        if early and self.under_way and self.under_way[0].conv.post_wait_dma <= self.transferred:
            read_early(self.machine, self.under_way[0])
        finish(self.machine, oldest)
        self.finished += 1

    def _transfer(self) -> None:
        self.machine.transfer(self.dmas[self.transferred], self.places[self.transferred])
        self.transferred += 1

    def _words(self, conv: Conv) -> Iterator[None]:
        """For each word that is streamed, the words of the oldest convolution's results that it waits for."""
        needed = finish_words(self.machine, self.under_way[0], tiles(conv.k, self.config.rows) + 1)
        next(needed)  # none
        for word in range(tiles(conv.k, self.config.rows)):
            if word >= conv.lead_words:
                next(needed, None)
            yield
        yield from needed

    def _rows(self) -> Iterator[None]:
        return self.machine.rows_of(self.dmas[self.transferred], self.places[self.transferred])
