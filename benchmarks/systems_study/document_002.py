"""Document 002: episodes imitated, on CartPole and LunarLander; policy gradients on one clock; rows on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from imitation_transport import costs

from systems_study.page import count, figure, seconds, table
from systems_study.study import Done, Study, machine, thinned
from touchline.record import RunDirectory
from touchline.record.history import read_history
from touchline.record.plot_style import INK, QUIET, colour, new_figure, save

Found = Mapping[str, Any]
ORIGINAL = -150.0
LAST = 100  # episodes of a mean
CARTPOLE = {
    "best third, forgotten": ("002-cartpole", ()),
    "as it was: fixed thresholds": ("002-cartpole-fixed", ()),
}
LUNAR = ("--env.id", "LunarLander-v3")
AS_IT_WAS = (
    *LUNAR,
    "--env.kwargs",
    "{}",
    "--imitation.clean",
    "0.75",
    "--imitation.cut",
    "0",
    "--stop.rounds",
    "null",
)
LUNARLANDER = {
    "policy gradient (PPO)": ("lunarlander", ()),
    "best fifth, forgotten (cross-entropy method)": ("002-lunarlander", ()),
    "as it was: fixed thresholds": ("002-cartpole-fixed", AS_IT_WAS),
}
MINUTES = {"lunarlander": "8", "002-lunarlander": "8", "002-cartpole-fixed": "4"}


def cartpole(study: Study) -> dict[str, Any]:
    """Both sieves, seed by seed."""
    short = ("--stop.rounds", "2") if study.quick else ()
    found = {
        name: [_row(done) for done in study.over_seeds(f"cartpole-{preset}", preset, *flags, *short)]
        for name, (preset, flags) in CARTPOLE.items()
    }
    return {**machine(), "forms": found}


def lunarlander(study: Study) -> dict[str, Any] | None:
    """One run of each, with the return of the last hundred episodes against the seconds."""
    found = {}
    for name, (preset, flags) in LUNARLANDER.items():
        minutes = ("--stop.minutes", "0.1" if study.quick else MINUTES[preset], "--stop.steps", "20M")
        done = study.run(f"lunarlander-{preset}", preset, *flags, *minutes)
        found[name] = {**_row(done), "preset": preset, "curve": _curve(done)}
    return {**machine(), "forms": found}


def transport(study: Study) -> dict[str, Any]:
    """Microseconds and bytes of a row, four ways."""
    measured = costs(rows=1000 if study.quick else 100_000, features=8, repeats=1 if study.quick else 5)
    return {**machine(), "ways": {name: cost._asdict() for name, cost in measured.items()}}


SECTIONS = {"cartpole": cartpole, "lunarlander": lunarlander, "transport": transport}


def _row(done: Done) -> dict[str, Any]:
    summary = done.summary
    return {
        "solved": summary["solved"],
        "reason": summary["reason"],
        "steps": summary["steps"],
        "episodes": summary["episodes"],
        "seconds": summary["wall_seconds"],
        "best": _best(done),
        "load": done.load,
    }


def _means(done: Done) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and the mean of the last ``LAST`` returns, float64 [E] each."""
    episodes = read_history(RunDirectory(done.path)).episodes
    sums = np.concatenate([[0.0], np.cumsum(episodes.returns)])
    ends = np.arange(1, len(sums))
    begins = np.maximum(ends - LAST, 0)
    return episodes.seconds, (sums[ends] - sums[begins]) / (ends - begins)


def _curve(done: Done) -> list[list[float]]:
    """From the hundredth episode on."""
    points = [(round(float(x), 2), round(float(y), 1)) for x, y in zip(*_means(done), strict=True)]
    return thinned(points[LAST - 1 :], log=False)


def _best(done: Done) -> float | None:
    _, means = _means(done)
    return round(float(means[min(LAST, len(means)) - 1 :].max()), 1) if len(means) else None


# -- the page


def parts(kept: Found) -> dict[str, str]:
    made = {}
    if "cartpole" in kept:
        made["cartpole"] = cartpole_table(kept["cartpole"])
    if "lunarlander" in kept:
        made["lunarlander"] = lunarlander_table(kept["lunarlander"])
    if "transport" in kept:
        made["transport"] = transport_table(kept["transport"])
    return made


def cartpole_table(kept: Found) -> str:
    rows = [
        (
            name,
            f"{sum(row['solved'] for row in runs)} of {len(runs)}",
            f"{median(row['seconds'] for row in runs):.1f}",
            f"{median(row['steps'] for row in runs):,.0f}",
            ", ".join(f"{row['best']:g}" for row in runs),
        )
        for name, runs in kept["forms"].items()
    ]
    titles = ("sieve", "solved", "seconds, median", "steps, median", "best mean of 100 episodes, by seed")
    return table(titles, rows) + "\n\n" + _note(kept)


def lunarlander_table(kept: Found) -> str:
    rows = [
        (
            name,
            "" if row["best"] is None else f"{row['best']:g}",
            *(seconds(_first(row["curve"], 0)), seconds(_first(row["curve"], 200))),
            *(count(row["steps"]), seconds(row["seconds"])),
        )
        for name, row in kept["forms"].items()
    ]
    titles = ("", "best mean of 100 episodes", "seconds to 0", "to 200", "steps", "seconds in all")
    picture = figure("systems-002-lunarlander.png", "LunarLander: return against seconds")
    return f"{table(titles, rows)}\n\n{_note(kept)}\n\n{picture}"


def _first(curve: Sequence[Sequence[float]], level: float) -> float | None:
    return next((x for x, value in curve if value >= level), None)


def _note(kept: Found) -> str:
    forms = kept["forms"].values()
    rows = [row for form in forms for row in (form if isinstance(form, list) else [form])]
    return f"{kept['machine']}; load {max(row['load'] for row in rows):.1f} at most when a run ended."


def transport_table(kept: Found) -> str:
    says = {
        "json": "text, a list of rows",
        "json, manager": "the same, onto a list that another process holds (as it was)",
        "arrays": "arrays in messages, as touchline sends them",
        "arrays, copied": "the same and a copy, as a socket makes",
    }
    rows = [
        (says[name], f"{cost['microseconds']:.3g}", f"{cost['size']:.0f}")
        for name, cost in kept["ways"].items()
    ]
    note = f"{kept['machine']}; load {kept['load']:.1f}."
    return f"{table(('a row', 'microseconds', 'bytes'), rows)}\n\n{note}"


# -- figures


def draw(kept: Found, folder: Path) -> None:
    if "lunarlander" in kept:
        draw_lunarlander(kept["lunarlander"], folder / "systems-002-lunarlander.png")


def draw_lunarlander(kept: Found, path: Path) -> None:
    drawn = new_figure(8.5, 4.4)
    panel = drawn.subplots()
    for index, (name, row) in enumerate(kept["forms"].items()):
        if row["curve"]:
            x, y = zip(*row["curve"], strict=True)
            panel.plot(x, y, color=colour(index), label=name)
    panel.axhline(ORIGINAL, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    panel.annotate(
        "the original, 1.75 hours on nine computers: -150",
        (0.99, ORIGINAL),
        xycoords=("axes fraction", "data"),
        xytext=(0, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8.5,
        color=QUIET,
    )
    panel.axhline(200, color=QUIET, linewidth=0.9, linestyle=(0, (1, 2)))
    panel.set(xlabel="wall time (s)", ylabel="return, mean of the last 100 episodes", ylim=(-300, 260))
    panel.set_xlim(left=0)
    panel.set_title("LunarLander-v3")
    panel.legend(loc="lower right")
    save(drawn, path)
