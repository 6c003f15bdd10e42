"""From what a config says to a factory of environments.

Resolving happens inside each Player, so that a registration in the parent process is never needed.
gymnasium is imported when something is resolved, not with this module.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from touchline.envs.atari import register_atari
from touchline.envs.contract import describe
from touchline.envs.errors import EnvError, NotMade, UnknownEnvironment
from touchline.envs.locate import (
    did_you_mean,
    error_line,
    get_object,
    load_module,
    missing_extra,
    public_callables,
    split_reference,
)
from touchline.envs.spec import EnvSpec

if TYPE_CHECKING:
    from types import ModuleType

    import gymnasium
    from gymnasium.envs.registration import EnvSpec as Registered
    from gymnasium.vector import VectorEnv

VERSION = re.compile(r"-v\d+$")


@dataclass(frozen=True, slots=True)
class Factory:
    """Makes copies of one environment, wrapped. ``registered`` is gymnasium's record when it has an id."""

    name: str
    creator: Callable[..., Any]
    registered: Registered | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    wrappers: Sequence[Callable[[Any], Any]] = ()
    native: bool = False  # what the vector form shows is the environment, also where one copy is made

    def make(self, **extra: Any) -> gymnasium.Env[Any, Any]:
        """A new environment; ``extra`` (such as ``render_mode``) is added to its arguments.

        Of a ``native`` factory it shows what the vector form shows. Raises MissingExtra or NotMade.
        """
        if not self.native:
            return self.make_python(**extra)
        from touchline.envs.single import one_copy

        return one_copy(self, **extra)

    def make_python(self, **extra: Any) -> gymnasium.Env[Any, Any]:
        """The Python form, whatever the vector form shows. Raises MissingExtra or NotMade."""
        env = _guarded(self.name, lambda: self.creator(**{**self.kwargs, **extra}))
        for wrapper in self.wrappers:
            env = _guarded(f"{self.name}: wrapper {_name_of(wrapper)}", functools.partial(wrapper, env))
        return _guarded(self.name, lambda: _checked(self.name, env))  # type: ignore[no-any-return]

    def make_vector(self, lanes: int) -> VectorEnv[Any, Any, Any] | None:
        """The environment's own vector form of ``lanes`` copies, or None where it has none.

        Raises MissingExtra or NotMade.
        """
        registered = self.registered
        if registered is None or registered.vector_entry_point is None:
            return None
        if self.wrappers or registered.additional_wrappers:
            return None
        return _guarded(self.name, lambda: _make_vec(registered, lanes, self.kwargs))  # type: ignore[no-any-return]


def resolve(spec: EnvSpec) -> Factory:
    """The factory that a spec names. Raises UnknownEnvironment, UnknownWrapper, MissingExtra or NotMade."""
    from touchline.envs.wrapping import find_wrappers

    wrappers = find_wrappers(spec.wrappers)
    if not isinstance(spec.id, str):
        return _from_object(spec, spec.id, wrappers)
    reference = split_reference(spec.id)
    if reference is None:
        return _from_registry(spec, spec.id, wrappers)
    place, name = reference
    module = load_module(place, reference=spec.id)
    try:
        return _from_object(spec, get_object(module, name), wrappers)
    except AttributeError:
        if not _is_registered(name):
            hint = did_you_mean(name, [*public_callables(module), *_ids_of(module)])
            raise UnknownEnvironment(f"{spec.id}: {place} has no {name!r}, nor registers it.{hint}") from None
    return _from_registry(spec, name, wrappers)


def find_registered(name: str) -> Registered:
    """gymnasium's record of an id; without a version, the latest.

    Raises UnknownEnvironment, which names the nearest ids, or MissingExtra.
    """
    import gymnasium

    _register_plugins(name)
    registry = gymnasium.registry
    if name in registry:
        return registry[name]
    versions = [registry[entry] for entry in registry if entry.rpartition("-v")[0] == name]
    if versions:
        return max(versions, key=lambda entry: entry.version or 0)
    raise UnknownEnvironment(f"unknown environment {name!r}.{_suggest(name, registry)}")


