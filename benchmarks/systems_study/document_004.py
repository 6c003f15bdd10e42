"""Document 004: networks trained apart, their mean and sum, against the published points; and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file
from threadpoolctl import threadpool_limits

from systems_study.apart import Experiment, ott_config, trained_apart
from systems_study.merged import worth
from systems_study.page import figure, percent, table
from systems_study.study import Done, Study, machine
from touchline.player.table_work import table_of
from touchline.record.plot_style import QUIET, colour, new_figure, save
from touchline.targets.combining import combine
from touchline.trainer.schemes.on_table import first_weights

Found = Mapping[str, Any]
PARTS = (1, 2, 4, 6, 8, 12, 16, 24)
ROWS = 50_000
REAL_PARTS = 24
MODERN_PARTS = (1, 2, 4, 12, 24)
PUBLISHED_MEAN = {
    1: 94.5,
    2: 78.0,
    4: 76.0,
    6: 50.0,
    8: 50.0,
    10: 41.5,
    12: 41.5,
    14: 40.6,
    16: 39.0,
    18: 30.5,
    20: 30.0,
    22: 28.5,
    24: 28.5,
}
PUBLISHED_SUM = {1: 94.5, 2: 88.0, 4: 86.0, 6: 60.0, 8: 60.0, 12: 51.5, 24: 38.5}


def apart(study: Study) -> dict[str, Any] | None:
    """For each number of parts, from own and from shared starts: what the networks are worth, one by one and merged."""
    experiment = _experiment(study)
    if experiment is None:
        return None
    rows = []
    with threadpool_limits(1):  # of two numbers of parts at once, each has a core
        for parts in (1, 2, 4) if study.quick else PARTS:
            rows += cell(experiment, parts, study.runs / "apart" / f"parts-{parts}.npz")
    return {**machine(), "rows": len(experiment.table.x), "cells": rows}


def cell(experiment: Experiment, parts: int, path: Path) -> list[dict[str, Any]]:
    """One number of parts: a row for own starts and one for shared ones, which of one part are the same thing."""
    w, spent = trained_apart(experiment, parts, path)
    start = first_weights(experiment.config, experiment.network)
    found = []
    for init, some, begun in (("own", w[:parts], None), ("shared", w[parts:], start)):
        found.append({"parts": parts, "init": init, "seconds": spent, **worth(experiment, some, begun)})
    return found


def real(study: Study) -> dict[str, Any] | None:
    """One run of the preset with as many parts: its merged network beside that of the networks trained in lockstep."""
    experiment = _experiment(study)
    if experiment is None:
        return None
    parts = 4 if study.quick else REAL_PARTS
    rows = ("--table.rows", str(len(experiment.table.x)), "--table.test", _test(study))
    flags = ("--table.source", _source(study), *rows, "--tasks.parts", str(parts), "--tasks.lease", "3600")
    inner = ("--averaging.inner", str(experiment.config.averaging.inner))
    done = study.run(f"real-{parts}", "004-ott", *flags, *inner, "--players.count", "2")
    w, _ = trained_apart(experiment, parts, study.runs / "apart" / f"parts-{parts}.npz")
    merged = combine(list(w[:parts]), how="mean")
    views = experiment.network.views(merged)
    found = _weights(done)
    return {
        **machine(),
        "parts": parts,
        "difference": max(float(np.abs(found[name] - view).max()) for name, view in views.items()),
        "equal": all(np.array_equal(found[name], view) for name, view in views.items()),
        "accuracy": done.measures["test_accuracy"],
        "seconds": done.summary["wall_seconds"],
        "load": done.load,
    }


def modern(study: Study) -> dict[str, Any]:
    """The form of today: an epoch apart and averaged, ten times over; and once, from own starts."""
    source = ("--table.source", study.mnist, "--table.test", "null") if study.mnist else ()
    cells = []
    for parts in (1, 4) if study.quick else MODERN_PARTS:
        once = ("--averaging.init", "own", "--averaging.rounds", "1")
        for form, flags in (("ten rounds, shared", ()), ("one round, own", once)):
            if study.quick:
                flags = (*flags, "--averaging.rounds", "1")
            name = f"modern-{parts}-{form.split(',')[0].replace(' ', '-')}"
            done = study.run(name, "004-averaging", *source, "--tasks.parts", str(parts), *flags)
            cells.append(
                {
                    "parts": parts,
                    "form": form,
                    "accuracy": done.measures["test_accuracy"],
                    "seconds": done.summary["wall_seconds"],
                    "load": done.load,
                }
            )
    return {**machine(), "table": "MNIST" if study.mnist else "digits", "cells": cells}


def relu(study: Study) -> dict[str, Any]:
    """Rectifiers without biases: whether sum and mean of the same networks say the same of every test row."""
    flags = (
        "--model.bias",
        "false",
        "--averaging.init",
        "own",
        "--averaging.rounds",
        "1",
        "--tasks.parts",
        "4",
    )
    found = {}
    for how in ("mean", "sum"):
        done = study.run(f"relu-{how}", "004-averaging", *flags, "--averaging.combine", how)
        found[how] = done.measures["test_accuracy"]
    return {**machine(), "accuracy": found}


SECTIONS = {"apart": apart, "modern": modern, "relu": relu, "real": real}


def _experiment(study: Study) -> Experiment | None:
    """On MNIST, or in the quick form on digits; None where there is no MNIST."""
    if study.mnist is None and not study.quick:
        return None
    inner = {"averaging.inner": 8} if study.quick else {}
    rows = 200 if study.quick else ROWS
    test = 0.2 if study.quick else None
    config = ott_config(_source(study), rows=rows, test=test, **inner)
    return Experiment.of(config, table_of(config))


def _source(study: Study) -> str:
    return "digits" if study.quick or study.mnist is None else study.mnist


def _test(study: Study) -> str:
    return "0.2" if study.quick else "null"


def _weights(done: Done) -> dict[str, Any]:
    latest = (done.path / "checkpoints" / "latest").resolve()
    folder = latest if latest.is_dir() else done.path / "checkpoints" / latest.read_text().strip()
    return dict(load_file(folder / "weights.safetensors"))


# -- the page


def parts(kept: Found) -> dict[str, str]:
    made = {}
    if "apart" in kept:
        made["apart"] = apart_table(kept["apart"])
        made["identity"] = identity_table(kept["apart"])
        made["figure"] = figure("systems-004-parts.png", "Accuracy against parts: published and ours")
    if "modern" in kept:
        made["modern"] = modern_table(kept["modern"])
    if "relu" in kept:
        made["relu"] = relu_line(kept["relu"])
    if "real" in kept:
        made["real"] = real_line(kept["real"])
    return made


def apart_table(kept: Found) -> str:
    """Accuracy in per cent by number of parts: one row a way of merging, beside the published ones."""
    cells = {(cell["parts"], cell["init"]): cell for cell in kept["cells"]}
    numbers = sorted({number for number, _ in cells})
    ours = (
        ("mean, own starts", "own", "mean"),
        ("sum, own starts", "own", "sum"),
        ("mean, shared start", "shared", "mean"),
        ("sum, shared start", "shared", "sum"),
        ("start + displacements, shared", "shared", "displacements"),
        ("one network on average, own starts", "own", "single"),
        ("ensemble of outputs, own starts", "own", "ensemble"),
    )
    rows: list[list[object]] = [
        ["mean, published", *(PUBLISHED_MEAN.get(number) for number in numbers)],
        ["sum, published", *(PUBLISHED_SUM.get(number) for number in numbers)],
    ]
    for says, init, what in ours:
        rows.append([says, *(_percent(cells.get((number, init)), what) for number in numbers)])
    return table(("parts", *map(str, numbers)), rows)


def _percent(cell: Found | None, what: str) -> str | None:
    return None if cell is None else percent(cell[what])


def identity_table(kept: Found) -> str:
    """Sum and mean with a gain of n, and how many test rows they differ on."""
    titles = (
        "parts",
        "starts",
        "sum",
        "mean with gain n",
        "test rows that differ",
        "deviation of W1, one",
        "of the mean",
    )
    rows = [
        (
            *(cell["parts"], cell["init"], f"{100 * cell['sum']:.2f}", f"{100 * cell['mean_gain']:.2f}"),
            *(cell["differ"], f"{cell['spread_single']:.3f}", f"{cell['spread_mean']:.3f}"),
        )
        for cell in kept["cells"]
    ]
    return table(titles, rows)


def modern_table(kept: Found) -> str:
    cells = kept["cells"]
    numbers = sorted({cell["parts"] for cell in cells})
    forms = dict.fromkeys(cell["form"] for cell in cells)
    by = {(cell["parts"], cell["form"]): cell for cell in cells}
    rows = [[form, *(percent(by[number, form]["accuracy"]) for number in numbers)] for form in forms]
    rows += [
        [f"seconds: {form}", *(f"{by[number, form]['seconds']:.0f}" for number in numbers)] for form in forms
    ]
    load = max(cell["load"] for cell in cells)
    note = f"{kept['table']}; {kept['machine']}; load {load:.1f} at most when a run ended."
    return f"{table(('parts', *map(str, numbers)), rows)}\n\n{note}"


def relu_line(kept: Found) -> str:
    mean, total = (percent(kept["accuracy"][how]) for how in ("mean", "sum"))
    return f"On digits, four networks with starts of their own: mean {mean} %, sum {total} %."


def real_line(kept: Found) -> str:
    how = "bit for bit" if kept["equal"] else f"to {kept['difference']:.1e} in every weight"
    return (
        f"`touchline train 004-ott` with {kept['parts']} parts and two Players comes to the same network {how}: "
        f"{percent(kept['accuracy'])} % of the test rows, in {kept['seconds']:.0f} s ({kept['machine']}; "
        f"load {kept['load']:.1f} at its end)."
    )


# -- figures


def draw(kept: Found, folder: Path) -> None:
    if "apart" in kept:
        draw_parts(kept["apart"], folder / "systems-004-parts.png")


def draw_parts(kept: Found, path: Path) -> None:
    drawn = new_figure(11, 4.4)
    by_parts, by_gain = drawn.subplots(1, 2, sharey=True, width_ratios=(1.25, 1))
    lines = (
        ("own", "mean", 0, "-"),
        ("own", "sum", 1, "-"),
        ("shared", "mean", 2, "-"),
        ("own", "single", 6, ":"),
    )
    says = {"own": "own starts", "shared": "shared start"}
    for init, what, index, dash in lines:
        cells = [cell for cell in kept["cells"] if cell["init"] == init]
        label = "one network alone" if what == "single" else f"{what}, {says[init]}"
        by_parts.plot(
            [cell["parts"] for cell in cells],
            [100 * cell[what] for cell in cells],
            *(dash,),
            color=colour(index),
            marker="o",
            markersize=4,
            label=label,
        )
    for published, index, what in ((PUBLISHED_MEAN, 0, "mean"), (PUBLISHED_SUM, 1, "sum")):
        by_parts.plot(
            *(list(published), list(published.values())),
            color=colour(index),
            linestyle=(0, (1, 2)),
            marker="x",
            markersize=5,
            linewidth=1.2,
            label=f"{what}, published",
        )
    by_parts.set(xlabel="networks n", ylabel="test rows that are right (%)", ylim=(0, 100))
    by_parts.set_title("merged once, after one pass")
    by_parts.legend(loc="lower left", ncols=2)
    _gains(by_gain, kept)
    save(drawn, path)


def _gains(panel: Any, kept: Found) -> None:
    """Accuracy of the mean against the gain of its hidden units; a ring where the gain is n: that is the sum."""
    chosen = [cell for cell in kept["cells"] if cell["init"] == "own" and cell["parts"] in (4, 8, 12, 24)]
    for index, cell in enumerate(chosen):
        gains, shares = zip(*cell["gains"], strict=True)
        panel.plot(
            gains, [100 * share for share in shares], color=colour(index), label=f"n = {cell['parts']}"
        )
        panel.plot(
            cell["parts"], 100 * cell["sum"], "o", color=colour(index), markerfacecolor="white", markersize=7
        )
    panel.axvline(1, color=QUIET, linewidth=0.8, linestyle=":")
    panel.set(xscale="log", xlabel="gain of the mean's hidden units")
    panel.set_xticks([0.5, 1, 2, 4, 8, 24, 96], ["½", "1: mean", "2", "4", "8", "24", "96"])
    panel.minorticks_off()
    panel.set_title("the sum is the mean with a gain of n (rings)")
    panel.legend(loc="upper left", ncols=2)
