"""A Player tied to its parent ends when the pipe between them closes: in order if it can, at once if not."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

WAIT_SECONDS = 30.0
START = """
import subprocess, sys, threading, time
from touchline.player.tether import end_with_standard_input

interrupted = threading.Event()
end_with_standard_input(interrupted.set)
"""


def start(code: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-P", "-c", START + code]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def test_what_is_played_is_interrupted_and_ends_in_order():
    player = start("interrupted.wait(); time.sleep(0.3); print('closed'); sys.exit(5)")
    said, _ = player.communicate(timeout=WAIT_SECONDS)  # closes its pipe
    assert (player.returncode, said) == (5, "closed\n")


def test_one_that_hears_nothing_ends_after_a_moment_with_all_it_started():
    player = start("print(subprocess.Popen(['sleep', '600'], stdout=2).pid, flush=True); time.sleep(600)")
    simulator = int(player.stdout.readline())
    began = time.monotonic()
    player.stdin.close()
    player.wait(WAIT_SECONDS)
    player.stdout.close()
    assert 1.0 < time.monotonic() - began < 10.0
    deadline = time.monotonic() + WAIT_SECONDS
    while psutil.pid_exists(simulator) and psutil.Process(simulator).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_while_the_pipe_is_open_it_goes_on():
    player = start("print(interrupted.wait(0.3), flush=True)")
    assert player.stdout.readline() == "False\n"
    player.communicate(timeout=WAIT_SECONDS)
    assert player.returncode == 0
