"""What a config says of an environment, before anything is imported for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Vectorize = Literal["auto", "always", "never"]
WrapperSpec = str | Mapping[str, Mapping[str, Any] | None] | Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class EnvSpec:
    """An environment by name, and what to do with it.

    ``id`` is a Gymnasium id (``CartPole-v1``), ``package.module:Id-v0``, ``package.module:factory``,
    ``path/file.py:Class``, or in Python a class or a function that returns an environment. Each wrapper is
    a name, ``{name: kwargs}``, or in Python a callable from environment to environment; the first is the
    innermost. ``vectorize`` says whether to use the environment's own vector form where it has one.
    """

    id: str | Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    wrappers: Sequence[WrapperSpec] = ()
    vectorize: Vectorize = "auto"

    @property
    def name(self) -> str:
        """The id as a user would say it; for an object, its qualified name."""
        return self.id if isinstance(self.id, str) else getattr(self.id, "__qualname__", repr(self.id))
