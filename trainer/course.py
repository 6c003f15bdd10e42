"""A run as the loop and the reports read it: ``Training`` of the main method, ``Campaign`` of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from touchline.configs import Config
from touchline.policy.spaces import from_plain
from touchline.record import RunDirectory
from touchline.trainer.campaign import Campaign
from touchline.trainer.policy_gradient import policy_of
from touchline.trainer.schemes.choosing import scheme_of
from touchline.trainer.training import Training

Course = Training | Campaign


def course_of(
    config: Config,
    *,
    spaces: Mapping[str, Any],
    facts: Mapping[str, Any],
    run: RunDirectory,
    epoch: int,
    clock: Callable[[], float],
    accounts: Callable[[], Mapping[str, Any]] = dict,
    saved: Callable[[Mapping[str, Any]], None] = lambda state: None,
) -> Course:
    """The run of ``config.method`` on what the first Player announced. Raises SpaceError, SchemeError, TargetError."""
    if config.method == "policy_gradient":
        policy = policy_of(config, from_plain(spaces["observation"]), from_plain(spaces["action"]))
        return Training(
            config, policy, facts=facts, run=run, epoch=epoch, clock=clock, accounts=accounts, saved=saved
        )
    return Campaign(
        config,
        scheme_of(config, spaces, facts),
        spaces=spaces,
        facts=facts,
        run=run,
        epoch=epoch,
        clock=clock,
        accounts=accounts,
        saved=saved,
    )
