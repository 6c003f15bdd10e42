"""The live view on a terminal of its own: what a person would see, and that it is put back as it was."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

PROGRAM = """
import sys, threading
from rich.console import Console
from touchline.cli.live import LiveView, open_view
from touchline.record.status import PlayerStatus, Status

drawn = threading.Semaphore(0)
seconds = iter(range(10**6))

def source():
    drawn.release()
    players = [PlayerStatus(name=f"player-{n}", state="playing") for n in range(30)]
    return Status(run="1-cartpole-v1-s0", env="CartPole-v1", seconds=next(seconds), players=players)

with open_view(source, console=Console(), live="auto") as view:
    assert isinstance(view, LiveView)
    for _ in range(4):
        assert drawn.acquire(timeout=20)
    print("said meanwhile")
print("and then the next commands")
"""
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(columns: int, rows: int) -> str:
    """Everything that PROGRAM writes to a terminal of this size."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        environment.pop(name, None)
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    written = bytearray()
    with process, os.fdopen(master, "rb", buffering=0) as reader:
        while chunk := read(reader.fileno()):
            written += chunk
    assert process.returncode == 0, written.decode()
    return written.decode()


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other end of a terminal is closed
        return b""


@pytest.mark.skipif(not Path("/dev/ptmx").exists(), reason="no pseudo-terminals here")
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (60, 24), (120, 40)])
def test_on_a_terminal(columns: int, rows: int) -> None:
    text = on_terminal(columns, rows)
    lines = [ESCAPE.sub("", line).strip("\r") for line in text.splitlines()]
    assert max(len(line) for line in lines) <= columns
    assert "said meanwhile" in lines
    assert lines[-1] == "and then the next commands"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor stays hidden"
    ups = [len(found) for found in re.findall(r"(?:\x1b\[1A\x1b\[2K)+", text)]
    assert ups, "the picture was never drawn in place"
    assert max(ups) // len("\x1b[1A\x1b[2K") < rows, "the picture is higher than the terminal"
    assert any(re.search(r"… and \d+ more: \d+ playing", line) for line in lines)
