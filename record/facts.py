"""Where a run ran: versions, machine, and the commit of the folder it was started in."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("touchline", "numpy", "gymnasium", "pyzmq", "msgspec", "safetensors")
GIT_SECONDS = 2.0  # a repository on a slow share must not hold up a run


def environment_facts() -> dict[str, Any]:
    """What environment.json holds; imports none of the packages it names."""
    return {
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "cpus": _cpus(),
        "git": _git(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpus() -> dict[str, int | None]:
    """How many the machine has, and how many this process may use (a container often has fewer)."""
    affinity = getattr(os, "sched_getaffinity", None)
    return {"machine": os.cpu_count(), "usable": len(affinity(0)) if affinity else os.cpu_count()}


def _git() -> dict[str, Any] | None:
    commit = _run_git("rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _run_git("status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "modified": None if changes is None else bool(changes)}


def _run_git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
