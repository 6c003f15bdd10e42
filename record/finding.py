"""From what a user typed to a run."""

from __future__ import annotations

import difflib
from pathlib import Path

from touchline.record.directory import RunDirectory, is_run, run_number
from touchline.record.errors import RunNotFound

NAMED_AT_MOST = 5  # of the runs listed in an error


def list_runs(root: Path) -> list[RunDirectory]:
    """The runs under ``root``: the numbered ones by number, then the named ones by name."""
    if not root.is_dir():
        return []
    runs = [RunDirectory(entry) for entry in root.iterdir() if is_run(entry)]
    return sorted(runs, key=_order)


def find_run(ref: str, root: Path) -> RunDirectory:
    """The run that ``ref`` names: a path, a name, a number, or the beginning of one name alone.

    Raises RunNotFound with the nearest names, or with all that ``ref`` could mean.
    """
    for path in (Path(ref), root / ref):
        if is_run(path):
            return RunDirectory(path)
    runs = list_runs(root)
    if ref.isdecimal():
        found = [run for run in runs if run.number == int(ref)]
    else:
        found = [run for run in runs if run.name.startswith(ref)]
    if len(found) == 1:
        return found[0]
    raise RunNotFound(_explain(ref, root, [run.name for run in runs], [run.name for run in found]))


def _order(run: RunDirectory) -> tuple[bool, int, str]:
    number = run_number(run.name)
    return number is None, number or 0, run.name


def _explain(ref: str, root: Path, names: list[str], found: list[str]) -> str:
    if found:
        return f"run {ref!r}: it could be any of {_listed(found)}"
    if not names:
        return f"run {ref!r}: not found, and {root} holds no runs yet"
    nearest = difflib.get_close_matches(ref, names, n=NAMED_AT_MOST, cutoff=0.6)
    hint = f"did you mean {_listed(nearest)}?" if nearest else f"there are {_listed(names)}"
    return f"run {ref!r}: not found in {root}; {hint}"


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
