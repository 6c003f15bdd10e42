"""What decides how a run learns, in a few words: said before its first step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from touchline.configs import Config


def deciding(config: Config) -> list[str]:
    """How it learns, what the work is cut into, and which staleness it bears."""
    if config.method == "policy_gradient":
        return _policy_gradient(config)
    return [*_method(config), _parts(config), *_staleness(config)]


def _policy_gradient(config: Config) -> list[str]:
    from touchline.configs import resolve_gradient

    return [
        f"{config.trainer.algorithm} with {config.trainer.advantage}",
        f"gradient {resolve_gradient(config)}",
        f"correction {config.staleness.correction}",
    ]


def _method(config: Config) -> list[str]:
    rule = f"rule {config.optimizer.rule}"
    match config.method:
        case "descent":
            rows = config.descent.batch_rows
            batches = [f"minibatches of {rows} rows"] if rows is not None else []
            return [f"descent by {config.descent.by}", rule, *batches]
        case "krylov":
            return [f"krylov by {config.krylov.solver}", f"curvature {config.krylov.curvature}"]
        case "search":
            over = config.search.over
            return [f"search over {over}", rule] if over == "activations" else [f"search over {over}"]
        case "evolution":
            return [f"evolution by {config.evolution.pairs} pairs", rule]
        case "averaging":
            averaging = config.averaging
            of_its_own = "a start of its own each" if averaging.init == "own" else "one start"
            return [f"averaging by {averaging.combine}", of_its_own, f"local {averaging.local}"]
        case "structure":
            return [f"structure with barrier {config.structure.barrier}", rule]
        case "hopping":
            return ["hopping", f"temperature {config.hopping.temperature:g}"]
        case "imitation":
            return [f"imitation with sieve {config.imitation.sieve}", rule]
        case "trpo":
            return ["trpo", f"value by {config.trpo.value_solver}"]
    return [config.method]


def _parts(config: Config) -> str:
    parts = config.tasks.parts
    return f"{parts} part{'s' if parts != 1 else ''}"


def _staleness(config: Config) -> list[str]:
    bound = config.staleness.max_lag
    if in_lockstep(config):
        return ["lockstep"]
    return [f"max_lag {bound}"] if bound else []


def in_lockstep(config: Config) -> bool:
    """Whether all wait for the last result of a round before the next begins."""
    from touchline.configs.methods import bounds_lag

    return config.method != "policy_gradient" and config.staleness.max_lag == 0 and bounds_lag(config)


def mode(config: Config) -> list[str]:
    """The mode, but for async in lockstep: there nothing overlaps."""
    return [] if in_lockstep(config) and config.mode != "serial" else [f"mode {config.mode}"]


def what_tests_play(config: Config) -> dict[str, str]:
    """What the tests of a run by rounds in an environment play, by the name of their measure."""
    if config.method == "policy_gradient" or config.table.source is not None:
        return {}
    imitates, every = config.method == "imitation", config.table.test_every
    episodes = config.imitation.consecutive if imitates else config.eval.episodes
    when = "at the end" if every is None else f"every {every} updates" if every > 1 else "every update"
    between = {"test_return": f"{episodes} greedy episodes, {when}"}
    return {**between, "test_mean": f"at most {episodes}, until one fails"} if imitates else between
