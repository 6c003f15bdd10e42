"""The documents: their generated parts are current, their links lead somewhere, and what they tell to type works."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import pytest

from touchline.cli.flags import config_flags, split_flags
from touchline.cli.group import VERBS, touchline
from touchline.configs import load, preset_names
from touchline.protocol.ledger import BUCKETS
from touchline.protocol.messages import MESSAGES, ErrorCode, tag
from touchline.record import DriftLine, LagLine, LagSummary, ResultLine, Summary, UpdateLine

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
PRIVATE = re.compile(r"(?<![\w.:/~])/(?:work|home|root|Users|mnt|opt|srv|tmp)/|\bissues?\b", re.IGNORECASE)
INSTALL_AND_TRAIN = (
    "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/touchline train cartpole"
)
INSTALL_AND_TEST = (
    "python3 -m venv .venv && .venv/bin/pip install -q '.[test]' && .venv/bin/python -m pytest -q"
)


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text.strip().splitlines()[0][:40]}"


def blocks(*languages: str) -> list[Block]:
    return [
        Block(page, found["language"], found["text"])
        for page in PAGES
        for found in FENCE.finditer(page.read_text(encoding="utf-8"))
        if found["language"] in languages
    ]


def shell_lines() -> list[tuple[Path, str]]:
    return [
        (block.page, line)
        for block in blocks("sh", "bash")
        for line in block.text.splitlines()
        if line.strip()
    ]


def commands() -> Iterator[tuple[Path, list[str]]]:
    """The arguments of every ``touchline ...`` in a shell block, also as one of several commands on a line."""
    for page, line in shell_lines():
        for command in line.partition(" #")[0].split("&&"):
            words = shlex.split(command)
            if words and Path(words[0]).name == "touchline":
                yield page, words[1:]


def shown(value: object) -> str:
    return (
        str(value.relative_to(ROOT))
        if isinstance(value, Path)
        else " ".join(value)
        if isinstance(value, list)
        else str(value)
    )


# -- generated parts


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_parts_are_current(generate):
    for page in generate.PAGES:
        found = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert found == generate.current(page), f"{page}: run python docs/generate.py"


def test_every_generated_part_is_on_a_page_once(generate):
    text = "".join((ROOT / "docs" / page).read_text(encoding="utf-8") for page in generate.PAGES)
    assert sorted(found["name"] for found in generate.PART.finditer(text)) == sorted(generate.PARTS)
    assert text.count("<!-- generated: ") == text.count("<!-- end -->") == len(generate.PARTS)


# -- what is told by hand of what the code has


def names_missing(page: str, names: Iterator[str] | list[str]) -> set[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return {name for name in names if f"`{name}`" not in text}


@pytest.mark.parametrize("line", [UpdateLine, LagLine, DriftLine, ResultLine, Summary, LagSummary])
def test_every_recorded_field_is_explained(line):
    assert not names_missing("how-it-works.md", list(line.__struct_fields__))


def test_every_bucket_code_and_message_is_explained(generate):
    assert not names_missing("protocol.md", [*BUCKETS, *(code.value for code in ErrorCode)])
    assert generate.ANSWERS.keys() == {tag(message) for message in MESSAGES}


# -- links and words


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = (
        re.sub(r"[^\w\- ]", "", found.lower()) for found in HEADING.findall(page.read_text(encoding="utf-8"))
    )
    return {heading.replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_relative_link_leads_somewhere(page):
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_nothing_of_where_it_was_written_is_left_in_a_page(page):
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if PRIVATE.search(line)] == []


# -- what is told to type


def test_the_first_two_shell_lines_of_the_readme_install_and_train_then_install_and_test():
    lines = [line for page, line in shell_lines() if page == README]
    assert lines[:2] == [INSTALL_AND_TRAIN, INSTALL_AND_TEST]


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=shown)
def test_a_command_of_a_page_can_be_given(page, words):
    verb, *arguments = words
    assert verb in VERBS, f"{page.name}: touchline has no verb {verb}"
    # Help ends the parsing, and shows the values of a file that is not there.
    arguments = [argument for argument in arguments if argument not in ("-h", "--help")]
    # As the program makes it: a command keeps its help option, and the names of that come from the group.
    parent = click.Context(touchline, **touchline.context_settings)
    command = touchline.get_command(parent, verb)
    assert command is not None
    context = command.make_context(verb, list(arguments), parent=parent)
    flags = split_flags(arguments, command.params).flags
    if flags:
        assert config_flags(context) == flags, f"touchline {verb} takes no config flags"
    given = context.params.get("config")
    source, base = (given, []) if given in preset_names() else (None, [("env.id", "CartPole-v1")])
    assert load(source, [*base, *flags])
    if verb in ("check", "eval", "watch"):
        assert all(key.startswith("env.") for key, _ in flags)


@pytest.mark.parametrize(
    "words", [["trian"], ["train", "cartpole", "--sed", "3"], ["runs", "--all"], ["eval"]], ids=shown
)
def test_the_check_of_commands_sees_what_is_wrong(words):
    with pytest.raises((AssertionError, click.UsageError, ValueError)):
        test_a_command_of_a_page_can_be_given(README, words)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_a_config_of_a_page_is_one(block, tmp_path):
    path = tmp_path / "shown.yaml"
    path.write_text(block.text, encoding="utf-8")
    assert load(path)


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_script_of_a_page_runs(block, tmp_path):
    assert 'mode="serial"' in block.text, "a block trains in one process, for a moment"
    (tmp_path / "shown.py").write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-P", "-W", "error", "shown.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_there_are_blocks_of_every_kind():
    assert {block.language for block in blocks("sh", "yaml", "python")} == {"sh", "yaml", "python"}
    assert len(list(commands())) > 10
