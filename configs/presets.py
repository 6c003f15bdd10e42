"""Finding a config: a preset by its name, or a file by its path."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from touchline.configs.errors import ConfigError, Fault, Place

FOLDER = Path(__file__).parent
SUFFIXES = {".yaml", ".yml"}
MAX_FILE_BYTES = 1 << 20  # a config is a page; what is larger is some other file

GROUPS = {
    "": "policy gradients",
    "001": "parallel training",
    "002": "imitation",
    "003": "the catalogue of methods",
    "004": "averaging",
}  # by how a preset's name begins


class Source(NamedTuple):
    """A config's text, the name of the run it makes, and what to call its file in a message."""

    text: str
    name: str
    shown: str


def preset_names() -> tuple[str, ...]:
    """The names of the presets that come with touchline, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def presets_by_group() -> dict[str, tuple[str, ...]]:
    """The presets by what they are of: those of policy gradients first, then one group a document."""
    groups: dict[str, list[str]] = {title: [] for title in GROUPS.values()}
    for name in preset_names():
        groups[GROUPS.get(name.partition("-")[0], GROUPS[""])].append(name)
    return {title: tuple(names) for title, names in groups.items() if names}


def find(source: str | Path) -> Source:
    """The config that a name or a path means. Raises ConfigError, naming what is near, if there is none."""
    if isinstance(source, str) and source in preset_names():
        return Source((FOLDER / f"{source}.yaml").read_text(encoding="utf-8"), source, f"{source}.yaml")
    path = Path(source)
    if path.suffix not in SUFFIXES and not path.is_file():
        raise _problem(f"no preset or file '{source}'", _suggestion(str(source)))
    return Source(_text(path), path.stem, str(path))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise _problem(f"{path}: expected at most {MAX_FILE_BYTES} bytes of config, found more")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise _problem(f"no file '{path}'", _suggestion(path.stem)) from None
    except OSError as error:
        raise _problem(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise _problem(f"{path}: expected UTF-8 text, found byte {error.start} that is not") from None


def _suggestion(name: str) -> str:
    begin = [preset for preset in preset_names() if name and preset.startswith(name)]
    if begin and name in GROUPS:
        return f"Presets that begin so: {', '.join(begin)}"
    if "/" not in name and "-v" in name and name.rpartition("-v")[2].isdecimal():
        return f"For an environment, use --env.id {name}"
    names = preset_names()
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"Did you mean the preset '{[*near, *begin][0]}'? " if near or begin else ""
    return f"{meant}Presets: {', '.join(sorted(names, key=_documents_last))}"


def _documents_last(name: str) -> tuple[bool, str]:
    return name[0].isdigit(), name


def _problem(text: str, hint: str = "") -> ConfigError:
    return ConfigError([Fault(Place(), "", None, text, hint)])
