"""Every table of rules over one config: what it lacks, what nobody reads, what does not go together."""

from __future__ import annotations

from touchline.configs.combinations import RULES
from touchline.configs.errors import Fault
from touchline.configs.method_rules import METHOD_RULES, MISSING, TARGET_RULES
from touchline.configs.methods import MAIN, misplaced
from touchline.configs.rules import Rule, fault_of
from touchline.configs.schema import Config


def check(config: Config) -> list[Fault]:
    """What the config combines that makes no sense, with the reason and what would work; no places."""
    return [fault_of(rule, config) for rule in broken_rules(config)]


def broken_rules(config: Config) -> list[Rule]:
    """The rules that the config breaks, in the order of the tables."""
    return [rule for rule in _judged(config) if rule.broken(config)]


def _judged(config: Config) -> tuple[Rule, ...]:
    """The rules to judge by: while the target is in doubt, nothing is said of what would belong to it."""
    main = RULES if config.method == MAIN else tuple(rule for rule in RULES if rule.always)
    if any(rule.broken(config) for rule in TARGET_RULES):
        return (*TARGET_RULES, *main)
    return (*MISSING, *misplaced(), *main, *METHOD_RULES)
