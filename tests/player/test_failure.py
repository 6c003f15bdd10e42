"""What a Player tells of its own end."""

from __future__ import annotations

import json

import pytest

from touchline.envs.errors import EnvironmentFault, NotMade
from touchline.player.failure import failure_of
from touchline.policy.spaces import SpaceError


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def users(text: str = "out of fuel") -> Exception:
    scope: dict[str, object] = {"__name__": "my_env"}
    exec(compile(f"def step(): raise ValueError({text!r})", "my_env.py", "exec"), scope)
    with pytest.raises(ValueError, match=text) as caught:
        scope["step"]()
    return caught.value


def test_a_fault_has_its_place_both_tracebacks_and_crosses_the_wire():
    fault = EnvironmentFault(
        where="step()", expected="x", found="y", lane=1, seed=5, step=7, last_actions=[0, 1]
    )
    failure = failure_of(raised(fault, users()), playing=True)
    told = json.loads(failure.to_text())
    assert (told["kind"], told["lane"], told["seed"], told["step"]) == ("play", 1, 5, 7)
    assert told["last_actions"] == [0, 1]
    assert "EnvironmentFault" in told["traceback"]
    assert "my_env.py" in told["own"]


@pytest.mark.parametrize("error", [NotMade("no licence"), SpaceError("Text(5)")])
def test_what_is_wrong_before_anything_was_played_needs_no_traceback(error):
    failure = failure_of(raised(error), playing=False)
    assert (failure.kind, failure.message) == ("setup", str(error))
    assert failure.traceback == failure.own == ""


def test_the_same_while_playing_has_one():
    failure = failure_of(raised(SpaceError("forward raised"), users()), playing=True)
    assert failure.kind == "play"
    assert "SpaceError" in failure.traceback
    assert "out of fuel" in failure.own


def test_an_exception_of_nobodys_has_its_type_in_the_message():
    failure = failure_of(raised(KeyError("x")), playing=False)
    assert failure.message == "KeyError: 'x'"
    assert "Traceback" in failure.traceback
