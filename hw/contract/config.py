"""The configuration of a core: one frozen dataclass, validated once, written as JSON beside every product."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from .errors import PointwiseError, shown

MAX_CHANNELS = 4096
"""Upper bound of K and N of one convolution; it sizes the LayerNorm sums (28 and 43 bits)."""
MAX_TOKENS = 1024
"""Upper bound of ``max_tokens`` of any core."""
LARGEST_KIB = 16384
"""Of either SRAM."""


def next_power_of_two(value: int) -> int:
    """The smallest power of two that is at least ``value`` (which is at least 1)."""
    return 1 << (value - 1).bit_length()


@dataclass(frozen=True)
class CoreConfig:
    """Everything that shapes the hardware, and that the compiler must know.

    Attributes:
        rows: R, input channels of a tile (1..64). An activation word holds R lanes.
        cols: C, output channels of a tile (1..64). One of R and C divides the other.
        post_lanes: output channels that the epilogue finishes in a cycle; divides both R and C.
            0 takes the most that fits, min(R, C).
        max_tokens: the most tokens that one convolution can stream (2..1024); it sizes the accumulators,
            the output FIFO and the memories of per-token statistics.
        act_kib: int8 activation SRAM in KiB.
        act_banks: independent banks of it (1 read and 1 write port each).
        res_kib: int16 residual SRAM in KiB.
        axi_data_width: bits of the AXI4 data buses (32, 64, 128, 256 or 512).
        axi_addr_width: bits of an AXI4 address (16..64; the registers hold 32).
        axi_burst: the longest burst in beats (a power of two, 1..64).
        stream_beats: depth in beats of the FIFO between DRAM and the stationary loader (a power of two of at
            least two bursts).
    """

    rows: int = 16
    cols: int = 16
    post_lanes: int = 0
    max_tokens: int = 256
    act_kib: int = 208
    act_banks: int = 4
    res_kib: int = 80
    axi_data_width: int = 128
    axi_addr_width: int = 32
    axi_burst: int = 16
    stream_beats: int = 128

    def __post_init__(self) -> None:
        # By hand, not by a Form: every process that elaborates a core or a bench makes one, and to import
        # pydantic takes five times as long as to import this; most of what follows relates several fields.
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise PointwiseError(f"core parameter {field.name} is {shown(value)}, no whole number")
        _in_range("rows", self.rows, 1, 64)
        _in_range("cols", self.cols, 1, 64)
        if max(self.rows, self.cols) % min(self.rows, self.cols):
            raise PointwiseError(
                f"core parameters rows = {self.rows} and cols = {self.cols} do not fit together: one must "
                f"divide the other, so that activation words line up with tiles; try cols = {self.rows}"
            )
        if self.post_lanes == 0:
            object.__setattr__(self, "post_lanes", min(self.rows, self.cols))
        if self.post_lanes < 1 or min(self.rows, self.cols) % self.post_lanes:
            raise PointwiseError(
                f"core parameter post_lanes = {self.post_lanes} must divide both rows = {self.rows} and "
                f"cols = {self.cols}; 0 chooses the widest"
            )
        _in_range("max_tokens", self.max_tokens, 2, MAX_TOKENS)
        _in_range("act_kib", self.act_kib, 1, LARGEST_KIB)
        _in_range("res_kib", self.res_kib, 1, LARGEST_KIB)
        _in_range("act_banks", self.act_banks, 1, 16)
        if self.axi_data_width not in (32, 64, 128, 256, 512):
            raise PointwiseError(
                f"core parameter axi_data_width = {self.axi_data_width} must be 32, 64, 128, 256 or 512"
            )
        _in_range("axi_addr_width", self.axi_addr_width, 16, 64)
        _in_range("axi_burst", self.axi_burst, 1, 64)
        _power_of_two("axi_burst", self.axi_burst)
        _power_of_two("stream_beats", self.stream_beats)
        _in_range("stream_beats", self.stream_beats, 2 * self.axi_burst, 4096)
        if self.axi_burst * self.bus_bytes > 4096:
            raise PointwiseError(
                f"core parameter axi_burst = {self.axi_burst} beats of {self.bus_bytes} bytes exceeds the "
                f"4096 bytes that an AXI4 burst may span; choose at most {4096 // self.bus_bytes}"
            )
        if self.act_words < self.act_banks or max(self.act_words, self.res_words) > 1 << 24:
            raise PointwiseError("the activation memories must hold between one word a bank and 2^24 words")

    # Derived sizes -----------------------------------------------------------------------------------------

    @property
    def bus_bytes(self) -> int:
        """Bytes of one beat of the AXI4 data bus."""
        return self.axi_data_width // 8

    @property
    def act_words(self) -> int:
        """Words of R int8 lanes in the activation SRAM, a multiple of ``act_banks``."""
        return self.act_kib * 1024 // self.rows // self.act_banks * self.act_banks

    @property
    def bank_words(self) -> int:
        """Words in one bank; bank b holds the addresses b·bank_words and up."""
        return self.act_words // self.act_banks

    @property
    def res_words(self) -> int:
        """Words of R int16 lanes in the residual SRAM."""
        return self.res_kib * 1024 // (2 * self.rows)

    @property
    def swept_words(self) -> int:
        """Words that a clear goes over, one of each memory in a cycle: as many as the largest of them has."""
        return max(self.act_words, self.res_words, 2 * next_power_of_two(self.max_tokens))

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of the stationary stream: C bytes padded to a power of two."""
        return next_power_of_two(self.cols)

    @property
    def act_word_bytes(self) -> int:
        """Bytes of one activation word in DRAM: R bytes padded to a power of two."""
        return next_power_of_two(self.rows)

    @property
    def res_word_bytes(self) -> int:
        """Bytes of one residual word in DRAM: R little-endian int16, padded to a power of two."""
        return 2 * self.act_word_bytes

    @property
    def groups(self) -> int:
        """Cycles that the epilogue needs for the C outputs of one token."""
        return self.cols // self.post_lanes

    # Files -------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The configuration as JSON text, the same text for the same configuration."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> "CoreConfig":
        """Build from a mapping; raises PointwiseError that names an unknown or missing parameter."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise PointwiseError(
                f"core parameter {unknown[0]} is unknown; known are {', '.join(sorted(known))}"
            )
        return cls(**values)  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, path: Path) -> "CoreConfig":
        """Read a configuration written by ``to_json``; raises PointwiseError when it cannot be had."""
        # Only who reads a file needs pydantic.
        from .form import FormError, read_json

        try:
            values = read_json(Path(path))
        except OSError as error:
            raise PointwiseError(
                f"core configuration {path} cannot be read ({error.strerror}); check the path"
            ) from error
        except FormError as error:
            raise PointwiseError(
                f"core configuration {path} {error}; write it anew, as pointwise verilog does"
            ) from error
        try:
            return cls.from_dict(values)
        except PointwiseError as error:
            raise PointwiseError(f"core configuration {path}: {error}") from error


def _in_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise PointwiseError(f"core parameter {name} = {value} is out of range; expected {low} to {high}")


def _power_of_two(name: str, value: int) -> None:
    if value & (value - 1):
        raise PointwiseError(f"core parameter {name} = {value} must be a power of two")


PRESETS: dict[str, CoreConfig] = {
    "default": CoreConfig(),
    "tiny": CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=32, act_banks=2, res_kib=16, axi_data_width=64),
    "ecp5": CoreConfig(rows=8, cols=16, post_lanes=2, act_kib=192, res_kib=96, axi_data_width=64),
    "large": CoreConfig(rows=32, cols=32, act_kib=720, res_kib=304, axi_data_width=256),
}
"""Named configurations: the default (DeiT-Tiny in 288 KiB), a small one, the ECP5-85F board, DeiT-Base."""
