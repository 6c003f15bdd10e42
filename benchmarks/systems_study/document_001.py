"""Document 001: its levels in parallel, its time model, a clockwork of 32 Players, and what each level found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from systems_study.clockwork import Costs, best_players, model_seconds, seconds_a_round
from systems_study.drawing import plain_numbers
from systems_study.levels import QUICK, levels, measured
from systems_study.page import count, figure, percent, seconds, table
from systems_study.study import Study, curve, machine
from touchline.record.plot_style import INK, QUIET, colour, new_figure, save

Found = Mapping[str, Any]
PLAYERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
LATENCIES = (0.001, 0.01, 0.1)
BANDWIDTH = 125e6  # bytes a second: a gigabit
RULES = {
    "gradient descent": ("sgd", "0.5"),
    "adam": ("adam", "0.02"),
    "quickprop": ("quickprop", "0.5"),
    "RPROP+": ("rprop_plus", "0.1"),
    "RPROP-": ("rprop_minus", "0.1"),
    "iRPROP+": ("irprop_plus", "0.1"),
    "iRPROP-": ("irprop_minus", "0.1"),
}
PRESETS = (
    *("001-grid", "001-monte-carlo", "001-evolution", "001-weights", "001-rows", "001-quickprop"),
    *("001-activations", "001-structure", "001-evolution-cartpole"),
)


def speedup(study: Study) -> dict[str, Any]:
    """Each level, serial and with 1 and 2 Players; and a round of next to nothing, for what a message takes."""
    found = [measured(study, level) for level in levels(study)]
    return {**machine(), "levels": found, "empty": empty_round(study)}


def empty_round(study: Study) -> dict[str, float]:
    """Seconds of a round of one order on four rows: what it takes to ask and to be answered."""
    flags = ("--table.source", "xor", "--table.scale", "none", "--table.test", "null", "--tasks.parts", "1")
    rounds = ("--stop.error", "null", "--stop.rounds", "20" if study.quick else "2000")
    kinds = {"serial": {"serial": True}, "1 Player": {}}
    found = {}
    for name, how in kinds.items():
        players = () if how else ("--players.count", "1")
        lines = study.run(f"empty-{name[0]}", "001-rows", *flags, *rounds, *players, **how).lines
        found[name] = float(np.percentile(np.diff([line.seconds for line in lines]), QUICK))
    return found


def simulated(study: Study) -> dict[str, Any] | None:
    """Speed-up to 32 Players at three latencies, by the model and by the Trainer's own rounds under a virtual clock."""
    level = _work(study)
    size = 8 * level["size"]
    found = []
    for latency in LATENCIES:
        costs = Costs(level["serial"], level["merge"], size, size, latency, BANDWIDTH)
        curves = {
            "model": [model_seconds(costs, n) for n in PLAYERS],
            "lockstep": [seconds_a_round(costs, n, waits=True) for n in PLAYERS],
            "lag": [seconds_a_round(costs, n, waits=False) for n in PLAYERS],
        }
        speed = {name: [costs.serial / value for value in values] for name, values in curves.items()}
        found.append({**asdict(costs), "best": best_players(costs), "speed": speed})
    return {**machine(), "players": PLAYERS, "latencies": found, "work": level}


def _work(study: Study) -> dict[str, Any]:
    """The serial seconds of a round of the first level, and the size of its gradient."""
    level = next(iter(levels(study)))
    row = measured(study, level)
    size = 784 * 128 + 128 + 1290 if study.mnist else 64 * 16 + 16 + 170
    return {"what": level.what, "serial": row["serial"], "merge": row["merge"], "size": size}


def rules(study: Study) -> dict[str, Any]:
    """The error on digits against passes, rule by rule."""
    passes = "20" if study.quick else "200"
    found = {}
    for name, (rule, rate) in RULES.items():
        flags = ("--optimizer.rule", rule, "--optimizer.learning_rate", rate)
        free = ("--optimizer.max_gradient_norm", "null", "--stop.error", "null", "--stop.rounds", passes)
        done = study.run(f"rule-{rule}", "001-rows", *flags, *free, serial=True)
        found[name] = {
            "curve": curve(done.lines, "error", over="update"),
            "accuracy": done.measures["test_accuracy"],
        }
    return {**machine(), "rules": found}


def found(study: Study) -> dict[str, Any]:
    """What every preset of the document comes to."""
    rows = []
    for preset in PRESETS:
        quick = ("--stop.rounds", "2") if study.quick else ()
        done = study.run(preset, preset, *quick)
        rows.append(
            {
                "preset": preset,
                "reason": done.summary["reason"],
                "evaluations": done.summary["steps"],
                "seconds": done.summary["wall_seconds"],
                "facts": done.facts,
                "measures": done.measures,
                "objective": {name: done.summary["objective"][name] for name in ("name", "best", "unit")},
                "load": done.load,
            }
        )
    return {**machine(), "rows": rows}


SECTIONS = {"speedup": speedup, "simulated": simulated, "rules": rules, "found": found}


# -- the page


def parts(kept: Found) -> dict[str, str]:
    made = {}
    if "speedup" in kept:
        made["speedup"] = speedup_table(kept["speedup"])
    if "simulated" in kept:
        made["simulated"] = simulated_table(kept["simulated"])
    if "rules" in kept:
        made["rules"] = figure("systems-001-rules.png", "Error on digits against passes, by rule")
    if "found" in kept:
        made["found"] = found_table(kept["found"])
    return made


