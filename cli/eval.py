"""``touchline eval``: fresh episodes with what a run has learnt."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchline.cli import options
from touchline.cli.flags import ConfigCommand, config_flags
from touchline.cli.live_text import number
from touchline.cli.restoring import restored

if TYPE_CHECKING:
    from touchline.player.evaluate import Evaluation


@click.command(cls=ConfigCommand)
@click.argument("run")
@click.option("--episodes", type=click.IntRange(1), metavar="N", default=100, help="How many.  [100]")
@options.sampled
@options.checkpoint
@options.eval_seed
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@options.runs_folder
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    episodes: int,
    sampled: bool,
    checkpoint: str,
    seed: int,
    as_json: bool,
    runs: Path,
) -> None:
    """Play whole episodes with what RUN has learnt, greedily unless told otherwise, and report the returns.

    Of a run on a table, report the error of its network over the training rows and the test rows.

    RUN is a path, a name, a number, or the beginning of a name. Flags of env.* change the environment:
    --env.kwargs.gravity 5.
    """
    from touchline.cli.measured import measured_text, on_table, refuse_playing
    from touchline.player.evaluate import evaluate
    from touchline.record import find_run

    if on_table(find_run(run, runs)):
        refuse_playing(ctx)
        click.echo(measured_text(find_run(run, runs), checkpoint, config_flags(ctx), as_json=as_json))
        return
    directory, policy = restored(run, runs, checkpoint, config_flags(ctx))
    played = evaluate(
        policy.spec, policy.policy, policy.snapshot, episodes=episodes, seed=seed, greedy=not sampled
    )
    facts = {
        "run": directory.name,
        "env": policy.spec.name,
        "version": policy.snapshot.version,
        "checkpoint": checkpoint,
        "greedy": not sampled,
        "seed": seed,
        "goal": policy.goal,
    }
    click.echo(json.dumps({**facts, **_numbers(played)}) if as_json else _text(facts, played))


def _numbers(played: Evaluation) -> dict[str, Any]:
    return {
        "episodes": len(played.returns),
        "return_mean": played.mean,
        "return_std": played.std,
        "return_min": min(played.returns),
        "return_max": max(played.returns),
        "length_mean": statistics.fmean(played.lengths),
        "returns": list(played.returns),
        "lengths": list(played.lengths),
        "seeds": list(played.seeds),
    }


def _text(facts: dict[str, Any], played: Evaluation) -> str:
    how = "greedy" if facts["greedy"] else "sampled"
    title = (
        f"{facts['run']}, version {facts['version']}: {len(played.returns)} {how} episodes of {facts['env']}"
    )
    lengths = played.lengths
    lines = [
        click.style(title, bold=True),
        f"  return  mean {number(played.mean)}, std {number(played.std)}, "
        f"min {number(min(played.returns))}, max {number(max(played.returns))}",
        f"  length  mean {statistics.fmean(lengths):.1f}, min {min(lengths)}, max {max(lengths)}",
    ]
    if facts["version"] == 0:
        lines.append("  note    version 0 is the initial weights: nothing was saved after them")
    if facts["goal"] is not None:
        reached = played.mean >= facts["goal"]
        word = click.style("reached", fg="green") if reached else click.style("not reached", fg="yellow")
        lines.append(f"  goal    {facts['goal']:g}: {word}")
    return "\n".join(lines)
