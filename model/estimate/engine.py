"""The engine on the level of tiles: when the loader has filled one, and when the streamer starts it.

All times are cycles of a run. Each convolution goes through loader, streamer and epilogue tile by tile; as
soon as its tiles (or its N-tiles) repeat themselves, the rest of them is passed over at once.
"""

from collections import deque
from math import inf

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.isa import Conv, Prologue, StationarySource
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.stream import (
    PLANES,
    TABLE_ENTRIES,
    k_tiles,
    shift_rows,
    stream_rows,
    table_lanes,
    table_rows,
    tiles,
    weight_rows,
)
from pointwise.hw.contract.timing import (
    DEPEND,
    ISSUE,
    READS,
    ROOM,
    SETTLE,
    STREAM_REVISIT,
    TABLE_BANKS,
    Timing,
)
from pointwise.hw.contract.walks import group_tiles, row_length

from .banks import BankSchedule, Pass, Reads, collisions, share_a_bank, stationary_reads
from .channel import Channel
from .dma import DmaEngine
from .epilogue import Epilogue, Job
from .repetition import Causes, Repetition, State, recent

SPARE = 1.05
"""A stream that is so much faster than it is used will not hold up anything."""


class Engine:
    """Loader, streamer and epilogue.

    Args:
        config: the core. rows: the stationary stream. dma: LOADs and STOREs.
        reads: of the activation SRAM, for the streamer's to be noted.

    Attributes:
        causes: cycles by cause so far. free: first cycle after the last token that was streamed.
    """

    def __init__(self, config: CoreConfig, rows: Channel, dma: DmaEngine, reads: BankSchedule) -> None:
        self.config, self.rows, self.dma, self.reads = config, rows, dma, reads
        self.timing = Timing(config)
        self.epilogue = Epilogue(config, dma)
        self.causes = dict.fromkeys(Cause, 0.0)
        self.free = 0.0
        self._start = -float(self.timing.shortest_tile)  # of the last tile
        self._loader = 0.0  # when the loader can do the next thing, or has the tile ready
        self._exponentials: deque[float] = deque(
            [-inf] * TABLE_BANKS, TABLE_BANKS
        )  # their banks are free again
        self._activations: deque[float] = deque([-inf] * TABLE_BANKS, TABLE_BANKS)
        self._streamed: Reads | None = (
            None  # what the streamer reads of the activation SRAM for the last tile
        )
        self._limited = False  # the last tile waited for its stream

    def run(self, job: Job) -> None:
        """Take a convolution through all units; fills in the times of ``job``."""
        conv, config = job.conv, self.config
        job.by_loader = max(self._loader, job.offered)
        job.by_streamer = max(self.free - 2, job.offered + SETTLE, self._start + SETTLE)
        self._wait(Cause.IDLE, job.by_streamer + 2)
        self._load_tables(conv, job.by_loader + 1)
        n_tiles = tiles(conv.n, config.cols)
        rows = PLANES + k_tiles(conv, config) * self._tile_rows(conv)
        loop = Repetition()
        tile = 0
        while tile < n_tiles:
            limited = self._n_tile(job, tile, tile == n_tiles - 1)
            tile += 1
            tile += self._pass_over(loop, tile, n_tiles - tile - 1, rows, limited, whole=True)
        end = self.epilogue.finish(job)
        if conv.prologue == Prologue.EXPONENTIAL:
            self._exponentials.append(self.free - 1 + self.timing.exponentials)
        if conv.table:
            self._activations.append(end + self.timing.write)
        used = -(-stream_rows(conv, config) * config.row_bytes // config.bus_bytes)
        self.rows.drop(conv.stream_beats - used)

    def finish(self, cycles: float) -> dict[Cause, float]:
        """Cycles by cause of a run that takes ``cycles``."""
        self._wait(Cause.IDLE, cycles)
        return self.causes

    # The loader ---------------------------------------------------------------------------------------------

    def _load_tables(self, conv: Conv, at: float) -> None:
        """Load the tables; the loader goes on to the parameters behind them."""
        rows, cols = table_rows(self.config), self.config.cols
        lanes = table_lanes(self.config)
        last = TABLE_ENTRIES - (rows - 1) * cols
        exponential = conv.prologue == Prologue.EXPONENTIAL
        for wanted, ends in ((exponential, self._exponentials), (conv.table, self._activations)):
            if wanted:
                at = max(at, ends[0] + 1)
                if rows > 1:
                    at = self.rows.take(rows - 1, at, cols // lanes) + 1
                at = self.rows.take(1, at, last // lanes) + 1
        self._loader = at

    def _tile_rows(self, conv: Conv) -> int:
        """Rows of the stream for one tile."""
        return weight_rows(conv, self.config) + (shift_rows(self.config) if conv.shifts else 0)

    def _n_tile(self, job: Job, number: int, last: bool) -> bool:
        """Parameters and all K-tiles of an N-tile; returns whether the stream held them up."""
        want = max(self._loader, self.epilogue.free_bank())
        end = self.rows.take(PLANES, want)
        limited = end > want + PLANES - 1
        self._loader = end + 1
        count = k_tiles(job.conv, self.config)
        rows = self._tile_rows(job.conv)
        loop = Repetition()
        tile = 0
        while tile < count:
            self._load(job, number, tile)
            self._stream(job, number, tile, tile == count - 1)
            limited |= self._limited
            tile += 1
            tile += self._pass_over(loop, tile, count - tile - 1, rows, self._limited, whole=False)
        self.epilogue.append(job, self._start, last)
        return limited

    def _load(self, job: Job, n_tile: int, k_tile: int) -> None:
        """Fill the shadow weights; ``_loader`` becomes the cycle in which the tile is ready."""
        conv, config = job.conv, self.config
        at = self._loader
        self._limited = False
        if conv.shifts:
            rows = shift_rows(config)
            self._limited = (end := self.rows.take(rows, at) + 1) > at + rows
            at = end
        if conv.stationary == StationarySource.STREAM:
            want = max(at, self._start + 1)
            at = self._take_weights(conv, want)
            self._limited |= at > want + config.rows - 1
        else:
            reads = stationary_reads(conv, n_tile, k_tile, config)
            delay = config.rows if conv.stationary == StationarySource.KEYS else 1
            want = max(at, self._start + delay, job.depend + READS)
            self._collide(want + 1, reads)
            at = want + reads.count
        self._loader = at + 1

    def _take_weights(self, conv: Conv, want: float) -> float:
        """Fill the rows of the array, one a cycle; rows of the stream may hold several of them."""
        if conv.diagonal:
            return self.rows.take(1, want, self.config.rows)
        each = 1 << conv.packing
        whole, rest = divmod(self.config.rows, each)
        at = self.rows.take(whole, want, each) if whole else want - 1
        return self.rows.take(1, at + 1, rest) if rest else at

    def _collide(self, begin: float, reads: Reads) -> None:
        """The loader reads while the streamer reads for the tile before, and goes first."""
        if self._streamed is None or begin >= self.free:
            return
        lost = collisions(reads, self._streamed, int(begin - self._start), self.config)
        self._wait(Cause.BANK, self.free + lost)

    # The streamer -------------------------------------------------------------------------------------------

    def _wait(self, cause: Cause, until: float) -> None:
        """Count the cycles from ``free`` to ``until``, if that is later, and go on from there."""
        if until > self.free:
            self.causes[cause] += until - self.free
            self.free = until

    def _stream(self, job: Job, n_tile: int, k_tile: int, last: bool) -> None:
        """Start the tile that the loader has ready, and stream its tokens."""
        conv, tokens = job.conv, job.conv.tokens
        room = self.epilogue.room(tokens) + ROOM if last else -inf
        spaced = self._start + STREAM_REVISIT
        depend = job.depend + ISSUE
        if conv.chained and n_tile == 0:
            depend = max(depend, self.dma.row(conv.wait_dma, k_tile // conv.taps) + DEPEND + ISSUE)
        if job.before is not None:
            depend = max(depend, self._results(job, n_tile, k_tile // conv.taps) + DEPEND + ISSUE)
        start = max(self.free, depend, self._loader, spaced, room)
        self._wait(Cause.DEPEND, depend)
        self._wait(Cause.SHORT, min(start, self._start + self.timing.shortest_tile))
        self._wait(Cause.TILE, min(start, max(self._loader, spaced)))
        self._wait(Cause.OUTPUT, start)
        self._start = start
        self.free = start + tokens
        self.causes[Cause.STREAM] += tokens
        self._streamed = None
        if conv.prologue != Prologue.NORMALISE:
            word = k_tile // conv.taps
            address = conv.in_base + word * conv.in_tile_stride
            self._streamed = Reads(address, conv.in_token_stride, tokens)
            self._note_reads(conv, n_tile, k_tile)
        self.reads.until = self.free
        first, until = self.epilogue.adding
        if start <= until and self.free > first and self._meets_additions(conv, n_tile, k_tile):
            self._wait(Cause.BANK, self.free + until + 1 - max(start, first))

    def _results(self, job: Job, n_tile: int, word: int) -> float:
        """Cycle from which a K-tile may read what the convolution before makes of ``word``."""
        before, config = job.before, self.config
        assert before is not None
        count, words = tiles(before.conv.n, config.cols), word - job.conv.lead_words + 1
        if not n_tile and words <= 0:
            return -inf
        back = count - tiles(words * config.rows, config.cols)
        return before.done if n_tile or back <= 0 else before.written(back)

    def _note_reads(self, conv: Conv, n_tile: int, k_tile: int) -> None:
        """Note which banks the tile that was started last reads, for who goes behind the streamer."""
        word, tap = divmod(k_tile, conv.taps)
        line, column = divmod(tap, conv.extra_taps + 1)
        first = conv.in_base + word * conv.in_tile_stride + column * conv.in_tap_stride
        first += line * conv.in_tap_row_stride + n_tile // group_tiles(self.config) * conv.in_group_stride
        row = row_length(conv)
        reach = (row - 1) * conv.in_token_stride + (conv.tokens // row - 1) * conv.in_row_stride
        self.reads.take(Pass(first, first + reach, self._start, conv.tokens))

    def _meets_additions(self, conv: Conv, n_tile: int, k_tile: int) -> bool:
        """Whether the epilogue reads what it adds to out of a bank that the streamer reads; it goes first."""
        added = self.epilogue.added
        if added is None or added.to_residual != (conv.prologue == Prologue.NORMALISE):
            return False
        if added.to_residual:
            return True
        group = n_tile // group_tiles(self.config)
        first = conv.in_base + k_tile // conv.taps * conv.in_tile_stride + group * conv.in_group_stride
        old = added.out_base + added.add_offset
        words = tiles(added.n, self.config.rows)
        reach = (added.tokens - 1) * added.out_token_stride + (words - 1) * added.out_word_stride
        return share_a_bank((first, first + conv.tokens - 1), (old, old + reach), self.config)

    # Repetition ---------------------------------------------------------------------------------------------

    def _pass_over(
        self, loop: Repetition, tile: int, left: int, rows: int, limited: bool, *, whole: bool
    ) -> int:
        """Pass over tiles that will be as some before them were; returns how many.

        Args:
            loop: states after earlier tiles. tile: tiles that are behind us.
            left: how many may be passed over. rows: of the stream for each of them.
            limited: the last one waited for its stream. whole: these are N-tiles.
        """
        if left < 1 or not self.dma.idle:
            return 0
        now = self._start
        state: State = (round(self._loader - now, 2), round(self.free - now, 2))
        if whole:
            state += self.epilogue.state(now)
        if rows and (limited or rows * self._row_pace() > loop.period(now)):
            state += self.rows.state(now)
        found = loop.find(state, tile, now, self.causes)
        if found is None:
            return 0
        length, cycles, causes = found
        times = left // length
        if not times or (rows and not self.rows.skip(times * length * rows)):
            return 0
        for cause in Cause:
            self.causes[cause] += causes[cause] * times
        self._shift(cycles * times, whole)
        loop.forget()
        return times * length

    def _row_pace(self) -> float:
        """Cycles a row that the stream can keep up, with some to spare."""
        config, memory = self.config, self.rows.memory
        round_trip = memory.latency + 3 * memory.pause + config.axi_burst * memory.beat + 8
        under_way = min(config.stream_beats, self.rows.bus.limit * config.axi_burst)
        beat = max(memory.beat, round_trip / under_way)
        return SPARE * max(1.0, beat * config.row_bytes / config.bus_bytes)

    def state(self) -> State:
        """What decides the course of the convolutions to come, relative to ``free``."""
        now = self.free
        tables = (*self._exponentials, *self._activations)
        own = (at - now for at in (self._start, self._loader, *self.epilogue.adding, *tables))
        others = (*self.epilogue.state(now), *self.rows.state(now))
        return (self._streamed, *(recent(value) for value in (*own, *others)))

    def repeat(self, before: Causes, times: int, cycles: float) -> None:
        """Pass over convolutions that were followed once, in ``cycles`` and since the causes ``before``."""
        self.causes = {cause: value + times * (value - before[cause]) for cause, value in self.causes.items()}
        self._shift(cycles * times, whole=True)
        self.rows.ask_later(cycles * times)
        for tables in (self._exponentials, self._activations):
            tables.extend([at + cycles * times for at in tables])

    def _shift(self, cycles: float, whole: bool) -> None:
        """Let time pass in which tiles repeat themselves; the epilogue goes on where whole N-tiles do."""
        self._start += cycles
        self._loader += cycles
        self.free += cycles
        self.rows.shift(cycles)
        self.rows.bus.shift(cycles)
        if whole:
            self.epilogue.shift(cycles)
