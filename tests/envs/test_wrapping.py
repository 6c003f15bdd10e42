"""Wrappers by name, with arguments, in order."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import pytest

from touchline.envs.errors import MissingExtra, NotMade, UnknownWrapper
from touchline.envs.resolve import resolve
from touchline.envs.spec import EnvSpec
from touchline.envs.wrapping import find_wrappers, wrapper_names


def layers(*wrappers: Any) -> list[str]:
    """The names of the wrappers around CartPole, the innermost first."""
    env = resolve(EnvSpec("CartPole-v1", wrappers=wrappers)).make()
    names = []
    while isinstance(env, gymnasium.Wrapper):
        names.append(type(env).__name__)
        env = env.env
    return names[::-1]


def test_wrappers_are_applied_in_order_around_the_time_limit() -> None:
    assert layers("FlattenObservation", {"ClipReward": {"min_reward": 0.0}}, "RecordEpisodeStatistics") == [
        "TimeLimit",
        "FlattenObservation",
        "ClipReward",
        "RecordEpisodeStatistics",
    ]


def test_arguments_may_be_left_out_or_empty() -> None:
    assert layers({"FlattenObservation": None}, {"FlattenObservation": {}})[1:] == ["FlattenObservation"] * 2


def test_our_own_wrapper_scales_rewards() -> None:
    env = resolve(EnvSpec("CartPole-v1", wrappers=[{"ScaleReward": {"scale": 0.5}}])).make()
    env.reset(seed=0)
    assert env.step(0)[1] == 0.5


def test_a_wrapper_may_be_named_by_module_or_be_an_object() -> None:
    assert (
        layers("gymnasium.wrappers:FlattenObservation", gymnasium.wrappers.FlattenObservation)[1:]
        == ["FlattenObservation"] * 2
    )


def test_a_wrapper_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "own_wrapper_for_test.py").write_text(
        "import gymnasium\nclass Same(gymnasium.Wrapper):\n    pass\n"
    )
    assert layers(f"{tmp_path}/own_wrapper_for_test.py:Same")[1:] == ["Same"]


@pytest.mark.parametrize(
    ("wrapper", "says"),
    [
        ("clipreward", "unknown wrapper 'clipreward'. Did you mean 'ClipReward'"),
        ("ScaleRewards", "'ScaleReward'"),
        (
            "gymnasium.wrappers:ClipRewart",
            "gymnasium.wrappers has no 'ClipRewart'. Did you mean 'ClipReward'",
        ),
        ({"A": {}, "B": {}}, "expected one name with its arguments"),
        ("vector", "unknown wrapper"),
        ("annotations", "unknown wrapper"),
    ],
)
def test_an_unknown_wrapper_names_the_nearest(wrapper: Any, says: str) -> None:
    with pytest.raises(UnknownWrapper) as caught:
        resolve(EnvSpec("CartPole-v1", wrappers=[wrapper]))
    assert says in str(caught.value)


def test_an_unknown_wrapper_has_a_place_and_nothing_like_it_is_not_suggested() -> None:
    with pytest.raises(UnknownWrapper) as caught:
        find_wrappers(["Score", "Nope"])
    assert str(caught.value) == (
        "env.wrappers[1]: unknown wrapper 'Nope'. 'touchline envs --wrappers' lists them"
    )


@pytest.mark.parametrize(
    ("wrapper", "says"),
    [
        (
            {"ScaleReward": {"scal": 2}},
            "takes no argument 'scal'. Its arguments: scale. Did you mean 'scale'?",
        ),
        ("ScaleReward", "missing a required argument: 'scale'. Its arguments: scale."),
        ({"ScaleReward": 2}, "expected its arguments by name, {ScaleReward: {argument: value}}, found 2"),
        ({"Score": {"x": 1}}, "takes no argument 'x'. Its arguments: none."),
    ],
)
def test_wrong_arguments_are_told_before_an_environment_is_made(wrapper: Any, says: str) -> None:
    name = wrapper if isinstance(wrapper, str) else next(iter(wrapper))
    with pytest.raises(NotMade) as caught:
        resolve(EnvSpec("CartPole-v1", wrappers=[wrapper]))
    assert str(caught.value) == f"env.wrappers[0]: {name}: {says}"


def test_a_wrapper_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium.wrappers.jax_to_numpy", None)
    with pytest.raises(MissingExtra, match=r"wrapper JaxToNumpy: .*pip install"):
        find_wrappers(["JaxToNumpy"])


def test_shrinking_the_games_frames_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"AtariPreprocessing: opencv.*its extra atari"):
        resolve(EnvSpec("CartPole-v1", wrappers=["AtariPreprocessing"])).make()


def test_names_are_sorted_and_hold_ours_and_gymnasiums() -> None:
    names = wrapper_names()
    assert names == sorted(set(names))
    assert {"ScaleReward", "ClipReward", "FrameStackObservation"} <= set(names)
