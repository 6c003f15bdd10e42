"""Whole runs under every fault: over a link of objects, then over real sockets on loopback.

Whatever is lost, repeated, delayed or reordered, and whoever dies and comes back: the ledger sums, each
result is delivered once and in order, each is played with exactly the version that was granted, the law of
lag holds to the integer, and once the faults end, the run goes on. ``World`` checks the sums at every step.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol_settings import deterministic
from protocol_world import EVALUATIONS, FakeLink, Faults, World, ZmqLink

from touchline.protocol import ErrorCode, Joined, Lost, Pacing, PlayerState

LINKS = [
    pytest.param(FakeLink, 50, id="objects"),
    pytest.param(ZmqLink, 4, id="sockets"),
]

faults = st.builds(
    Faults,
    drop=st.sampled_from([0.0, 0.05, 0.3]),
    repeat=st.sampled_from([0.0, 0.2]),
    delay=st.sampled_from([0.0, 0.3, 1.0]),
    reorder=st.sampled_from([0.0, 0.3]),
)
pacings = st.builds(Pacing, ahead=st.integers(0, 2), width=st.sampled_from([1, 3]))
EVENTS = ["run", "run", "evaluate", "kill told", "kill", "cut", "save", "crash", "join"]
scripts = st.lists(st.sampled_from(EVENTS), min_size=3, max_size=8)


def perform(world: World, script: list[str]) -> None:
    """Plays a script of misfortunes; a killed Player's name is taken by a new process a while later."""
    for number, event in enumerate(script):
        match event:
            case "kill told" | "kill" if world.players:
                name = sorted(world.players)[number % len(world.players)]
                told = event == "kill told"
                world.kill_player(name, told=told)
                world.run(0.5 if told else 6.0)
                world.start_player(name)
            case "cut":
                dropped, world.faults.drop = world.faults.drop, 1.0
                world.run(6.0)
                world.faults.drop = dropped
            case "save":
                world.save()
            case "crash":
                world.crash_trainer()
            case "evaluate" if world.players:
                world.evaluate(sorted(world.players)[number % len(world.players)])
            case "join":
                world.start_player(f"late{number}")
        world.run(1.5)


def numbers_in_order(world: World) -> None:
    """Each Player's results arrived once and in order, anew only after the Trainer itself began anew."""
    for deliveries in world.delivered.values():
        life: list[int] = []
        for seq, _ in deliveries:
            if seq < 0:
                life.clear()
                continue
            assert not life or seq > life[-1]
            life.append(seq)


def goes_on(world: World) -> None:
    """With the faults over, every Player plays, and versions are made."""
    world.heal()
    world.run(12.0)
    before = {name: player.session.sent for name, player in world.players.items()}
    version = world.sessions.version or 0
    world.run(10.0)
    assert (world.sessions.version or 0) > version
    for name, player in world.players.items():
        assert player.session.state is PlayerState.PLAYING
        assert player.session.sent > before[name]
        assert {refused.code for refused in player.refused} <= {ErrorCode.NAME_TAKEN}


def ends_well(world: World) -> None:
    """The ledger sums, nothing is left over, and both sides counted the same."""
    total = world.finish()
    assert total["queued"] == total["in_flight"] == total["dropped_invalid"] == 0
    for name, player in world.players.items():
        assert player.session.sent == world.sessions.ledger.accounts[name].sent
        assert player.row is not None


