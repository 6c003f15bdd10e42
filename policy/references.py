"""From ``package.module:name`` and ``path/file.py:Class`` to the object they name."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any


class ReferenceFault(Exception):
    """A reference that leads nowhere. ``str(error)`` is one message that a user can act on."""


class NotFound(ReferenceFault):
    """No such file or module."""


class ImportFailed(ReferenceFault):
    """What a module raised when it was imported: ``error``."""

    def __init__(self, reference: str, what: str, error: Exception) -> None:
        super().__init__(f"{reference}: importing {what} raised {type(error).__name__}: {error_line(error)}")
        self.error = error


SHORTEST = 4  # letters that a longer name may begin with to be meant
LIKE = 0.7  # of difflib's ratio: below it, two short names have a few letters in common and no more


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> list[str]:
    """The known names most like this one, whatever their case; empty when none is close."""
    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    wanted = name.lower()
    like = difflib.get_close_matches(wanted, by_lower, n=count, cutoff=LIKE)
    longer = [lower for lower in by_lower if len(wanted) >= SHORTEST and lower.startswith(wanted)]
    return [by_lower[hit] for hit in dict.fromkeys([*like, *longer])][:count]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest, led by a space, or nothing."""
    hits = nearest(name, known)
    return f" Did you mean {' or '.join(repr(hit) for hit in hits)}?" if hits else ""


def error_line(error: BaseException) -> str:
    """The first line of an exception's text, without its full stop; its type where it has no text."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def split_reference(reference: str) -> tuple[str, str] | None:
    """``(module or file, name)`` of a reference with a colon; None for a plain id."""
    place, colon, name = reference.rpartition(":")
    return (place, name) if colon and place and name else None


def is_file(place: str) -> bool:
    """Whether the left side of a reference is a Python file rather than a module."""
    return place.endswith(".py")


def load_module(place: str, *, reference: str) -> ModuleType:
    """The module of a reference, imported. Raises NotFound or ImportFailed."""
    if is_file(place):
        return load_file(Path(place), reference=reference)
    return _import(place, reference=reference)


def load_file(path: Path, *, reference: str) -> ModuleType:
    """A Python file as a module, its folder first on ``sys.path`` as when the file is run.

    Raises NotFound or ImportFailed.
    """
    path = path.expanduser().resolve()
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise NotFound(f"{reference}: no file {path}.{did_you_mean(path.name, siblings)}")
    name = _module_name(path)
    if name in sys.modules:
        return sys.modules[name]
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    return _execute(name, path, reference=reference)


def get_object(module: ModuleType, name: str) -> Any:
    """A module's attribute, dots allowed. Raises AttributeError."""
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def public_callables(module: ModuleType) -> list[str]:
    """The names in a module that could be meant as a factory or a class."""
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def _module_name(path: Path) -> str:
    """The file's stem, or with a hash where another module already has that name."""
    taken = sys.modules.get(path.stem) or importlib.util.find_spec(path.stem)
    origin = getattr(taken, "__file__", None) or getattr(taken, "origin", None)
    if taken is None or (origin is not None and Path(origin).resolve() == path):
        return path.stem
    return f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def _execute(name: str, path: Path, *, reference: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, as import does: dataclasses and pickle look it up
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise
        raise ImportFailed(reference, str(path), error) from error
    return module


def _import(name: str, *, reference: str) -> ModuleType:
    _put_working_folder(name.partition(".")[0])
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            raise NotFound(
                f"{reference}: no module {error.name!r}. Expected an installed module, or one in {Path.cwd()}"
            ) from None
        raise ImportFailed(reference, name, error) from error
    except Exception as error:
        raise ImportFailed(reference, name, error) from error


def _put_working_folder(top: str) -> None:
    """Put the working folder last on ``sys.path`` when the module is there and not installed.

    A console script does not have it, and last it shadows nothing.
    """
    folder = Path.cwd()
    here = (folder / f"{top}.py").is_file() or (folder / top).is_dir()
    if here and str(folder) not in sys.path and importlib.util.find_spec(top) is None:
        sys.path.append(str(folder))
