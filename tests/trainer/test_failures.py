"""When failures of Players end a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchline.record import RunDirectory
from touchline.trainer.failures import (
    FORGOTTEN_AFTER_SECONDS,
    InvalidResults,
    RunFailed,
    Streak,
    account_of,
    failed_in_training,
    shown,
    text_of,
)


def add_all(streak, *messages, every=1.0):
    return [streak.add(message, 100 + every * i) for i, message in enumerate(messages)]


def test_as_many_alike_in_a_row_as_the_limit():
    assert add_all(Streak(3), "boom", "boom", "boom", "boom") == [False, False, True, True]


def test_another_failure_begins_a_new_row():
    assert add_all(Streak(2), "boom", "bang", "boom", "boom") == [False, False, False, True]


@pytest.mark.parametrize(
    "messages",
    [
        ("lane 3 at step 17", "lane 12 at step 170"),
        ("reward -1.5", "reward 2"),
        ("<Env at 0x7f3a>", "<Env at 0x1b2c>"),
        ("<Env at 0x000001F2A>", "<Env at 0x00000BBC1>"),
        ("took 1e-05 s", "took 3e-06 s"),
    ],
)
def test_numbers_do_not_make_a_difference(messages):
    assert add_all(Streak(2), *messages) == [False, True]


def test_words_do():
    assert add_all(Streak(2), "KeyError: 'x1'", "KeyError: 'y1'") == [False, False]


def test_failures_far_apart_are_not_in_a_row():
    assert add_all(Streak(2), "boom", "boom", every=FORGOTTEN_AFTER_SECONDS) == [False, True]
    assert add_all(Streak(2), "boom", "boom", every=FORGOTTEN_AFTER_SECONDS + 1) == [False, False]


def test_the_time_counts_from_the_last_one():
    assert add_all(Streak(4), *["boom"] * 4, every=FORGOTTEN_AFTER_SECONDS) == [False, False, False, True]


@pytest.mark.parametrize("limit", [0, 1])
def test_without_restarts_the_first_is_one_too_many(limit):
    assert add_all(Streak(limit), "boom") == [True]


def test_a_failed_run_says_what_and_how_it_exits():
    failed = RunFailed("five alike", exit_code=3, detail="Traceback")
    assert (str(failed), failed.headline, failed.exit_code, failed.detail) == (
        "five alike",
        "five alike",
        3,
        "Traceback",
    )
    assert failed.summary is None


def test_ten_unusable_results_in_a_row_end_the_run_and_a_good_one_between_does_not():
    results = InvalidResults()
    for detail in ["values: not finite"] * 9 + [""] + ["values: not finite"] * 9:
        results.took(detail)
        results.check()
    results.took("values: not finite")
    with pytest.raises(RunFailed, match="10 results in a row were unusable: values: not finite") as caught:
        results.check()
    assert caught.value.exit_code == 3


def test_what_was_unusable_is_called_by_its_name():
    updates = InvalidResults("updates")
    for _ in range(10):
        updates.took("policy/0/weight: gradient is NaN")
    with pytest.raises(
        RunFailed, match="10 updates in a row were unusable: policy/0/weight: gradient is NaN"
    ):
        updates.check()


def test_an_account_is_what_the_player_wrote():
    assert account_of('{"message": "on fire", "lane": 3}') == {"message": "on fire", "lane": 3}


@pytest.mark.parametrize("detail", ["on fire", "[1]", '{"lane": 3}', ""])
def test_an_account_worded_otherwise_is_the_message(detail):
    assert account_of(detail) == {"message": detail}


def test_the_text_says_what_where_after_what_and_how():
    failure = {"message": "on fire", "lane": 0, "seed": 7, "step": None, "last_actions": [1, 0]}
    assert text_of(failure) == "on fire\nlane 0, seed 7\nlast actions: [1, 0]\n"
    assert text_of({"message": "on fire", "traceback": "File x\n"}) == "on fire\nFile x\n"


def test_what_is_shown_has_no_frames_of_ours_and_says_what_to_do():
    failure = {"message": "on fire", "lane": 0, "last_actions": [1], "own": "theirs\n", "traceback": "ours\n"}
    assert shown(failure, kept=Path("crashes/1.txt"), advice="try this") == (
        "on fire\nlane 0\nlast actions: [1]\ntheirs\nkept in crashes/1.txt\ntry this"
    )
    assert shown({**failure, "own": ""}, kept=Path("x"), advice="").splitlines()[-2:] == [
        "last actions: [1]",
        "kept in x",
    ]


def test_of_a_player_that_told_nothing_all_that_is_known_is_shown():
    assert shown({"message": "killed", "traceback": "its log"}, kept=Path("x"), advice="") == (
        "killed\nits log\nkept in x"
    )


def test_a_fault_of_the_users_that_came_in_training_is_a_failure(tmp_path):
    run = RunDirectory.create(tmp_path, env="a", seed=0)
    try:
        raise ValueError("late")
    except ValueError as error:
        failed = failed_in_training(error, run, advice="try this")
    assert (failed.headline, failed.exit_code) == ("late", 3)
    (kept,) = run.crashes.glob("*.txt")
    assert "Traceback" in kept.read_text()
    assert failed.detail.endswith(f"kept in {kept}\ntry this")


def test_what_to_do_goes_with_the_failure():
    results = InvalidResults()
    for _ in range(10):
        results.took("values: not finite")
    with pytest.raises(RunFailed) as caught:
        results.check("look there")
    assert caught.value.detail == "look there"
