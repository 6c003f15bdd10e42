from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

import touchline.record
from touchline.record import errors


def test_the_public_names_are_sorted_and_exist() -> None:
    assert touchline.record.__all__ == sorted(touchline.record.__all__)
    offered = {
        name
        for name, item in vars(touchline.record).items()
        if not name.startswith("_") and not inspect.ismodule(item)
    }
    assert set(touchline.record.__all__) == offered


def test_the_errors_are_those_of_the_tree_in_the_docstring() -> None:
    drawn = set(re.findall(r"^(?:[├└]── )?([A-Z]\w+)", inspect.getdoc(errors) or "", re.MULTILINE))
    defined = {
        name for name, item in vars(errors).items() if inspect.isclass(item) and issubclass(item, Exception)
    }
    assert defined <= drawn
    assert all(issubclass(getattr(errors, name), errors.RecordError) for name in defined)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("touchline.record", ["matplotlib", "ruamel", "rich", "gymnasium", "zmq"]),
        ("touchline.record.plots", ["matplotlib"]),
        ("touchline.cli.live", ["matplotlib", "safetensors.torch", "gymnasium", "zmq"]),
    ],
)
def test_importing_it_is_light(module: str, absent: list[str]) -> None:
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
