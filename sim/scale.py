"""``python -m pointwise.sim.scale FILE``: what a cluster costs, measured on the loopback, as JSON.

A scheduler and two workers of one thread are started on this machine. Three things are measured in one run:
parts that do nothing, work of some seconds a part in plain processes and on the cluster, and a real part of
an evaluation. Processor seconds are told beside those of the clock, as they depend little on who else uses
the machine.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pointwise.hw.contract.files import write_file
from pointwise.model.parallel import Executor, Job, Local, executor

WORKERS = 2
SMALL = 10_000
"""Parts that do nothing."""
PARTS, ROUNDS = 10, 700
"""Parts of some seconds, and products of matrices in each."""
MODEL = "deit_tiny"
SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
WORKER = "from distributed.cli.dask_worker import main; main()"


def nothing(part: int) -> int:
    """A part that takes no time."""
    return part


def nothings() -> Callable[[int], int]:
    """Makes the function of parts that take no time."""
    return nothing


class Products:
    """Integer products of matrices, in one thread as NumPy has it."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.matrix = np.random.default_rng(0).integers(-128, 128, (160, 160), dtype=np.int64)

    def __call__(self, part: int) -> int:
        total = part
        for _ in range(self.rounds):
            total += int((self.matrix @ (self.matrix + total % 7)).sum() % 1009)
        return total


def measured(executor: Executor, job: Job, count: int) -> tuple[float, dict[str, Any]]:
    """Seconds of the clock that the parts take, and their results."""
    started = time.monotonic()
    found = dict(executor.run(job, {str(part): part for part in range(count)}))
    assert len(found) == count
    return time.monotonic() - started, found


def processor_s(pids: Sequence[int]) -> float:
    """Processor seconds of processes and of all under them, those that have ended included."""
    asked = [psutil.Process(pid) for pid in pids]
    under = [child for process in asked for child in process.children(recursive=True)]
    total = 0.0
    for process in {process.pid: process for process in [*asked, *under]}.values():
        with suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


def on_cluster(job: Job, count: int) -> dict[str, Any]:
    """Run parts on a cluster that is there for them alone; its start does not count."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        file = folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file), "--no-dashboard"]
        started = [[sys.executable, "-c", SCHEDULER, *options]]
        options = ["--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--no-nanny"]
        started += [[sys.executable, "-c", WORKER, *options]] * WORKERS
        environment = {**os.environ, "DASK_LOGGING__DISTRIBUTED": "error"}
        log = stack.enter_context((folder / "log").open("w"))
        pids = [os.getpid()]
        for command in started:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
            pids.append(process.pid)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            while not file.exists() or not file.read_text().rstrip().endswith("}"):
                time.sleep(0.05)
        with executor(str(file)) as workforce:
            while workforce.workers < WORKERS:
                time.sleep(0.05)
            measured(workforce, job, WORKERS)  # the processes have started
            before, own = processor_s(pids), time.process_time()
            seconds, found = measured(workforce, job, count)
            own, used = time.process_time() - own, processor_s(pids) - before
    return {
        "seconds": round(seconds, 2),
        "processor_s": round(used, 2),
        "processor_s_of_the_command": round(own, 2),
        "results": found,
    }


def evaluation_part() -> dict[str, Any]:
    """Processor seconds and bytes of a part of ``pointwise evaluate``."""
    from PIL import Image

    from pointwise.model.checkpoints import save_checkpoint
    from pointwise.model.evaluate.arrays import TOKENS_AT_ONCE
    from pointwise.model.evaluate.both import BothNetworks, Task
    from pointwise.model.parallel import stamp
    from pointwise.model.quantise.io import save_network
    from pointwise.sim.workload import load_weights, with_images

    name, weights = load_weights(MODEL, None)
    load = with_images(name, weights, 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = folder / "float.safetensors", folder / "integers.safetensors"
        save_checkpoint(paths[0], weights)
        save_network(paths[1], load.network)
        count = max(1, TOKENS_AT_ONCE // load.network.input.shape[0])
        pixels = np.random.default_rng(0).integers(0, 256, (count, 375, 500, 3), np.uint8)
        files = [folder / f"{index}.jpg" for index in range(count)]
        for file, image in zip(files, pixels, strict=True):
            Image.fromarray(image).save(file)
        task = Task(paths[0], None, paths[1], weights.prepared)
        started = time.process_time()
        work = BothNetworks(task)
        loading = time.process_time() - started
        part = [(file.name, stamp(file), file) for file in files]
        started = time.process_time()
        results = work(part)
        seconds = time.process_time() - started
        return {
            "network": MODEL,
            "images": count,
            "loading_processor_s": round(loading, 2),
            "processor_s": round(seconds, 2),
            "float_bytes": paths[0].stat().st_size,
            "integer_bytes": paths[1].stat().st_size,
            "part_bytes": len(pickle.dumps((pickle.dumps(partial(BothNetworks, task)), part))),
            "result_bytes": len(pickle.dumps(results)),
        }


def main(path: Path) -> None:
    """Measure and write."""
    small = on_cluster(Job("small", nothings), SMALL)
    small.pop("results")
    job = Job("products", partial(Products, ROUNDS))
    before = processor_s([os.getpid()])
    plain_s, expected = measured(Local(WORKERS), job, PARTS)
    plain = {
        "seconds": round(plain_s, 2),
        "processor_s": round(processor_s([os.getpid()]) - before, 2),
    }
    cluster = on_cluster(job, PARTS)
    assert cluster.pop("results") == expected, "the figures are those of one machine"
    figures = {
        "workers": WORKERS,
        "small_parts": {"count": SMALL, **small, "ms_a_part": round(1000 * small["seconds"] / SMALL, 3)},
        "same_work": {
            "parts": PARTS,
            "plain": plain,
            "cluster": cluster,
            "overhead": round(cluster["seconds"] / plain["seconds"] - 1, 4),
            "overhead_processor": round(cluster["processor_s"] / plain["processor_s"] - 1, 4),
        },
        "evaluation": evaluation_part(),
        "load_average": round(os.getloadavg()[0], 1),
    }
    write_file(path, json.dumps(figures, indent=1) + "\n")
    print(path.read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
