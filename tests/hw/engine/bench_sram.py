"""Random traffic on every port at once, against a plain array: grants, data, masks, zeros and the time."""

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ReadOnly
from driver import assert_equal, generator, start

from pointwise.hw.contract.timing import READ_LATENCY
from pointwise.hw.engine.banked_address import BankedAddress
from pointwise.sim.bench import bench_config
from pointwise.sim.lanes import pack_rows, unpack_rows

CYCLES = 1500
READERS, WRITERS = 3, 2


class Traffic:
    """One word a port and cycle, held until it is granted; addresses crowd into a few banks now and then."""

    def __init__(self, rng: np.random.Generator, shape: dict[str, int]) -> None:
        self.rng, self.words, self.banks = rng, shape["words"], shape["banks"]
        self.lanes, self.lane_bits = shape["lanes"], shape["lane_bits"]

    def address(self) -> int:
        kind = self.rng.integers(0, 4)
        if kind == 0:
            return int(self.rng.choice([0, self.words - 1]))
        few = int(self.rng.integers(0, min(self.words, 4)))
        if kind == 1:
            return few
        # The last words lie on both sides of the last block of memory in a bank.
        return self.words - 1 - few if kind == 2 else int(self.rng.integers(0, self.words))

    def word(self) -> np.ndarray:
        return self.rng.integers(0, 1 << self.lane_bits, self.lanes)


@cocotb.test()
@cocotb.parametrize(name=list(bench_config()))
async def equals_an_array(dut, name):
    shape = bench_config()[name]
    rng = generator()
    traffic = Traffic(rng, shape)
    bank_words = shape["words"] // shape["banks"]
    bank_bits = BankedAddress(shape["words"], shape["banks"])["inside"].offset

    def port(kind: str, number: int, signal: str):
        return getattr(dut, f"{name}_{kind}_{number}_{signal}")

    ports = [("read", number) for number in range(READERS)] + [("write", number) for number in range(WRITERS)]
    await start(dut, [f"{name}_{kind}_{number}_valid" for kind, number in ports])
    contents = np.zeros((shape["words"], shape["lanes"]), np.int64)
    asked: dict[tuple[str, int], tuple] = {}
    due: list[tuple[int, int, np.ndarray, np.ndarray]] = []  # cycle, reader, old lanes, new lanes
    got, old, new = [], [], []
    for cycle in range(CYCLES + READ_LATENCY):
        await FallingEdge(dut.clk)
        zero = bool(rng.random() < 0.2)
        getattr(dut, f"{name}_zero").value = zero
        for kind, number in ports:
            if (kind, number) not in asked and cycle < CYCLES and rng.random() < 0.7:
                word, mask = traffic.word(), rng.integers(0, 2, shape["lanes"])
                asked[kind, number] = (traffic.address(), word, mask)
                place = divmod(asked[kind, number][0], bank_words)
                port(kind, number, "place").value = place[0] | place[1] << bank_bits
                if kind == "write":
                    port(kind, number, "data").value = pack_rows(word[None], shape["lane_bits"])[0]
                    port(kind, number, "mask").value = pack_rows(mask[None], 1)[0]
            port(kind, number, "valid").value = (kind, number) in asked
        await ReadOnly()
        while due and due[0][0] == cycle:
            _, reader, before, after = due.pop(0)
            got.append(int(port("read", reader, "data").value))
            old.append(before)
            new.append(after)
        granted = {"read": set(), "write": set()}  # banks
        before, reads = contents.copy(), []
        for kind, number in ports:
            if (kind, number) not in asked:
                continue
            address, word, mask = asked[kind, number]
            bank = address // bank_words
            ready = int(port(kind, number, "ready").value)
            assert_equal(f"{name}: ready of {kind} {number}", ready, int(bank not in granted[kind]))
            granted[kind].add(bank)
            if ready and kind == "write":
                contents[address] = np.where(mask, 0 if zero else word, contents[address])
            if ready:
                reads += [(number, address)] if kind == "read" else []
                del asked[kind, number]
        due += [
            (cycle + READ_LATENCY, reader, before[address], contents[address].copy())
            for reader, address in reads
        ]
    # Lanes written in the cycle of the read may be old or new.
    lanes = unpack_rows(got, shape["lanes"], shape["lane_bits"], signed=False)
    assert_equal(f"{name}: data", np.where(lanes == old, new, lanes), new)
    assert len(got) > CYCLES // 2, f"only {len(got)} words were read"
