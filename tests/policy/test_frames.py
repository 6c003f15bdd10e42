"""Which frames of a traceback are the user's."""

from __future__ import annotations

import pytest

from touchline.policy.frames import own_traceback


def made(name, text):
    """Functions as a module of this name has them."""
    scope = {"__name__": name}
    exec(compile(text, f"<{name}>", "exec"), scope)
    return scope


OURS = """
class Ours(Exception):
    pass

def call(theirs):
    theirs()

def wrapped(theirs):
    try:
        call(theirs)
    except Exception as error:
        raise Ours("it raised") from error

def alone():
    raise Ours("a number is none")
"""
THEIRS = """
def step():
    return helper()

def helper():
    raise ValueError("out of fuel")

def chained():
    try:
        step()
    except ValueError as error:
        raise KeyError("tank") from error
"""


def traced(ours, *theirs):
    called = made("touchline.envs.sync_lanes", OURS)[ours]
    with pytest.raises(Exception) as caught:
        made("touchline.launch.serial", "def run(called, *rest): called(*rest)")["run"](called, *theirs)
    error = caught.value
    error.__traceback__ = error.__traceback__.tb_next  # this test's own frame
    return own_traceback(error)


def test_only_the_frames_of_the_environment_are_left():
    text = traced("wrapped", made("my_env", THEIRS)["step"])
    assert text.splitlines()[0] == "Traceback (most recent call last):"
    assert text.splitlines()[-1] == "ValueError: out of fuel"
    assert '<my_env>", line 3, in step' in text
    assert "in helper" in text
    assert "touchline" not in text
    assert "it raised" not in text


def test_exceptions_of_theirs_that_led_to_one_another_are_all_told():
    text = traced("wrapped", made("my_env", THEIRS)["chained"])
    assert text.count("Traceback") == 2
    assert text.index("ValueError: out of fuel") < text.index("KeyError: 'tank'")


def test_wrappers_of_gymnasium_are_not_theirs_and_its_environments_are():
    inner = made("gymnasium.envs.toy", THEIRS)["step"]
    outer = made("gymnasium.wrappers.common", "def through(inner): return lambda: inner()")["through"](inner)
    text = traced("wrapped", outer)
    assert "gymnasium.envs.toy" in text
    assert "gymnasium.wrappers" not in text


def test_what_we_found_wrong_ourselves_has_no_frames_of_theirs():
    assert traced("alone") == ""
