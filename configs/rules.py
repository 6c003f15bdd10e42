"""What a rule over several keys of the config is, and the fault that breaking one makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from touchline.configs.errors import Fault, Place
from touchline.configs.schema import Config
from touchline.configs.showing import show


@dataclass(frozen=True, slots=True)
class Rule:
    """``key`` must be ``expected`` unless ``broken``; texts are formats over the config ``c``.

    A key is refused by one rule at a time, as two would ask for two things: hence the exclusions.
    ``involves`` names the other keys that decide: the fault is placed at the first of them all that was set.
    ``always``: of the main method's table, judged with every method. ``missing``: the key was not given at all.
    """

    key: str
    involves: tuple[str, ...]
    broken: Callable[[Config], bool]
    expected: str
    reason: str
    always: bool = False
    missing: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key, *self.involves)


def fault_of(rule: Rule, config: Config, place: Place | None = None) -> Fault:
    """The fault of a broken rule."""
    found = None if rule.missing else show(value_of(config, rule.key))
    expected, reason = rule.expected.format(c=config), rule.reason.format(c=config)
    return Fault(place or Place(), rule.key, expected, found, reason)


def value_of(config: Config, key: str) -> object:
    """The value of a dotted key."""
    value: object = config
    for part in key.split("."):
        value = getattr(value, part)
    return value
