"""The verb points with an environment: values are minus mean returns, and anybody makes the same of a number."""

from __future__ import annotations

import numpy as np
import pytest

from touchline.configs import Config
from touchline.envs.errors import EnvError
from touchline.player.episodes_work import EpisodesWork
from touchline.player.evaluate import Evaluator, seeds_of
from touchline.player.play import spec_of
from touchline.player.work import Held, UnknownOrder
from touchline.policy.announcing import announced
from touchline.policy.policy import Snapshot
from touchline.policy.seeds import evaluation_seed, points_seed
from touchline.targets.grid import Grid
from touchline.targets.numbered import drawn, perturbed

EPISODES = 2
FORMS = {"dense": {"hidden": (6,)}, "recurrent": {"hidden": (6,), "recurrent": "gru", "shared": True}}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@pytest.fixture
def work():
    made = []

    def build(method="evolution", *, form=FORMS["dense"], goes_on=lambda: True, lanes=4, **sections):
        config = Config.model_validate(
            {
                "method": method,
                "env": {"id": "CartPole-v1"},
                "policy": form,
                "players": {"lanes": lanes},
                "evolution": {"episodes": EPISODES, "sigma": 0.5},
                "eval": {"episodes": 3},
                **sections,
            }
        )
        made.append(EpisodesWork(config, seed=1, goes_on=goes_on))
        return made[-1]

    yield build
    for one in made:
        one.close()
        one.close()


def held(at):
    first = at._policy.first_snapshot(np.random.default_rng(0), epoch=1)
    return Held(1, 3, first.to_arrays())


def carried_out(at, what, start=0, stop=6, iteration=2, **more):
    arguments = {"what": what, "start": start, "stop": stop, "iteration": iteration, **more}
    return list(at.carry_out("points", arguments, held(at), seq=0, count=1, standing=False))


def by_hand(at, points, *, seed, episodes=EPISODES):
    """Returns ``[n, E]`` of the parameters by an evaluation of each, in the order of the seeds."""
    found = []
    with Evaluator(spec_of(at._config), at._policy) as evaluator:
        for point in points:
            first = at._policy.first_snapshot(np.random.default_rng(0), epoch=0)
            snapshot = Snapshot.of(at._policy, 0, 0, point.astype(np.float32), first.statistics)
            played = evaluator.play(snapshot, episodes=episodes, seed=seed)
            games = dict(zip(played.seeds, played.returns, strict=True))
            found.append([games[one] for one in seeds_of(seed, episodes)])
    return np.array(found)


@every_form
def test_perturbations_are_scored_by_their_mean_return(work, form):
    at = work(form=form)
    (found,) = carried_out(at, "evolution")
    base = held(at).arrays["parameters"].astype(np.float64)
    points = perturbed(base, sigma=0.5, seed=0, iteration=2, numbers=range(6))
    expected = by_hand(at, points, seed=points_seed(run_seed=0, iteration=2))
    np.testing.assert_array_equal(found["values"], expected.mean(axis=1))
    np.testing.assert_array_equal(found["returns"], expected.reshape(-1))
    np.testing.assert_array_equal(found["lengths"], found["returns"])  # one a step


def test_the_episodes_of_an_evolution_change_with_the_iteration_those_of_a_search_do_not(work):
    evolution, search = work(), work("search", search={"radius": 0.0001})
    scores = [carried_out(evolution, "evolution", iteration=i)[0]["returns"] for i in (2, 3)]
    assert not np.array_equal(*scores)
    values = [carried_out(search, "draws", -1, 0, iteration=i)[0]["best"] for i in (2, 3)]
    np.testing.assert_array_equal(*values)


def test_the_best_of_draws_is_the_least_minus_mean_return(work):
    at = work("search", search={"radius": 2.0})
    (found,) = carried_out(at, "draws", -1, 9)
    base = held(at).arrays["parameters"].astype(np.float64)
    points = drawn(base, radius=2.0, seed=0, iteration=2, numbers=range(-1, 9))
    means = by_hand(at, points, seed=points_seed(run_seed=0, iteration=0)).mean(axis=1)
    assert found["best"].tolist() == [-means.max(), int(means.argmax()) - 1]
    assert len(found["returns"]) == 10 * EPISODES


def test_a_grid_of_policies(work):
    form = {"hidden": (), "value": False, "bias": False}
    at = work("search", form=form, search={"over": "grid", "low": -1, "high": 1, "step": 2.0})
    (found,) = carried_out(at, "grid", 100, 130)
    points = Grid.of(-1, 1, 2, 8).points(range(100, 130))
    means = by_hand(at, points, seed=points_seed(run_seed=0, iteration=0)).mean(axis=1)
    assert found["best"].tolist() == [-means.max(), 100 + int(means.argmax())]


@every_form
def test_the_centre_is_the_snapshot_on_an_evaluations_episodes(work, form):
    at = work(form=form)
    (found,) = carried_out(at, "centre")
    expected = by_hand(at, [held(at).arrays["parameters"]], seed=evaluation_seed(0), episodes=3)
    assert set(found) == {"returns", "lengths"}
    np.testing.assert_array_equal(found["returns"], expected[0])


@every_form
def test_parts_are_the_whole_and_lanes_do_not_matter(work, form):
    whole = carried_out(work(form=form), "evolution")[0]
    at = work(form=form, lanes=3)
    parts = [carried_out(at, "evolution", *cut)[0] for cut in ((0, 1), (1, 4), (4, 6))]
    for name in whole:
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name])


@every_form
def test_told_to_stop_nothing_is_sent(work, form):
    asked = []
    at = work(form=form, goes_on=lambda: len(asked) < 5 and asked.append(1) is None)
    assert carried_out(at, "evolution") == []
    assert carried_out(at, "centre") == []


def test_what_is_announced_is_what_a_player_of_the_main_method_announces(work):
    at = work()
    space = at._policy.observation_space, at._policy.action_space
    assert at.spaces == announced(*space)
    assert at.facts["env"] == "CartPole-v1"
    assert at.facts["reward_threshold"] == 475.0
    assert at.outside == 0


def test_a_snapshot_that_does_not_fit_the_policy_is_refused(work):
    at = work()
    wrong = Held(1, 0, {"parameters": np.zeros(3, np.float32)})
    with pytest.raises(ValueError, match="parameters: expected float32"):
        list(at.carry_out("points", {"what": "centre"}, wrong, seq=0, count=1, standing=False))


@pytest.mark.parametrize(("verb", "what"), [("rows", "error"), ("points", "activations"), ("points", None)])
def test_another_order_is_refused(work, verb, what):
    at = work()
    with pytest.raises(UnknownOrder, match=f"points of grid, draws, .* found {verb} of {what}"):
        list(at.carry_out(verb, {"what": what}, held(at), seq=0, count=1, standing=False))


def test_an_environment_that_does_not_exist_is_said_at_once(work):
    with pytest.raises(EnvError, match="CartPool"):
        work(env={"id": "CartPool-v1"})
