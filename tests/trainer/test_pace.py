"""Where the learner's time goes."""

from __future__ import annotations

import pytest

from touchline.trainer.pace import Pace


@pytest.mark.parametrize(("wait", "update", "share"), [(0, 0, 0.0), (3, 1, 0.75), (0, 2, 0.0)])
def test_the_share_of_time_spent_waiting(wait, update, share):
    assert Pace(wait_seconds=wait, update_seconds=update).wait_fraction == share


def test_each_update_has_the_waiting_since_the_one_before():
    pace = Pace()
    pace.waited(0.5)
    pace.waited(0.25)
    assert pace.updated(now=1.0, seconds=0.1, steps=10) == 0.75
    assert pace.updated(now=2.0, seconds=0.1, steps=20) == 0.0
    assert (pace.wait_seconds, pace.update_seconds) == (0.75, 0.2)


def test_steps_a_second_are_counted_from_the_first_update_on():
    pace = Pace()
    assert pace.steps_per_second(0) is None
    pace.updated(now=10.0, seconds=0.1, steps=100)
    assert pace.steps_per_second(100) is None
    pace.updated(now=14.0, seconds=0.1, steps=300)
    assert pace.steps_per_second(300) == 50.0
