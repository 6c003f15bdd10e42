from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from touchline.cli.group import VERBS

HEAVY = {"numpy", "pydantic", "gymnasium", "zmq", "rich", "msgspec", "ruamel", "matplotlib"}


def test_help_lists_every_verb_in_80_columns(touchline):
    said = touchline("--help")
    assert said.code == 0
    for verb in VERBS:
        assert f"\n  {verb} " in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_no_verb_is_help(touchline):
    assert touchline() == touchline("--help")


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_in_80_columns(touchline, verb):
    said = touchline(verb, "--help")
    assert said.code == 0
    assert said.err == ""
    assert f"Usage: touchline {verb} " in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    assert touchline(verb, "-h").out == said.out


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_module_with_a_command(verb):
    """A verb's short help stands in the group, so that listing imports nothing."""
    assert importlib.import_module(f"touchline.cli.{verb}").command.help


def test_version(touchline):
    from importlib.metadata import version

    assert touchline("--version").out == f"touchline {version('touchline')}\n"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("trian", "'train'"),
        ("cartpole", "'touchline train cartpole'"),
        ("x.yaml", "'touchline train x.yaml'"),
    ],
)
def test_an_unknown_verb_is_told_what_was_meant(touchline, word, meant):
    said = touchline(word)
    assert said.code == 2
    assert said.err.startswith(f"error: no verb '{word}'. Did you mean {meant}?")
    assert said.out == ""


def test_a_verb_that_is_like_no_other_is_told_them_all(touchline):
    assert "Verbs: train, eval, watch" in touchline("zzz").err


def test_an_unknown_option_is_the_users(touchline):
    said = touchline("runs", "--nope")
    assert said.code == 2
    assert said.err.startswith("error: No such option")
    assert "See 'touchline runs --help'." in said.err


def test_help_imports_nothing_heavy():
    """What makes ``touchline --help`` quick, whatever the machine is doing meanwhile."""
    code = (
        "import sys; from touchline.cli import main; main(['--help']);"
        f"print(*({HEAVY} & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ},
        check=True,
        timeout=60,
    )
    assert done.stderr.split() == []
    assert "Verbs:" in done.stdout


def test_python_m_touchline_is_the_same(spawned):
    said = spawned("--version")
    assert said.code == 0
    assert said.out.startswith("touchline ")


def test_a_reader_that_leaves_ends_it_quietly(tmp_path):
    """`touchline envs | head -1`"""
    process = subprocess.Popen(
        [sys.executable, "-m", "touchline", "envs"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert error == b""
