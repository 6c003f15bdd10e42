"""Wrappers by name: ours, gymnasium's, or ``package.module:Wrapper``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from touchline.envs.errors import EnvError, NotMade, UnknownWrapper
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
    """The wrappers of a spec, each bound to its arguments. No environment is needed to know that they fit.

    Raises UnknownWrapper, MissingExtra or NotMade, which say where in ``env.wrappers``.
    """
    return tuple(_placed(f"env.wrappers[{place}]", wrapper) for place, wrapper in enumerate(wrappers))


def arguments_of(wrapper: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a wrapper beside the environment. Raises ValueError where they cannot be known."""
    return list(inspect.signature(wrapper).parameters.values())[1:]


def wrapper_names() -> list[str]:
    """Every wrapper that a bare name can mean, sorted."""
    import gymnasium.wrappers

    from touchline.envs import wrappers as ours

    return sorted({*gymnasium.wrappers.__all__, *ours.__all__} - {"vector"})


def _placed(place: str, wrapper: WrapperSpec) -> Callable[[Any], Any]:
    try:
        return _find(wrapper)
    except EnvError as error:
        raise type(error)(f"{place}: {error}") from error


def _find(wrapper: WrapperSpec) -> Callable[[Any], Any]:
    if isinstance(wrapper, str):
        return _bound(wrapper, find_named(wrapper), {})
    if isinstance(wrapper, Mapping):
        if len(wrapper) != 1:
            raise UnknownWrapper(f"expected one name with its arguments, found {dict(wrapper)!r}")
        [(name, kwargs)] = wrapper.items()
        return _bound(name, find_named(name), {} if kwargs is None else kwargs)
    return wrapper


def _bound(name: str, wrapper: Callable[..., Any], kwargs: Any) -> Callable[[Any], Any]:
    _check_arguments(name, wrapper, kwargs)
    if not kwargs:
        return wrapper
    bound = functools.partial(wrapper, **kwargs)
    bound.__qualname__ = name  # type: ignore[attr-defined]  # what an error message calls it
    return bound


def _check_arguments(name: str, wrapper: Callable[..., Any], kwargs: Any) -> None:
    if not isinstance(kwargs, Mapping):
        raise NotMade(
            f"{name}: expected its arguments by name, {{{name}: {{argument: value}}}}, found {kwargs!r}"
        )
    try:
        known = arguments_of(wrapper)
    except (ValueError, TypeError):  # nothing is known of it: making it will tell
        return
    try:
        inspect.signature(wrapper).bind(None, **kwargs)
    except TypeError as error:
        names = [parameter.name for parameter in known]
        unknown = [given for given in kwargs if given not in names]
        hint = did_you_mean(unknown[0], names) if unknown else ""
        said = f"takes no argument {unknown[0]!r}" if unknown else str(error)
        raise NotMade(f"{name}: {said}. Its arguments: {', '.join(names) or 'none'}.{hint}") from None


def find_named(name: str) -> Callable[..., Any]:
    """The wrapper of a bare name or a reference. Raises UnknownWrapper or MissingExtra."""
    reference = split_reference(name)
    if reference is not None:
        return _by_reference(name, *reference)
    import gymnasium.wrappers
    from gymnasium.error import DependencyNotInstalled

    from touchline.envs import wrappers as ours

    if name not in wrapper_names():
        hint = did_you_mean(name, wrapper_names())
        raise UnknownWrapper(f"unknown wrapper {name!r}.{hint} 'touchline envs --wrappers' lists them")
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