@pytest.mark.parametrize(("link", "examples"), LINKS)
def test_any_run(link, examples: int) -> None:
    @settings(deterministic, max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
    @given(seed=st.integers(0, 2**32), faults=faults, pacing=pacings, script=scripts)
    def run(seed: int, faults: Faults, pacing: Pacing, script: list[str]) -> None:
        world = World(link, seed=seed, faults=Faults(**vars(faults)), pacing=pacing)
        try:
            for name in "ab":
                world.start_player(name)
            world.save()
            perform(world, script)
            goes_on(world)
            numbers_in_order(world)
            ends_well(world)
        finally:
            world.link.close()

    run()


@pytest.fixture(params=[FakeLink, ZmqLink], ids=["objects", "sockets"])
def quiet(request: pytest.FixtureRequest):
    """Makes worlds without faults."""
    made: list[World] = []

    def make(**options) -> World:
        made.append(World(request.param, seed=0, **options))
        return made[-1]

    yield make
    for world in made:
        world.link.close()


def test_without_faults_nothing_is_lost_repeated_or_resent(quiet) -> None:
    world = quiet()
    for name in "abc":
        world.start_player(name)
    world.run(20.0)
    total = world.finish()
    assert total["sent"] == total["trained"] + total["unused"] > 50
    assert total["duplicates"] == 0


@pytest.mark.parametrize(("players", "results_per_update"), [(1, 1), (2, 1), (4, 2), (4, 1)])
def test_the_mean_lag_follows_the_law(quiet, players: int, results_per_update: int) -> None:
    world = quiet(results_per_update=results_per_update)
    for number in range(players):
        world.start_player(str(number))
    world.run(40.0)
    law, expected = world.sessions.law, (players - 1) / results_per_update
    assert law.backdated == 0
    assert law.measured() == pytest.approx(expected, abs=0.1 * expected)
    # a result that waits for its turn in the learner is outstanding, as long as its Player waits with it
    assert law.predicted() == pytest.approx(expected, abs=0.1 * expected)


def test_in_sync_no_result_ever_lags(quiet) -> None:
    world = quiet(results_per_update=3, pacing=Pacing(barrier=3), sync=True)
    for name in "abc":
        world.start_player(name)
    world.run(20.0)
    assert (world.sessions.version or 0) > 10
    assert world.sessions.law.measured() == 0.0
    for player in world.players.values():
        assert [granted.version for granted in player.played] == list(range(len(player.played)))


@pytest.mark.parametrize(
    "pacing", [Pacing(), Pacing(ahead=1), Pacing(width=4), Pacing(ahead=2, width=3)], ids=str
)
def test_every_evaluation_asked_for_comes_and_the_law_does_not_hear_of_it(quiet, pacing: Pacing) -> None:
    world = quiet(pacing=pacing)
    for name in "ab":
        world.start_player(name)
    world.run(3.0)
    for _ in range(5):
        world.evaluate("a")
        world.run(6.0)
    played = [granted for granted in world.players["a"].played if granted.order > EVALUATIONS]
    assert [granted.count for granted in played] == [1] * 5
    assert world.sessions.ledger.total()["evaluated"] == 5
    law = world.sessions.law
    assert law.measured() == pytest.approx(law.predicted(), abs=0.15 * law.predicted())
    total = world.finish()
    assert total["sent"] == total["trained"] + total["evaluated"] + total["unused"]


def test_in_sync_a_round_waits_for_the_player_that_evaluates_and_nothing_lags(quiet) -> None:
    world = quiet(results_per_update=2, pacing=Pacing(barrier=2), sync=True)
    for name in "ab":
        world.start_player(name)
    for _ in range(10):
        world.run(2.0)
        world.evaluate("a")
    world.run(4.0)
    assert world.sessions.ledger.total()["evaluated"] == 10
    assert world.sessions.law.measured() == 0.0
    for player in world.players.values():
        standing = [granted.version for granted in player.played if granted.order < EVALUATIONS]
        assert standing == list(range(len(standing)))


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_no_player_starts_beyond_the_gate(quiet, ahead: int, width: int) -> None:
    world = quiet(pacing=Pacing(ahead=ahead, width=width))
    player = world.start_player("a")
    most = 0
    for _ in range(300):
        world.step()
        account = world.sessions.ledger.accounts.get("a")
        if account is not None and player.played:
            last = player.played[-1]
            most = max(most, last.seq + last.count - account.taken_through)
    assert 0 < most <= width * (1 + ahead)
    if ahead:
        assert most > width  # and it does use the room it has


def test_a_wave_never_mixes_versions(quiet) -> None:
    world = quiet(pacing=Pacing(width=4), results_per_update=3)
    player = world.start_player("a")
    world.run(20.0)
    assert len(player.played) > 5
    assert all(granted.count == 4 for granted in player.played)
    starts = [granted.seq for granted in player.played]
    assert starts == list(range(0, 4 * len(starts), 4))


def test_a_player_that_is_killed_is_lost_and_its_successor_welcomed(quiet) -> None:
    world = quiet()
    for name in "ab":
        world.start_player(name)
        world.run(1.0)
    world.run(4.0)
    world.kill_player("a", told=False)
    world.run(6.0)
    assert [event.name for event in world.events if isinstance(event, Lost)] == ["a"]
    world.start_player("a")
    world.run(5.0)
    joined = [event for event in world.events if isinstance(event, Joined)]
    assert [(event.name, event.slot, event.incarnation) for event in joined] == [
        ("a", 0, 0),
        ("b", 1, 0),
        ("a", 0, 1),
    ]
    assert world.sessions.live_players() == 2
    ends_well(world)


def test_a_trainer_that_dies_goes_on_from_its_checkpoint(quiet) -> None:
    world = quiet()
    for name in "ab":
        world.start_player(name)
    world.run(4.0)
    world.save()
    world.run(4.0)
    made = {name: player.session.sent for name, player in world.players.items()}
    world.crash_trainer()
    world.run(12.0)
    total = world.sessions.ledger.total()
    assert total["lost_rollback"] > 0
    assert all(player.session.sent > made[name] for name, player in world.players.items())
    assert all(granted.epoch == 2 for granted in (player.played[-1] for player in world.players.values()))
    ends_well(world)
