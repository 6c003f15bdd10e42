"""Methods by rounds from the command line: what goes wrong is said in a message, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from touchline.record import UpdateLine, read_lines

DESCENT = ("--method", "descent", "--no-live", "--players.count", "1")


def idx(path: Path, array: np.ndarray) -> None:
    """An idx file of bytes, as MNIST's are."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


def cut_short(folder: Path) -> str:
    idx(folder / "train-images-idx3-ubyte", np.zeros((4, 2, 2)))
    idx(folder / "train-labels-idx1-ubyte", np.arange(4))
    images = folder / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-3])
    return str(folder)


def too_many_labels(folder: Path) -> str:
    np.savez(folder / "t.npz", x=np.zeros((4, 2)), y=np.array([0, 1, -7, 1]))
    return str(folder / "t.npz")


def missing_value(folder: Path) -> str:
    (folder / "t.csv").write_text("a,b,c\n1,2,3\n4,,6\n")
    return str(folder / "t.csv")


def ragged(folder: Path) -> str:
    (folder / "t.csv").write_text("a,b,c\n1,2,3\n4,5\n")
    return str(folder / "t.csv")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (cut_short, ["train-images-idx3-ubyte", "16", "13"]),
        (too_many_labels, ["-7"]),
        (missing_value, ["t.csv", "b"]),
        (ragged, ["t.csv", "3"]),
        (lambda folder: str(folder / "nowhere.csv"), ["nowhere.csv"]),
        (lambda folder: "xorr", ["xorr", "xor"]),
    ],
)
def test_a_table_that_cannot_be_read_is_said_with_its_place(
    touchline: Callable[..., Any], tmp_path: Path, made: Callable[[Path], str], words: list[str]
) -> None:
    said = touchline("train", *DESCENT, "--table.source", made(tmp_path))
    assert said.code == 2, said
    assert "Traceback" not in said.err + said.out
    for word in words:
        assert word in said.err, said.err
    assert not list(tmp_path.glob("runs/*"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            ("--method", "search", "--search.over", "grid", "--search.step", "0.01"),
            ["search.limit", "points", "1,000,000"],
        ),
        (("--method", "descent", "--tasks.parts", "9"), ["tasks.parts", "4", "9"]),
        (
            ("--method", "descent", "--optimizer.rule", "rprop_plus", "--staleness.max_lag", "2"),
            ["staleness.max_lag", "0", "rprop_plus"],
        ),
        (("--method", "krylov", "--staleness.max_lag", "1"), ["staleness.max_lag", "0"]),
        (("--method", "imitation"), ["imitation"]),
        (("--method", "descent", "--search.radius", "0.5"), ["search.radius", "search"]),
    ],
)
@pytest.mark.parametrize("mode", ["async", "serial"])
def test_a_run_that_cannot_be_is_refused_with_what_would_work(
    touchline: Callable[..., Any], tmp_path: Path, flags: tuple[str, ...], words: list[str], mode: str
) -> None:
    said = touchline("train", "--table.source", "xor", "--no-live", "--mode", mode, *flags)
    assert said.code == 2, said
    assert "Traceback" not in said.err + said.out
    for word in words:
        assert word in said.err, said.err
    assert not list(tmp_path.glob("runs/*"))


def endless(*more: str) -> subprocess.Popen[str]:
    flags = (
        "--table.source",
        "sine",
        "--optimizer.rule",
        "irprop_minus",
        "--optimizer.learning_rate",
        "1e-3",
    )
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "touchline", "train", *DESCENT, *flags, "--name", "r", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < until
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        time.sleep(0.05)


def test_what_was_measured_survives_the_end_of_the_trainer_by_kill_9(tmp_path: Path) -> None:
    """The lines are on disk about once a second, whatever happens afterwards."""
    process = endless()
    metrics = tmp_path / "runs" / "r" / "metrics.jsonl"
    try:
        wait_for(lambda: metrics.exists() and metrics.stat().st_size > 2000, process)
        players = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait(10)
        if process.stdout:
            process.stdout.close()
    psutil.wait_procs(players, timeout=20)
    assert not any(player.is_running() for player in players)
    lines = list(read_lines(metrics, UpdateLine))
    assert len(lines) > 5
    errors = [line for line in lines if "error" in line.loss]
    assert errors[-1].loss["error"] is not None
    assert [line.update for line in errors] == sorted({line.update for line in errors})


def test_an_interrupt_ends_it_in_order(tmp_path: Path) -> None:
    process = endless()
    run = tmp_path / "runs" / "r"
    wait_for(lambda: (run / "metrics.jsonl").exists(), process)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["reason"] == "interrupted"
    assert summary["method"] == "descent"
    assert summary["objective"]["name"] == "error"
    total = summary["ledger"]["total"]
    assert total["sent"] == sum(amount for name, amount in total.items() if name != "sent")
    assert (run / "checkpoints" / "latest").exists()


@pytest.mark.parametrize(("barrier", "bound"), [("level", 0), ("none", None)])
def test_where_nothing_waits_no_result_is_too_old(
    touchline: Callable[..., Any], tmp_path: Path, barrier: str, bound: float | None
) -> None:
    flags = ("--mode", "serial", "--no-live", "--name", "r", "--structure.epochs", "5", "--stop.rounds", "2")
    said = touchline("train", "001-structure", *flags, "--structure.barrier", barrier)
    assert said.code == 0, said
    assert json.loads((tmp_path / "runs" / "r" / "status.json").read_text())["lag_bound"] == bound
