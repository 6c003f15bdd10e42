"""An environment class or factory from a notebook or a script, as bytes for the run's own Players.

The bytes go one way only, from Trainer to Player, and only over a link that the Player trusts: loading them
runs code.
"""

from __future__ import annotations

import site
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

from touchline.envs.errors import NotMade
from touchline.envs.locate import error_line


def factory_to_bytes(factory: Any) -> bytes:
    """A class or function as bytes. Raises NotMade when it holds something that cannot travel.

    One from an installed package travels as its name, any other with its code: a Player has neither the
    notebook nor the folder it was written in.
    """
    try:
        with _by_value(sys.modules.get(getattr(factory, "__module__", None) or "")):
            return bytes(cloudpickle.dumps(factory))
    except Exception as error:
        raise NotMade(f"{_name(factory)}: cannot be sent to a Player: {error_line(error)}") from error


def factory_from_bytes(data: bytes) -> Any:
    """The class or function of ``factory_to_bytes``. Raises NotMade.

    Only for bytes from the run's own Trainer: loading them runs what they say.
    """
    try:
        return cloudpickle.loads(data)
    except Exception as error:
        raise NotMade(f"the environment sent by the Trainer cannot be loaded: {error_line(error)}") from error


@contextmanager
def _by_value(module: ModuleType | None) -> Iterator[None]:
    """While this lasts, what is defined in the module is pickled with its code, unless it is installed."""
    if module is None or module.__name__ == "__main__" or _installed(module):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _installed(module: ModuleType) -> bool:
    """Whether every machine of the run can be expected to import it: built in, ours, or installed."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__.partition(".")[0] == "touchline":
        return True
    places = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    return any(Path(file).resolve().is_relative_to(Path(place).resolve()) for place in places)


def _name(factory: Any) -> str:
    return str(getattr(factory, "__qualname__", repr(factory)))
