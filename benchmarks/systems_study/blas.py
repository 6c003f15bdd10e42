"""The Players' arithmetic alone: gradients of parts of a table, by so many processes of so many BLAS threads."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection

import numpy as np
from threadpoolctl import threadpool_limits

from touchline.targets.network import TableNetwork

SHAPES = {"64-16-10": (64, 16, 1_437), "784-128-10": (784, 128, 10_000)}  # inputs, hidden, rows


def gradients_a_second(shape: str, *, players: int, threads: int, seconds: float) -> float:
    """Gradients of the whole table: each process has its part of the rows and waits for nobody."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(players)]
    workers = [
        context.Process(target=_work, args=(shape, players, threads, seconds, far)) for _, far in pipes
    ]
    for worker in workers:
        worker.start()
    for near, _ in pipes:
        near.recv()  # it is ready
    for near, _ in pipes:
        near.send(None)
    found = [float(near.recv()) for near, _ in pipes]
    for worker in workers:
        worker.join()
    return sum(found) / players


def _work(shape: str, players: int, threads: int, seconds: float, pipe: Connection) -> None:
    """Gradients of this part a second."""
    inputs, hidden, rows = SHAPES[shape]
    network = TableNetwork.build(
        inputs=inputs, hidden=[hidden], outputs=10, output="softmax", loss="cross_entropy"
    )
    rng = np.random.default_rng(0)
    x, y = rng.random((rows // players, inputs)), np.eye(10)[rng.integers(0, 10, rows // players)]
    w = rng.normal(0, 0.1, network.size)
    with threadpool_limits(threads):
        network.gradient(w, x, y)
        pipe.send(None)
        pipe.recv()
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            network.gradient(w, x, y)
            count += 1
        pipe.send(count / (time.perf_counter() - began))
