"""What to type when a run has failed: the check that tries what failed by itself."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from touchline.configs import Config
from touchline.policy.numbers import is_of_network

NAMED = re.compile(r".*(:.+|-v\d+)")  # an id or a reference: an object that was handed over has neither


def check_environment(config: Config) -> str:
    """The command that plays the config's environment, in its wrappers, alone."""
    env = config.env
    name = env.id if NAMED.fullmatch(env.id) else f"path/file.py:{env.id}"
    words = ["touchline", "check", name]
    if env.kwargs:
        words += ["--env.kwargs", json.dumps(dict(env.kwargs), default=str)]
    if env.wrappers:
        words += ["--env.wrappers", json.dumps(env.wrappers, default=str)]
    return shlex.join(words)


def check_network(config: Config) -> str:
    """The command that tries ``policy.network`` alone; empty where the network is touchline's own."""
    policy = config.policy
    if policy.network is None:
        return ""
    words = ["touchline", "check"]
    words += [config.env.id] if NAMED.fullmatch(config.env.id) else []
    words += ["--policy", policy.network]
    if policy.network_kwargs:
        words += ["--policy.network_kwargs", json.dumps(dict(policy.network_kwargs), default=str)]
    return shlex.join(words)


def of_environment(config: Config) -> str:
    """The line that tells of the first."""
    return f"to try the environment by itself: {check_environment(config)}"


def of_network(config: Config) -> str:
    """The line that tells of the second; empty where there is none."""
    command = check_network(config)
    return f"to try policy.network by itself: {command}" if command else ""


def of_player(config: Config, message: str) -> str:
    """A Player failed at its environment, or at the network that the message begins with."""
    network = config.policy.network
    blamed = network is not None and message.startswith(network)
    return of_network(config) if blamed else of_environment(config)


def of_table(kept: Path | None = None) -> str:
    """What to do where a table's numbers, or what is made of them, are not finite."""
    return _lines(
        _kept(kept),
        "the usual sources are optimizer.learning_rate (or search.radius, hopping.step: whatever moves the weights) "
        "and inputs that are too large (table.scale: standard)",
    )


def unusable_results(config: Config, detail: str, kept: Path | None) -> str:
    """What to do when ten results in a row held no numbers: where they are kept, and who is to blame."""
    if not is_of_network(detail):
        return _lines(_kept(kept), of_environment(config))
    blamed = (
        "the likely source is policy.network" if config.policy.network else "the likely source is the weights"
    )
    return _lines(_kept(kept), blamed, of_network(config))


def unusable_updates(config: Config, kept: Path | None) -> str:
    """What to do when ten updates in a row would have given no numbers."""
    usual = "the usual sources are rewards too large (trainer.normalize_rewards: true) and optimizer.learning_rate"
    return _lines(
        _kept(kept), f"{usual}, and policy.network" if config.policy.network else usual, of_network(config)
    )


def _kept(kept: Path | None) -> str:
    return f"the last is told of in {kept}; its arrays are beside it (.npz)" if kept is not None else ""


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