def speedup_table(kept: Found) -> str:
    """Milliseconds a round, and the model's speed-up with what the run with one Player says an order costs."""
    rows = []
    for level in kept["levels"]:
        serial, one, two = level["serial"], level["1 Player"], level["2 Players"]
        modelled = serial / (serial / 2 + max(0.0, one - serial) / 4)
        rows.append(
            (
                *(level["name"], level["what"], _ms(serial), _ms(one), _ms(two)),
                *(f"{serial / two:.2f}", f"{percent(serial / two / 2)} %", f"{modelled:.2f}"),
            )
        )
    titles = (
        *("level", "a round", "serial, ms", "1 Player", "2 Players"),
        *("speed-up", "efficiency", "speed-up, model"),
    )
    empty = kept["empty"]
    load = max(level["load"] for level in kept["levels"])
    note = (
        f"{kept['machine']}; load {load:.1f} at most when a run ended. A round of one order on "
        f"four rows takes {1e3 * empty['serial']:.2f} ms serial and {1e3 * empty['1 Player']:.2f} ms with one Player."
    )
    return f"{table(titles, rows)}\n\n{note}"


def simulated_table(kept: Found) -> str:
    rows = []
    for one in kept["latencies"]:
        for name, says in (("model", "model"), ("lockstep", "lockstep"), ("lag", "lag up to 4")):
            speed = one["speed"][name]
            best = max(range(len(speed)), key=speed.__getitem__)
            at = [f"{speed[kept['players'].index(n)]:.2f}" for n in (2, 8, 32)]
            model = f"{one['best']:.1f}" if name == "model" else None
            rows.append((_ms(one["latency"]), says, *at, kept["players"][best], model))
    titles = ("latency, ms", "", "n = 2", "n = 8", "n = 32", "best of those drawn", "n* by the formula")
    work = kept["work"]
    note = (
        f"{work['what']}: {work['serial']:.3g} s a round on one core, {_ms(work['merge'])} ms to merge it, "
        f"{8 * work['size'] / 1e6:.2g} MB each way, 1 Gbit/s."
    )
    return f"{table(titles, rows)}\n\n{note}\n\n" + figure(
        "systems-001-players.png", "Speed-up against Players at three latencies"
    )


def found_table(kept: Found) -> str:
    rows = []
    for row in kept["rows"]:
        objective = row["objective"]
        best = None if objective["best"] is None else f"{objective['name']} {objective['best']:.4g}"
        work = f"{count(row['evaluations'])} {objective['unit']}"
        rows.append((f"`{row['preset']}`", row["reason"], best, work, seconds(row["seconds"]), _facts(row)))
    return table(("preset", "ended", "best", "work", "seconds", "found"), rows)


def _facts(row: Found) -> str:
    facts = row["facts"]
    said = {
        "activations": lambda value: ", ".join(f"{kind}" for kind, _ in value),
        "hidden": lambda value: f"hidden {value}",
        "points": lambda value: f"{value:,} points",
    }
    return "; ".join(tell(facts[name]) for name, tell in said.items() if name in facts)


def _ms(value: float) -> str:
    return f"{1e3 * value:.3g}" if value < 1 else f"{1e3 * value:,.0f}"


# -- figures


def draw(kept: Found, folder: Path) -> None:
    if "simulated" in kept:
        draw_players(kept["simulated"], folder / "systems-001-players.png")
    if "rules" in kept:
        draw_rules(kept["rules"], folder / "systems-001-rules.png")


def draw_players(kept: Found, path: Path) -> None:
    drawn = new_figure(11, 3.9)
    axes = drawn.subplots(1, len(kept["latencies"]), sharey=True)
    players = kept["players"]
    for panel, one in zip(axes, kept["latencies"], strict=True):
        panel.plot(
            players, players, color=QUIET, linewidth=1, linestyle=":", label="as many times as Players"
        )
        panel.plot(
            *(players, one["speed"]["model"]),
            color=INK,
            linestyle="--",
            linewidth=1.3,
            label="the document's model",
        )
        panel.plot(
            *(players, one["speed"]["lockstep"]), color=colour(0), marker="o", markersize=4, label="lockstep"
        )
        panel.plot(
            *(players, one["speed"]["lag"]), color=colour(1), marker="s", markersize=4, label="lag up to 4"
        )
        panel.set(xscale="log", yscale="log", xlabel="Players", title=f"latency {1e3 * one['latency']:g} ms")
        panel.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
        panel.set_yticks(
            [0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32], ["⅛", "¼", "½", "1", "2", "4", "8", "16", "32"]
        )
        panel.minorticks_off()
    axes[0].set_ylim(0.1, 40)
    axes[0].set_ylabel("speed-up")
    drawn.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    save(drawn, path)


def draw_rules(kept: Found, path: Path) -> None:
    drawn = new_figure(7.5, 4.2)
    panel = drawn.subplots()
    for index, (name, rule) in enumerate(kept["rules"].items()):
        x, y = zip(*rule["curve"], strict=True)
        panel.plot(x, y, color=colour(index), label=name)
    panel.set(xscale="log", yscale="log", xlabel="passes over the rows", ylabel="error, mean of the rows")
    panel.set_ylim(bottom=1e-6)
    plain_numbers(panel.xaxis)
    plain_numbers(panel.yaxis)
    panel.set_title("digits, 64-16-10")
    panel.legend()
    save(drawn, path)
