"""The model of the machine against itself: shortcuts that change nothing, and orders that must hold."""

import dataclasses
import itertools
import random

import pytest

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.errors import PointwiseError
from pointwise.hw.contract.isa import Base, Conv, Dma, End, Space, StationarySource
from pointwise.hw.contract.registers import Cause
from pointwise.hw.contract.timing import READS
from pointwise.model.compiler import compile_network
from pointwise.model.compiler.codegen import generate
from pointwise.model.compiler.random_network import random_network
from pointwise.model.compiler.shapes import Shape, random_config
from pointwise.model.estimate import Memory, estimate, machine, simulate, weightless
from pointwise.model.estimate.banks import stationary_reads
from pointwise.model.estimate.engine import Engine
from pointwise.model.networks import network
from tests.slow import few

MICRO = Shape.of(network("micro"))
ONE_BLOCK = dataclasses.replace(Shape.of(network("deit_tiny")), depth=1)
CORES = {
    "default": CoreConfig(),
    "narrow epilogue": CoreConfig(post_lanes=2),
    "one bank": CoreConfig(act_banks=1),
    "wide": CoreConfig(rows=8, cols=32),
    "tall": CoreConfig(rows=32, cols=8, axi_data_width=64),
    "slow bus": CoreConfig(axi_data_width=32, axi_burst=4, stream_beats=32),
}


