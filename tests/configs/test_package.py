"""The package's surface and what importing it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import touchline.configs as configs

FOLDER = Path(configs.__file__).parent
HEAVY = ("ruamel", "numpy", "gymnasium", "zmq", "rich", "click", "importlib.metadata")


def test_the_public_names_are_sorted_and_exist() -> None:
    assert configs.__all__ == sorted(configs.__all__)
    assert all(hasattr(configs, name) for name in configs.__all__)


def loaded_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has after running some code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_player_reads_its_config_without_yaml_or_numerics() -> None:
    code = "import touchline.configs as c; c.from_plain({'env': {'id': 'X-v0'}})"
    assert not {name.partition(".")[0] for name in loaded_after(code)} & {*HEAVY[:-1]}


def test_help_builds_no_validators_and_reads_no_yaml() -> None:
    loaded = loaded_after("import touchline.configs as c; list(c.describe())")
    assert "ruamel.yaml" not in loaded
    assert "numpy" not in loaded


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_module_imports_nothing_else_of_ours(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert all(not name.startswith("touchline") or name.startswith("touchline.configs") for name in names)
