"""Wrappers by name: ours, gymnasium's, or ``package.module:Wrapper``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from touchline.envs.errors import UnknownWrapper
from touchline.envs.locate import (
    did_you_mean,
    get_object,
    load_module,
    missing_extra,
    public_callables,
    split_reference,
)
from touchline.envs.spec import WrapperSpec


def find_wrappers(wrappers: Sequence[WrapperSpec]) -> tuple[Callable[[Any], Any], ...]:
    """The wrappers of a spec, each bound to its arguments. Raises UnknownWrapper."""
    return tuple(_find(wrapper) for wrapper in wrappers)


def wrapper_names() -> list[str]:
    """Every wrapper that a bare name can mean, sorted."""
    import gymnasium.wrappers

    from touchline.envs import wrappers as ours

    return sorted({*gymnasium.wrappers.__all__, *ours.__all__} - {"vector"})


def _find(wrapper: WrapperSpec) -> Callable[[Any], Any]:
    if isinstance(wrapper, str):
        return find_named(wrapper)
    if isinstance(wrapper, Mapping):
        if len(wrapper) != 1:
            raise UnknownWrapper(f"wrapper: expected one name with its arguments, found {dict(wrapper)!r}")
        [(name, kwargs)] = wrapper.items()
        return _bound(name, find_named(name), kwargs or {})
    return wrapper


def _bound(name: str, wrapper: Callable[..., Any], kwargs: Mapping[str, Any]) -> Callable[[Any], Any]:
    bound = functools.partial(wrapper, **kwargs)
    bound.__qualname__ = name  # type: ignore[attr-defined]  # what an error message calls it
    return bound


def find_named(name: str) -> Callable[..., Any]:
    """The wrapper of a bare name or a reference. Raises UnknownWrapper or MissingExtra."""
    reference = split_reference(name)
    if reference is not None:
        return _by_reference(name, *reference)
    import gymnasium.wrappers
    from gymnasium.error import DependencyNotInstalled

    from touchline.envs import wrappers as ours

    if name not in wrapper_names():
        raise UnknownWrapper(f"unknown wrapper {name!r}.{did_you_mean(name, wrapper_names())}")
    try:
        found: Callable[..., Any] = getattr(ours if name in ours.__all__ else gymnasium.wrappers, name)
    except (ImportError, DependencyNotInstalled) as error:
        raise missing_extra(f"wrapper {name}", error) from error
    return found


def _by_reference(reference: str, place: str, name: str) -> Callable[..., Any]:
    module = load_module(place, reference=reference)
    try:
        found: Callable[..., Any] = get_object(module, name)
    except AttributeError:
        hint = did_you_mean(name, public_callables(module))
        raise UnknownWrapper(f"{reference}: {place} has no {name!r}.{hint}") from None
    return found