@pytest.mark.parametrize("core", few(CORES, ("default", "one bank", "wide")))
@pytest.mark.parametrize("memory", [Memory(), Memory(200), Memory(40, 0.3)], ids=["fast", "far", "stalls"])
def test_passing_over_tiles_changes_nothing(
    core: str, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortcut through repeated tiles gives what following every tile gives, by cause."""
    config = CORES[core]
    program = generate(weightless(ONE_BLOCK), config).instructions
    short = simulate(program, config, memory)
    monkeypatch.setattr(Engine, "_pass_over", lambda self, *args, **options: 0)
    whole = simulate(program, config, memory)
    # A stream that is just fast enough may reach its steady state a little later than it seems.
    assert abs(short.cycles - whole.cycles) <= 0.001 * whole.cycles
    assert short.tiles == whole.tiles
    assert short.causes[Cause.STREAM] == whole.causes[Cause.STREAM]


@pytest.mark.parametrize("core", few(CORES, ("default", "one bank", "wide")))
@pytest.mark.parametrize("memory", [Memory(), Memory(200), Memory(40, 0.3)], ids=["fast", "far", "stalls"])
def test_passing_over_blocks_changes_nothing(
    core: str, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks that take the profile of the one before them give what following each of them gives."""
    config, subject = CORES[core], dataclasses.replace(ONE_BLOCK, depth=7)
    program = generate(weightless(subject), config).instructions
    run, followed = Engine.run, []
    monkeypatch.setattr(Engine, "run", lambda self, job: followed.append(job) or run(self, job))
    short = simulate(program, config, memory)
    print(f"{len(followed)} convolutions followed")
    assert memory.stall or len(followed) < 100
    monkeypatch.setattr(machine._Machine, "_pass_over", lambda self: None)
    whole = simulate(program, config, memory)
    convs = sum(isinstance(instruction, Conv) for instruction in program)
    # A burst of program fetch may meet another burst of the stream, which is worth some cycles.
    assert abs(short.cycles - whole.cycles) <= 0.0001 * whole.cycles
    assert short.tiles == whole.tiles
    assert short.causes[Cause.STREAM] == whole.causes[Cause.STREAM]
    assert len(short.ends) == len(whole.ends) == convs
    assert all(abs(a - b) <= 0.0001 * whole.cycles for a, b in zip(short.ends, whole.ends, strict=True))


@pytest.mark.parametrize("core", CORES)
def test_better_memories_are_never_slower(core: str) -> None:
    """Less latency, fewer stalls and wider buses only help."""
    config = CORES[core]

    def cycles(bits: int, latency: int, stall: float) -> int:
        wider = dataclasses.replace(config, axi_data_width=bits)
        return estimate(weightless(MICRO), wider, Memory(latency, stall)).cycles

    for series in (
        [cycles(bits, 40, 0) for bits in (512, 256, 128, 64, 32)],
        [cycles(64, latency, 0) for latency in (1, 40, 120, 400, 1000)],
        [cycles(64, 40, stall) for stall in (0, 0.1, 0.3, 0.6, 0.9)],
    ):
        # Bursts of another length meet others in another order, which moves the start by some cycles.
        assert all(after >= before - 32 for before, after in itertools.pairwise(series)), series
        assert series[-1] > series[0]


def test_causes_sum_and_streaming_is_exact() -> None:
    """Causes add up to the cycles; tokens that stream are a matter of counting."""
    for core in CORES.values():
        program = generate(weightless(ONE_BLOCK), core)
        profile = simulate(program.instructions, core, Memory())
        assert sum(profile.causes.values()) == profile.cycles
        convs = [i for i in program.instructions if isinstance(i, Conv)]
        tokens = [c.tokens * -(-c.k // core.rows) * -(-c.n // core.cols) for c in convs]
        assert profile.causes[Cause.STREAM] == sum(tokens)
        assert list(profile.ends) == sorted(profile.ends)
        assert profile.ends[-1] < profile.cycles


@pytest.mark.parametrize("seed", range(10))
def test_any_core_any_network(seed: int) -> None:
    """Odd shapes, with and without the STOREs of a traced program."""
    config, subject = random_config(seed), random_network(seed)
    rng = random.Random(seed)
    memory = Memory(rng.choice([1, 17, 300]), rng.choice([0, 0.25, 0.9]))
    courses = [
        simulate(
            [line.instruction for line in compile_network(subject, config, trace).program], config, memory
        )
        for trace in (False, True)
    ]
    for profile in courses:
        assert sum(profile.causes.values()) == profile.cycles
    assert courses[0].tiles == courses[1].tiles
    assert courses[0].causes[Cause.STREAM] == courses[1].causes[Cause.STREAM]
    # STOREs move instructions, and with them the order of bursts, a little; mostly they cost time at the end.
    assert courses[1].cycles > 0.98 * courses[0].cycles


def test_large_networks_take_no_time() -> None:
    """DeiT-Base is three hundred times the work of the micro-DeiT for the core, not for the estimate."""
    found = estimate(weightless(Shape.of(network("deit_base")), "deit_base"), PRESETS["large"])
    assert found.tiles > 80_000
    assert 0.9 < found.utilisation < 1
    assert found.seconds(200) == pytest.approx(found.cycles / 200e6)


def test_bad_input_is_one_sentence() -> None:
    """A memory that there is not, a program without an end."""
    with pytest.raises(
        PointwiseError, match=r"^a memory latency of 0 cycles was asked for; give 1 to 100000"
    ):
        Memory(0)
    with pytest.raises(PointwiseError, match=r"^stalls in 95% of the cycles were asked for; give 0 to 90 %$"):
        Memory(40, 0.95)
    with pytest.raises(PointwiseError, match="does not end with END; compile the network again"):
        simulate([], CoreConfig(), Memory())
    assert simulate([End()], CoreConfig(), Memory()).cycles > 40


@pytest.mark.parametrize("beats", [1, 5, 16])
def test_a_burst_is_read_before_it_is_sent(beats: int) -> None:
    """Where a beat takes four cycles, a STORE of one burst takes them twice."""
    config, memory = CoreConfig(rows=16, cols=16, axi_data_width=128, axi_burst=16), Memory(1, 0.75)
    words = beats * config.bus_bytes // config.res_word_bytes or 1
    store = Dma(True, Space.RESIDUAL, Base.OUTPUT, 0, 0, 0, 0, rows=1, words=words)
    took = simulate([store, End()], config, memory).cycles - simulate([End()], config, memory).cycles
    sent = -(-words * config.res_word_bytes // config.bus_bytes)
    assert 2 * 4 * sent < took < 2 * 4 * sent + 80


def test_a_convolution_waits_for_all_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """For LOADs and for convolutions, whichever end last."""
    monkeypatch.setattr(machine._Machine, "_pass_over", lambda self: None)
    decided = {"loads": 0, "convolutions": 0}
    config = CoreConfig(rows=4, cols=4, max_tokens=64, act_kib=1, res_kib=8, act_banks=2)
    for seed in (10, 13, 18):
        lines = compile_network(random_network(seed), config).program
        model = machine._Machine([line.instruction for line in lines], config, Memory(1))
        model.run()
        for job in model.jobs:
            convs = job.conv.wait_conv - (1 if job.conv.pipelined and job.conv.wait_conv else 0)
            loads = model.dma.done(job.conv.wait_dma - job.conv.chained)
            before = model.jobs[convs - 1].done if convs else 0.0
            assert job.depend > max(loads, before)
            if loads and before:
                decided["loads" if loads > before else "convolutions"] += 1
    assert all(decided.values()), decided


def test_the_loader_reads_what_a_convolution_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of K or V in one tile not a cycle before it is there, and at once where nothing else holds it up."""
    monkeypatch.setattr(machine._Machine, "_pass_over", lambda self: None)
    config = CoreConfig(rows=16, cols=16, post_lanes=2, max_tokens=64, act_kib=16, res_kib=16)
    spare = []
    for seed in (1, 5, 9):
        lines = compile_network(random_network(seed), config).program
        model = machine._Machine([line.instruction for line in lines], config, Memory(1))
        model.run()
        for job, after in itertools.pairwise(model.jobs):
            conv = job.conv
            if conv.stationary != StationarySource.STREAM and conv.n <= config.cols and conv.k <= config.rows:
                begun = after.by_loader - stationary_reads(conv, 0, 0, config).count - 1
                spare.append(begun - (job.depend + READS))
    assert min(spare) == 0
