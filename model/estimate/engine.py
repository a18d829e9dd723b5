"""The engine on the level of tiles: when the loader has filled one, the streamer starts it, the epilogue is done.

All times are cycles of a run. Each convolution goes through loader, streamer and epilogue in turn, tile by tile; as soon
as the tiles (or the N-tiles) of a convolution repeat themselves, the rest of them is passed over at once.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf

from hw.contract.config import CoreConfig
from hw.contract.isa import Conv, Prologue, Stationary
from hw.contract.registers import Cause
from hw.contract.stream import PLANES, TABLE_ENTRIES, shift_rows, stream_rows, table_rows, tiles
from hw.contract.timing import (
    PARAMETER_BANKS,
    STREAM_REVISIT,
    TABLE_BANKS,
    WALK_REVISIT,
    Timing,
)

from .banks import Reads, collisions
from .channel import Channel
from .dma import DmaEngine

REPEATS = 32
"""Tiles within which a repetition is looked for."""


@dataclass
class Job:
    """A convolution on its way.

    Attributes:
        conv: the instruction. offered: cycle in which its parts are at the heads of empty queues.
        depend: cycle from which its operands are there.
        by_loader, by_streamer, by_epilogue: cycles in which these take it over.
        done: cycle from which it counts as complete.
    """

    conv: Conv
    offered: float
    depend: float = 0
    by_loader: float = 0
    by_streamer: float = 0
    by_epilogue: float = 0
    done: float = 0


@dataclass
class Engine:
    """Loader, streamer and epilogue between two convolutions.

    Attributes:
        config: the core. rows: the stationary stream. dma: LOADs and STOREs.
        causes: cycles by cause so far. free: first cycle after the last token that was streamed.
    """

    config: CoreConfig
    rows: Channel
    dma: DmaEngine
    causes: dict[Cause, float] = field(default_factory=lambda: dict.fromkeys(Cause, 0.0))
    free: float = 0.0

    def __post_init__(self) -> None:
        self.timing = Timing(self.config)
        self._start = -float(self.timing.shortest_tile)  # of the last tile
        self._loader = 0.0  # the loader can take a convolution, or do the next thing for the one at work
        self._walker = 0.0  # likewise the epilogue
        self._tile_ends: deque[float] = deque([-inf] * PARAMETER_BANKS, PARAMETER_BANKS)
        self._exp_ends: deque[float] = deque([-inf] * TABLE_BANKS, TABLE_BANKS)
        self._act_ends: deque[float] = deque([-inf] * TABLE_BANKS, TABLE_BANKS)
        self._unwalked: list[tuple[Job, float, bool]] = []  # N-tiles that the epilogue has still to be followed through
        self._walks: deque[list[float]] = deque()  # N-tiles: first token's number, tokens, begin, cycles a token
        self._promised = 0  # tokens that were sent to the output FIFO
        self._adding = (-inf, -inf)  # when the epilogue last read the residual SRAM, first and last cycle
        self._streamed: Reads | None = None  # what the streamer reads for the last tile
        self._limited = False  # the last tile waited for its stream

    # A convolution -------------------------------------------------------------------------------------------

    def run(self, job: Job) -> None:
        """Take a convolution through all units; fills in the times of ``job``."""
        conv, config = job.conv, self.config
        job.by_loader = max(self._loader, job.offered)
        job.by_streamer = max(self.free - 1, job.offered)
        active = job.by_streamer + 1
        self._wait(Cause.IDLE, active)
        self._tables(conv, job.by_loader + 1)
        n_tiles = tiles(conv.n, config.cols)
        seen: dict[tuple[float, ...], tuple[int, float, dict[Cause, float]]] = {}
        tile = 0
        while tile < n_tiles:
            last = tile == n_tiles - 1
            limited = self._n_tile(job, tile, last)
            tile += 1
            if n_tiles - tile < 2:
                continue
            rows = PLANES + tiles(conv.k, config.rows) * self._tile_rows(conv)
            tile += self._repeat(seen, tile, n_tiles - tile - 1, rows, conv, limited, n_tile=True)
        self._catch_up()
        self._finish(job, self._walker - 1)

    def finish(self, cycles: float) -> dict[Cause, float]:
        """Cycles by cause of a run that takes ``cycles``."""
        self._wait(Cause.IDLE, cycles)
        return self.causes

    def _finish(self, job: Job, end: float) -> None:
        """The convolution's last group is in the epilogue in the cycle ``end``."""
        conv, timing = job.conv, self.timing
        job.done = end + (timing.settle if conv.sums else timing.done) + 1
        if conv.sums:
            self._walker = end + timing.settle + 2
        if conv.prologue == Prologue.EXPONENTIAL:
            self._exp_ends.append(self.free - 1 + timing.exponentials)
        if conv.table:
            self._act_ends.append(end + timing.write)
        row_bytes, bus_bytes = self.config.row_bytes, self.config.bus_bytes
        used = -(-stream_rows(conv, self.config) * row_bytes // bus_bytes)
        self.rows.drop(conv.stream_beats - used)

    def _tables(self, conv: Conv, at: float) -> None:
        """Load the tables; the loader goes on to the parameters behind them."""
        rows, cols = table_rows(self.config), self.config.cols
        last = TABLE_ENTRIES - (rows - 1) * cols
        for wanted, ends in ((conv.prologue == Prologue.EXPONENTIAL, self._exp_ends), (conv.table, self._act_ends)):
            if wanted:
                at = max(at, ends[0] + 1)
                if rows > 1:
                    at = self.rows.take(rows - 1, at, cols) + 1
                at = self.rows.take(1, at, last) + 1
        self._loader = at

    def _tile_rows(self, conv: Conv) -> int:
        """Rows of the stream for one tile."""
        weights = self.config.rows if conv.stationary == Stationary.STREAM else 0
        return weights + (shift_rows(self.config) if conv.shifts else 0)

    def _n_tile(self, job: Job, number: int, last: bool) -> bool:
        """All K-tiles of an N-tile; returns whether the stream held them up."""
        conv, config = job.conv, self.config
        if len(self._unwalked) == PARAMETER_BANKS:
            self._catch_up()
        free_bank = self._tile_ends[len(self._unwalked)] + 1
        want = max(self._loader, free_bank)
        end = self.rows.take(PLANES, want)
        limited = end > want + PLANES - 1
        self._loader = end + 2
        k_tiles = tiles(conv.k, config.rows)
        seen: dict[tuple[float, ...], tuple[int, float, dict[Cause, float]]] = {}
        tile = 0
        while tile < k_tiles:
            self._load(job, number, tile)
            self._stream(job, number, tile, tile == k_tiles - 1)
            limited |= self._limited
            tile += 1
            self._loader += 1
            if tile < k_tiles:
                self._loader += 1
                if k_tiles - tile >= 2:
                    rows = self._tile_rows(conv)
                    tile += self._repeat(seen, tile, k_tiles - tile - 1, rows, conv, self._limited, n_tile=False)
        self._unwalked.append((job, self._start, last))
        return limited

    def _load(self, job: Job, n_tile: int, k_tile: int) -> None:
        """Fill the shadow weights; ``_loader`` becomes the cycle in which the tile is ready."""
        conv, config = job.conv, self.config
        at = self._loader
        self._limited = False
        if conv.shifts:
            want = max(at, self._start + 1)
            rows = shift_rows(config)
            at = self.rows.take(rows, want) + 1
            self._limited = at > want + rows
        if conv.stationary == Stationary.STREAM:
            want = max(at, self._start + 1)
            at = self.rows.take(config.rows, want)
            self._limited |= at > want + config.rows - 1
        else:
            reads = self._stationary_reads(conv, n_tile, k_tile)
            delay = config.rows if conv.stationary == Stationary.KEYS else 1
            want = max(at, self._start + delay, job.depend)
            self._collide(want, reads)
            at = want + reads.count - 1
        self._loader = at + 1

    def _stationary_reads(self, conv: Conv, n_tile: int, k_tile: int) -> Reads:
        """The words of K or V that a tile takes."""
        config = self.config
        if conv.stationary == Stationary.KEYS:
            count = min(config.cols, conv.n - n_tile * config.cols)
            first = conv.stat_base + n_tile * config.cols * conv.stat_token_stride + k_tile * conv.stat_word_stride
            return Reads(first, conv.stat_token_stride, count, 1)
        words = max(1, config.cols // config.rows)
        count = min(config.rows, conv.k - k_tile * config.rows)
        first = conv.stat_base + k_tile * config.rows * conv.stat_token_stride
        first += n_tile * config.cols // config.rows * conv.stat_word_stride
        return Reads(first, conv.stat_token_stride, count * words, words)

    # The streamer --------------------------------------------------------------------------------------------

    def _wait(self, cause: Cause, until: float) -> None:
        """Count the cycles from ``free`` to ``until``, if that is later, and go on from there."""
        if until > self.free:
            self.causes[cause] += until - self.free
            self.free = until

    def _stream(self, job: Job, n_tile: int, k_tile: int, last: bool) -> None:
        """Start the tile that the loader has ready, and stream its tokens."""
        conv = job.conv
        tokens = conv.tokens
        room = self._room(tokens) if last else -inf
        start = max(self.free, job.depend, self._loader, self._start + STREAM_REVISIT, room)
        self._wait(Cause.DEPEND, job.depend)
        self._wait(Cause.SHORT, min(start, self._start + self.timing.shortest_tile))
        self._wait(Cause.TILE, min(start, max(self._loader, self._start + STREAM_REVISIT)))
        self._wait(Cause.OUTPUT, start)
        self._start = start
        self.free = start + tokens
        self.causes[Cause.STREAM] += tokens
        normalise = conv.prologue == Prologue.NORMALISE
        if normalise:
            self._streamed = None
            first, until = self._adding
            if start <= until and self.free > first:
                self._wait(Cause.BANK, self.free + until + 1 - max(start, first))
        else:
            address = conv.in_base + k_tile * conv.in_tile_stride
            self._streamed = Reads(address, conv.in_token_stride, tokens, 1)

    def _collide(self, begin: float, reads: Reads) -> None:
        """The loader reads words while the streamer reads those of the tile before, and goes first."""
        streamed = self._streamed
        if streamed is None or begin >= self.free:
            return
        lost = collisions(reads, streamed, int(begin - self._start), self.config)
        if lost:
            self._wait(Cause.BANK, self.free + lost)

    # The epilogue --------------------------------------------------------------------------------------------

    def _room(self, tokens: int) -> float:
        """First cycle in which the output FIFO has room for so many tokens more."""
        waiting = sum(job.conv.tokens for job, _, _ in self._unwalked)
        gone = self._promised + waiting + tokens - self.timing.output_tokens  # tokens that must have left
        if gone > self._promised:
            self._catch_up()
        walks = self._walks
        while walks and walks[0][0] + walks[0][1] < gone:
            walks.popleft()
        if gone <= 0 or not walks or walks[0][0] >= gone:
            return -inf
        first, _, begin, each = walks[0]
        return begin + (gone - first) * each

    def _catch_up(self) -> None:
        """Follow the epilogue through the N-tiles that have been streamed.

        It lags behind as far as it can, so that a LOAD that it waits for meets on the bus what is read meanwhile.
        """
        for job, start, last in self._unwalked:
            if not job.by_epilogue:
                job.by_epilogue = max(self._walker, job.offered, self.dma.done(job.conv.post_wait_dma))
                self._walker = job.by_epilogue + 1
            self._walk(job.conv, start, last)
        self._unwalked.clear()

    def _walk(self, conv: Conv, start: float, last: bool) -> None:
        """The epilogue finishes an N-tile whose last K-tile began in the cycle ``start``."""
        tokens, groups = conv.tokens, self.config.groups
        arrives = start + self.timing.to_epilogue
        begin = max(arrives, self._walker)
        end = begin + tokens * groups - 1
        self._walks.append([self._promised, tokens, begin, groups])
        self._promised += tokens
        self._tile_ends.append(end + self.timing.requantised)
        self._walker = end + 1
        if not last and tokens < WALK_REVISIT:
            self._walker += WALK_REVISIT
        if conv.add:
            ahead = self.timing.requantised - 2
            self._adding = (begin + ahead, end + ahead)

    # Repetition ----------------------------------------------------------------------------------------------

    def _repeat(
        self,
        seen: dict[tuple[float, ...], tuple[int, float, dict[Cause, float]]],
        tile: int,
        left: int,
        rows: int,
        conv: Conv,
        limited: bool,
        *,
        n_tile: bool,
    ) -> int:
        """Pass over tiles that are as some before them were; returns how many.

        Args:
            seen: states after earlier tiles. tile: tiles that are behind us. left: how many may be passed over.
            rows: of the stream for each. limited: the last one waited for its stream.
        """
        if not self.dma.idle:
            return 0
        now = self._start
        key: tuple[float, ...] = (round(self._loader - now, 2), round(self.free - now, 2))
        if n_tile:
            self._catch_up()
            ends = tuple(round(end - now, 2) for end in self._tile_ends)
            key += (round(self._walker - now, 2), *ends)
        if rows:
            before = next(reversed(seen.values())) if seen else None
            period = now - before[1] if before else 0.0
            if limited or rows * self._row_pace() > period:
                key += self.rows.state(now)
            else:
                key += (inf,)
        if key not in seen:
            if len(seen) >= REPEATS:
                seen.clear()
            seen[key] = (tile, now, dict(self.causes))
            return 0
        before_tile, before_now, before_causes = seen[key]
        length = tile - before_tile
        times = left // length
        if not times or (rows and not self.rows.skip(times * length * rows)):
            return 0
        gone = (now - before_now) * times
        for cause in Cause:
            self.causes[cause] += (self.causes[cause] - before_causes[cause]) * times
        self._shift(gone, n_tile)
        seen.clear()
        return times * length

    def _row_pace(self) -> float:
        """Cycles a row that the stream can keep up, in cycles."""
        config, memory = self.config, self.rows.memory
        beat = max(memory.beat, (memory.latency + config.axi_burst + 8) / config.stream_beats)
        return max(1.0, beat * config.row_bytes / config.bus_bytes)

    def _shift(self, cycles: float, n_tiles: bool) -> None:
        """Let time pass in which tiles repeat themselves; the epilogue goes on where whole N-tiles do."""
        self._start += cycles
        self._loader += cycles
        self.free += cycles
        self.rows.shift(cycles)
        self.rows.bus.shift(cycles)
        if n_tiles:
            self._walker += cycles
            self._tile_ends = deque((end + cycles for end in self._tile_ends), PARAMETER_BANKS)
            self._adding = (self._adding[0] + cycles, self._adding[1] + cycles)
            for walk in self._walks:
                walk[2] += cycles
