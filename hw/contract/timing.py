"""How many cycles the parts of a core take, as formulas of its configuration.

The hardware is built with these numbers, and software that predicts times, which must not import the
hardware, counts with them. Each component's bench holds it to its own.
"""

from dataclasses import dataclass

from .config import CoreConfig, next_power_of_two

READ_LATENCY = 4
"""From a granted read of an SRAM to its word: to the memory, out of a block of it, out of its register, and
out of the bank."""
PROLOGUE = 6
"""From an activation word to the token that enters the array."""
ACCUMULATE = 6
"""From a result of the array to complete accumulators at the epilogue."""
INTERPOLATE = 9
"""Reciprocal, or reciprocal square root."""
REQUANTISE = 14
LAYERNORM = 12 + INTERPOLATE
"""From complete sums of a token to its LayerNorm statistics."""
STREAM_REVISIT = 4
"""The same token may be streamed again this many cycles later."""
WALK_REVISIT = 4
"""The epilogue may begin an N-tile of fewer tokens this many cycles and one after the end of the one
before."""

DEPEND = 1
"""From a count of what is complete to the start of who waits for it, for each unit alike: the comparison is
behind a register."""
READS = 1
"""So much later the loader reads K and V, as the comparison goes through one more register."""
ISSUE = 2
"""From the comparison to the fetch of a token: the streamer puts its comparisons together, and what it asks
for is in a register too."""
ROOM = 3
"""From a token that leaves the output FIFO to the fetch of one that waits for the room, which is counted
before it is compared."""
SETTLE = 2
"""From the start of a convolution's last tile until the streamer can take the next convolution."""
WRITTEN = 1
"""From a word of a LOAD that is taken from the bus to its write."""

PARAMETER_BANKS = 4
"""N-tiles whose parameters may be loaded before the epilogue has finished with them."""
TABLE_BANKS = 2
CONV_QUEUE = 4
"""Convolutions that wait for the loader, the streamer or the epilogue, and streams that wait to be read."""
DMA_QUEUE = 8
CLEAR = 6
"""Of a clear, what is not one word of each memory in a cycle."""
DISPATCH = 3
"""From a whole instruction to its dispatch: its fields are compared, judged, and offered."""
DISPATCHED = 2
"""From a dispatch until the next instruction's first beat may take its place."""
IN_FLIGHT_BEATS = 64
"""Beats that may be under way at least: enough for a memory that answers after some sixty cycles."""
LEAST_BURSTS = 16


def tree_latency(count: int, every: int = 2) -> int:
    """A tree of two-input cells over ``count`` values with a register after ``every`` so many levels, and one
    at its end."""
    return max(1, -(-max(count - 1, 0).bit_length() // every))


def array_latency(rows: int, cols: int) -> int:
    """From a token that enters an array of R × C to its results."""
    return rows + cols + 2


def outstanding_bursts(burst: int) -> int:
    """Bursts of so many beats that a master keeps track of: 16, or as many as make IN_FLIGHT_BEATS."""
    return max(LEAST_BURSTS, IN_FLIGHT_BEATS // burst)


@dataclass(frozen=True)
class Timing:
    """Latencies of one core, in cycles.

    Attributes:
        config: the core.
    """

    config: CoreConfig

    @property
    def array(self) -> int:
        """From a token that enters the array to its results."""
        return array_latency(self.config.rows, self.config.cols)

    @property
    def denominator(self) -> int:
        """From a token that enters the array to the reciprocal of its sum of exponentials."""
        return tree_latency(self.config.rows) + 2 + INTERPOLATE + 1

    @property
    def to_epilogue(self) -> int:
        """From the fetch of a token of the last K-tile to its accumulators at the epilogue."""
        settle = max(0, self.denominator - self.array - ACCUMULATE)
        return READ_LATENCY + PROLOGUE + self.array + settle + ACCUMULATE

    @property
    def requantised(self) -> int:
        """From a group of lanes in the epilogue until nobody reads its parameters any more."""
        return 1 + REQUANTISE

    @property
    def add_read(self) -> int:
        """From a group of lanes in the epilogue to its read of what it is added to."""
        return self.requantised - READ_LATENCY - 1

    @property
    def write(self) -> int:
        """From a group of lanes in the epilogue to the SRAM."""
        return self.requantised + 2

    @property
    def row_max(self) -> int:
        """From the last group of a token to its maximum."""
        return tree_latency(self.config.post_lanes) + 4

    @property
    def token_sums(self) -> int:
        """From the last group of a token to its sums."""
        return tree_latency(self.config.post_lanes) + 3

    @property
    def done(self) -> int:
        """From the last group of a convolution to the signal that it is complete."""
        return self.write + self.row_max

    @property
    def settle(self) -> int:
        """The same for a convolution whose LayerNorm statistics follow."""
        return self.write + self.token_sums + LAYERNORM

    @property
    def exponentials(self) -> int:
        """From the fetch of the last score until nobody reads its exponential table any more."""
        return READ_LATENCY + PROLOGUE + 1

    @property
    def shortest_tile(self) -> int:
        """Cycles below which a tile counts as short."""
        return max(self.config.rows, STREAM_REVISIT)

    @property
    def output_tokens(self) -> int:
        """Tokens that find room between array and epilogue."""
        return next_power_of_two(self.config.max_tokens)

    @property
    def dma_beats(self) -> int:
        """Depth of the read FIFO of LOAD, in beats."""
        return max(64, 2 * self.config.axi_burst)

    @property
    def program_beats(self) -> int:
        """Depth of the read FIFO of the program, in beats."""
        return 2 * self.config.axi_burst

    @property
    def clear(self) -> int:
        """Cycles of a clear, as CYCLES counts them."""
        return self.config.swept_words + CLEAR

    @property
    def bursts(self) -> int:
        """Read bursts on their way at a time."""
        return outstanding_bursts(self.config.axi_burst)
