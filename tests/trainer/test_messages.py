"""What is said of what happens, and for how long it can be read."""

from __future__ import annotations

from touchline.trainer.messages import LENGTH, Messages


def test_what_happens_later_takes_the_place_of_what_was():
    messages = Messages()
    messages.say("one", 10.0)
    assert messages.text == "one"
    messages.say("two", 12.0)
    assert messages.text == "two"


def test_what_happens_within_a_second_is_said_together():
    messages = Messages()
    messages.say("one", 0.0)
    messages.say("two", 0.5)
    assert messages.text == "one; two"


def test_a_text_does_not_grow_for_ever():
    messages = Messages()
    for number in range(1000):
        messages.say("a player joined", number / 1000)
    assert len(messages.text) < LENGTH + 20


def test_how_a_player_failed_is_said_again_when_it_is_back():
    messages = Messages()
    messages.failed("player-0", "player-0 failed: killed", 10.0)
    messages.say("player-1 joined", 11.5)
    messages.joined("player-0", "player-0 joined", 13.0)
    assert messages.text == "player-0 failed: killed; player-0 joined"
    messages.joined("player-0", "player-0 joined", 20.0)
    assert messages.text == "player-0 joined"


def test_it_is_not_said_twice_at_once():
    messages = Messages()
    messages.failed("player-0", "player-0 failed: killed", 10.0)
    messages.joined("player-0", "player-0 joined", 10.5)
    assert messages.text == "player-0 failed: killed; player-0 joined"


def test_the_failure_of_one_is_not_told_of_another():
    messages = Messages()
    messages.failed("player-0", "player-0 failed: killed", 10.0)
    messages.joined("player-1", "player-1 joined", 12.0)
    assert messages.text == "player-1 joined"
