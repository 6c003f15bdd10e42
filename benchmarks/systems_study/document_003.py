"""Document 003: the survey's methods on the same two tasks, counted in row evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from systems_study.blas import SHAPES, gradients_a_second
from systems_study.catalogue import CATALOGUE, SERVED, XOR, Entry
from systems_study.drawing import plain_numbers
from systems_study.page import count, figure, seconds, table
from systems_study.study import Done, Study, curve, machine, reached, seconds_of
from touchline.record.plot_style import COLOURS, colour, count_axis, new_figure, save

Found = Mapping[str, Any]
THRESHOLDS = {"xor": 0.01, "digits": 0.1}
DASHES: Any = ((0, ()), (0, (5, 2)))
THREADS = (1, 2)
FLOOR = 3e-4  # an error below is drawn there


def xor(study: Study) -> dict[str, Any]:
    return task(study, "xor")


def digits(study: Study) -> dict[str, Any]:
    return task(study, "digits")


def task(study: Study, name: str) -> dict[str, Any]:
    """Every method that is of this task: its curve, and evaluations and seconds to the threshold."""
    found = {}
    for method, entry in CATALOGUE.items():
        if (entry.xor if name == "xor" else entry.digits) is not None:
            found[method] = method_on(study, name, method, entry)
    return {**machine(), "threshold": THRESHOLDS[name], "methods": found}


def method_on(study: Study, name: str, method: str, entry: Entry) -> dict[str, Any]:
    """Serial and with two Players, seed by seed. The curve is the first seed's, serial."""
    flags = (*XOR, *(entry.xor or ())) if name == "xor" else entry.digits or ()
    short = ("--stop.rounds", "3") if study.quick else ()
    row: dict[str, Any] = {"preset": entry.preset}
    for mode in ("serial", "2 Players"):
        serial = mode == "serial"
        players = () if serial else ("--players.count", "2")
        label = f"{name}-{entry.preset}-{'serial' if serial else 'two'}"
        runs = study.over_seeds(label, entry.preset, *flags, *short, *players, serial=serial)
        row[mode] = [_reached(done, THRESHOLDS[name]) for done in runs]
        if serial:
            row["curve"] = curve(runs[0].lines, "error")
            row["accuracy"] = runs[0].measures.get("test_accuracy")
    return row


def _reached(done: Done, threshold: float) -> dict[str, Any]:
    """``seconds`` are counted from the first round's orders on, so that starting is not among them."""
    lines = done.lines
    at = reached(lines, threshold, over="seconds")
    began = lines[0].seconds - seconds_of(lines[:1])
    return {
        "evaluations": reached(lines, threshold),
        "seconds": None if at is None else at - began,
        "load": done.load,
    }


def blas(study: Study) -> dict[str, Any]:
    """Gradients a second of each shape with 1 and 2 processes of 1 and 2 BLAS threads."""
    lasting = 0.2 if study.quick else 5.0
    found = {
        shape: [
            [
                gradients_a_second(shape, players=players, threads=threads, seconds=lasting)
                for threads in THREADS
            ]
            for players in THREADS
        ]
        for shape in SHAPES
    }
    return {**machine(), "shapes": found}


SECTIONS = {"xor": xor, "digits": digits, "blas": blas}


# -- the page


def parts(kept: Found) -> dict[str, str]:
    made = {"served": served_table()}
    for name in THRESHOLDS:
        if name in kept:
            made[name] = task_table(kept[name])
    if "xor" in kept or "digits" in kept:
        made["figure"] = figure("systems-003-catalogue.png", "Error against row evaluations, by method")
    if "blas" in kept:
        made["blas"] = blas_table(kept["blas"])
    return made


def served_table() -> str:
    titles = ("method", "verb", "what goes in parallel", "bears staleness", "why")
    return table(titles, [(name, f"`{verb}`", *rest) for name, (verb, *rest) in SERVED.items()])


def task_table(kept: Found) -> str:
    rows = []
    for method, row in kept["methods"].items():
        serial, two = row["serial"], row["2 Players"]
        rows.append(
            (
                method,
                f"`{row['preset']}`",
                f"{_solved(serial)} of {len(serial)}",
                count(_median(serial, "evaluations")),
                count(_median(two, "evaluations")),
                *(seconds(_median(serial, "seconds")), seconds(_median(two, "seconds"))),
            )
        )
    titles = (
        *("method", "preset", "seeds that got there", "row evaluations, serial", "with 2 Players"),
        *("seconds, serial", "with 2 Players"),
    )
    every = [one for row in kept["methods"].values() for mode in ("serial", "2 Players") for one in row[mode]]
    note = f"{kept['machine']}; load {max(one['load'] for one in every):.1f} at most when a run ended."
    return f"{table(titles, rows)}\n\n{note}"


def _solved(runs: Sequence[Found]) -> int:
    return sum(run["evaluations"] is not None for run in runs)


def _median(runs: Sequence[Found], what: str) -> float | None:
    """Of the seeds that got there."""
    said = [run[what] for run in runs if run[what] is not None]
    return float(median(said)) if said else None


def blas_table(kept: Found) -> str:
    rows = [
        (shape, players, *(f"{value:.1f}" for value in kept["shapes"][shape][index]))
        for shape in kept["shapes"]
        for index, players in enumerate(THREADS)
    ]
    note = f"Gradients of the whole table a second. {kept['machine']}; load {kept['load']:.1f} when it ended."
    return f"{table(('network', 'Players', '1 BLAS thread', '2 BLAS threads'), rows)}\n\n{note}"


# -- figures


def draw(kept: Found, folder: Path) -> None:
    shown = [name for name in THRESHOLDS if name in kept]
    if not shown:
        return
    drawn = new_figure(11, 5.4)
    axes = drawn.subplots(1, len(shown), squeeze=False)[0]
    labelled: dict[str, Any] = {}
    for panel, name in zip(axes, shown, strict=True):
        for index, method in enumerate(CATALOGUE):
            row = kept[name]["methods"].get(method)
            if row and row["curve"]:
                labelled[method] = _line(panel, row["curve"], index)
        threshold = kept[name]["threshold"]
        panel.axhline(threshold, color="#222222", linewidth=0.9, linestyle=(0, (4, 3)))
        panel.set(xscale="log", yscale="log", xlabel="row evaluations")
        panel.set_title("XOR, 2-2-1" if name == "xor" else "digits, 64-16-10")
        count_axis(panel.xaxis)
        plain_numbers(panel.yaxis)
    axes[0].set_ylabel("error, mean of the rows")
    axes[0].set_ylim(bottom=FLOOR)
    drawn.legend(labelled.values(), labelled.keys(), loc="outside lower center", ncols=4)
    save(drawn, folder / "systems-003-catalogue.png")


def _line(panel: Any, points: Sequence[Sequence[float]], index: int) -> Any:
    x, y = zip(*points, strict=True)
    style = {"color": colour(index), "linestyle": DASHES[index // len(COLOURS) % len(DASHES)]}
    if len(points) == 1:
        style |= {"marker": "D", "markersize": 6, "clip_on": False, "linestyle": ""}
    return panel.plot(x, [max(one, FLOOR) for one in y], **style)[0]
