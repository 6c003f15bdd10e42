from __future__ import annotations

import click
import pytest

from touchline.cli.flags import split_flags

PARAMS = click.Command(
    "train",
    params=[
        click.Argument(["config"]),
        click.Option(["--runs"]),
        click.Option(["--no-live"], is_flag=True),
        click.Option(["-h", "--help"], is_flag=True),
    ],
).params


def split(*args: str):
    return split_flags(args, PARAMS)


@pytest.mark.parametrize("args", [("--players.count", "8"), ("--players.count=8",)])
def test_a_key_is_a_flag_with_a_space_or_an_equals_sign(args):
    assert split(*args).flags == (("players.count", "8"),)
    assert split(*args).own == ()


def test_a_verbs_own_options_stay_with_their_values():
    found = split("cartpole", "--runs", "--odd", "--no-live", "--seed", "3", "--runs=there")
    assert found.own == ("cartpole", "--runs", "--odd", "--no-live", "--runs=there")
    assert found.flags == (("seed", "3"),)


def test_flags_keep_their_order_and_repeat():
    found = split("--a.b", "1", "cartpole", "--a.b=2")
    assert found.flags == (("a.b", "1"), ("a.b", "2"))
    assert found.words == ("cartpole",)


def test_an_options_value_is_no_word():
    assert split("--runs", "there", "cartpole").words == ("cartpole",)
    assert split("--players.count", "2", "cartpole").words == ("cartpole",)


@pytest.mark.parametrize(
    ("text", "value"),
    [("--policy.log_std=-0.5", "-0.5"), ("--a=x=y", "x=y"), ("--a=", ""), ("--a=--b", "--b")],
)
def test_what_follows_the_first_equals_sign_is_the_value(text, value):
    assert split(text).flags[0][1] == value


def test_a_negative_number_is_a_value():
    assert split("--policy.log_std", "-0.5").flags == (("policy.log_std", "-0.5"),)


@pytest.mark.parametrize(
    ("args", "found"),
    [(("--players.count",), "the end of the line"), (("--players.count", "--seed", "1"), "--seed")],
)
def test_a_flag_without_a_value_is_refused(args, found):
    with pytest.raises(click.UsageError, match=f"--players.count: expected a value, found {found}"):
        split(*args)


def test_a_misspelt_option_is_not_taken_for_a_key():
    with pytest.raises(click.UsageError, match=r"no option --no-lives. Did you mean --no-live\?"):
        split("--no-lives", "cartpole")


def test_short_options_are_clicks():
    assert split("-h").own == ("-h",)
    assert split("-h").words == ()
    assert split("-x").own == ("-x",)  # which click refuses
    assert split("-x").words == ()


def test_after_two_dashes_everything_is_a_word():
    found = split("--", "--players.count", "8")
    assert found.own == ("--", "--players.count", "8")
    assert found.words == ("--players.count", "8")
    assert found.flags == ()


def test_an_option_at_the_end_without_its_value_is_left_to_click():
    assert split("--runs").own == ("--runs",)