def _from_registry(spec: EnvSpec, name: str, wrappers: Sequence[Callable[[Any], Any]]) -> Factory:
    import gymnasium

    # Lanes always reset before they step: the layer that enforces it would cost a call a step. A record,
    # not an id, is given to make, so that an older version warns nobody who asked for it.
    registered = copy.deepcopy(find_registered(name))
    registered.order_enforce = False

    def creator(**kwargs: Any) -> Any:
        return gymnasium.make(registered, disable_env_checker=True, **kwargs)

    native = spec.vectorize == "always"
    return Factory(registered.id, creator, registered, dict(spec.kwargs), wrappers, native)


def _from_object(spec: EnvSpec, creator: Any, wrappers: Sequence[Callable[[Any], Any]]) -> Factory:
    if not callable(creator):
        raise NotMade(f"{spec.name}: expected a class or a function, found {type(creator).__name__}")
    return Factory(spec.name, creator, None, dict(spec.kwargs), wrappers, spec.vectorize == "always")


def _make_vec(registered: Registered, lanes: int, kwargs: Mapping[str, Any]) -> Any:
    import gymnasium

    return gymnasium.make_vec(registered, lanes, vectorization_mode="vector_entry_point", **kwargs)


def _register_plugins(name: str) -> None:
    """Import what registers a namespace. gymnasium 1 no longer loads plugins by itself."""
    namespace = name.partition("/")[0]
    if namespace == "touchline":
        from touchline.envs.builtin import register

        register()
    if namespace == "ALE":
        try:
            register_atari()
        except ImportError as error:
            raise missing_extra(name, error) from None
    elif not _is_registered(name):
        with contextlib.suppress(ImportError):
            register_atari()  # the games' old names have no namespace: Pong-v0, PongNoFrameskip-v4


def _is_registered(name: str) -> bool:
    import gymnasium

    return any(name in (entry, entry.rpartition("-v")[0]) for entry in gymnasium.registry)


def _ids_of(module: ModuleType) -> list[str]:
    """The ids whose environments are defined in the module or below it."""
    import gymnasium

    top = module.__name__.partition(".")[0]
    places = {
        entry: getattr(record.entry_point, "__module__", None) or str(record.entry_point)
        for entry, record in gymnasium.registry.items()
    }
    return [entry for entry, place in places.items() if place.startswith(top)]


def _suggest(name: str, registry: Iterable[str]) -> str:
    """The nearest ids; another version of the same environment comes before anything else."""
    known = list(registry)
    stem = VERSION.sub("", name).lower()
    same = sorted((entry for entry in known if VERSION.sub("", entry).lower() == stem), reverse=True)
    if same:
        return f" Did you mean {' or '.join(map(repr, same))}?"
    return did_you_mean(name, known) or " 'touchline envs' lists those that exist."


def _guarded(name: str, make: Callable[[], Any]) -> Any:
    """What ``make`` returns, its exceptions turned into ours."""
    from gymnasium.error import DependencyNotInstalled

    try:
        return make()
    except EnvError:
        raise
    except (DependencyNotInstalled, ModuleNotFoundError) as error:
        raise missing_extra(name, error) from error
    except (Exception, SystemExit) as error:
        raise NotMade(f"{name}: making it raised {type(error).__name__}: {error_line(error)}") from error


def _checked(name: str, env: Any) -> gymnasium.Env[Any, Any]:
    import gymnasium

    if not isinstance(env, gymnasium.Env):
        raise NotMade(f"{name}: expected a gymnasium.Env, found {describe(env)}")
    missing = [space for space in ("observation_space", "action_space") if not _has_space(env, space)]
    if missing:
        raise NotMade(
            f"{name}: expected a gymnasium.Space in self.{' and self.'.join(missing)}, found none. "
            "Give it in the class or in __init__"
        )
    return env


def _has_space(env: gymnasium.Env[Any, Any], name: str) -> bool:
    """Raises what a property raises, but for an AttributeError."""
    from gymnasium import Space

    return isinstance(getattr(env, name, None), Space)


def _name_of(wrapper: Any) -> str:
    return str(getattr(wrapper, "__qualname__", wrapper))
