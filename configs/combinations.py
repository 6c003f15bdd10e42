"""Which algorithm, advantage, gradient, correction and mode make sense together: the main method's table.

What is not refused here is meant to work. The reasons are those of the derivation: a correction needs the
live policy's probabilities, and is robust under lag where adding a constant to the advantages leaves the
expected update unchanged ("baseline-invariant").
"""

from __future__ import annotations

from typing import Literal, Protocol

from touchline.configs.policy_arguments import has_value
from touchline.configs.rules import Rule
from touchline.configs.schema import Config

FORWARD_FREE = {"reuse", "live"}
NOT_INVARIANT = {"clip", "truncated", "vtrace"}
CENTRES = {"center", "center_episode"}


RULES: tuple[Rule, ...] = (
    Rule(
        "trainer.gradient",
        ("trainer.algorithm",),
        lambda c: c.trainer.algorithm == "ppo" and c.trainer.gradient in FORWARD_FREE,
        "recompute or auto with trainer.algorithm ppo",
        "PPO compares the live policy with the one that played: it needs the live forward pass",
    ),
    Rule(
        "trainer.gradient",
        ("staleness.correction", "trainer.algorithm"),
        lambda c: (
            c.trainer.algorithm != "ppo"
            and c.trainer.gradient in FORWARD_FREE
            and c.staleness.correction not in {"none", "clip"}
        ),
        "recompute or auto with staleness.correction {c.staleness.correction}",
        "Every correction needs the live forward pass, and its product with the Players' activations is not "
        "baseline-invariant. To keep {c.trainer.gradient}, set staleness.correction: none",
    ),
    Rule(
        "staleness.correction",
        ("trainer.algorithm", "trainer.advantage"),
        lambda c: (
            c.trainer.algorithm == "ppo"
            and c.trainer.advantage != "vtrace"
            and c.staleness.correction not in {"clip", "vtrace"}
        ),
        "clip with trainer.algorithm ppo",
        "The clipped ratio is PPO's correction",
    ),
    Rule(
        "staleness.correction",
        ("trainer.algorithm", "trainer.advantage"),
        lambda c: (
            c.trainer.algorithm != "ppo"
            and c.trainer.advantage != "vtrace"
            and c.staleness.correction == "clip"
        ),
        "none, importance, truncated or centred with trainer.algorithm {c.trainer.algorithm}",
        "Clipping belongs to ppo; none goes with the Players' own activations (trainer.gradient: reuse)",
    ),
    # That several passes need gradient recompute follows: only ppo may make several, and ppo needs it anyway.
    Rule(
        "trainer.epochs",
        ("trainer.algorithm",),
        lambda c: c.trainer.algorithm != "ppo" and c.trainer.epochs > 1,
        "1 with trainer.algorithm {c.trainer.algorithm}",
        "It makes one step a batch: after it, the batch is another policy's. ppo makes several",
    ),
    Rule(
        "trainer.minibatch_steps",
        ("trainer.algorithm", "trainer.batch_steps"),
        lambda c: c.trainer.algorithm != "ppo" and c.trainer.batch_episodes is None and splits(c.trainer),
        "null or at least trainer.batch_steps ({c.trainer.batch_steps}) "
        "with trainer.algorithm {c.trainer.algorithm}",
        "It makes one step a batch: after it, the rest of the batch is another policy's. ppo makes several",
    ),
    Rule(
        "trainer.minibatch_steps",
        ("trainer.algorithm", "trainer.batch_episodes"),
        lambda c: c.trainer.algorithm != "ppo" and c.trainer.batch_episodes is not None and splits(c.trainer),
        "null with trainer.batch_episodes and trainer.algorithm {c.trainer.algorithm}",
        "It makes one step a batch, of however many steps its episodes have. ppo makes several",
    ),
    Rule(
        "trainer.value_head",
        ("trainer.gradient", "trainer.algorithm", "staleness.correction"),
        lambda c: c.trainer.value_head == "snapshot" and resolve_gradient(c) == "recompute",
        "live with a recomputed forward pass",
        "All of the value function is then the live one's. snapshot goes with trainer.gradient: reuse or live",
    ),
    Rule(
        "trainer.algorithm",
        ("trainer.advantage", "staleness.correction"),
        lambda c: c.trainer.algorithm != "a2c" and "vtrace" in {c.trainer.advantage, c.staleness.correction},
        "a2c with vtrace",
        "V-trace is a single-pass actor-critic's",
    ),
    Rule(
        "staleness.correction",
        ("trainer.advantage",),
        lambda c: c.trainer.advantage == "vtrace" and c.staleness.correction != "vtrace",
        "vtrace with trainer.advantage vtrace",
        "V-trace weights targets and gradient together. gae goes with the other corrections",
    ),
    Rule(
        "trainer.advantage",
        ("staleness.correction",),
        lambda c: c.staleness.correction == "vtrace" and c.trainer.advantage != "vtrace",
        "vtrace with staleness.correction vtrace",
        "V-trace weights targets and gradient together. truncated is the like correction for the others",
    ),
    Rule(
        "trainer.advantage",
        ("trainer.algorithm", "staleness.correction"),
        lambda c: (
            c.trainer.algorithm == "reinforce"
            and c.trainer.advantage not in {"monte_carlo", "vtrace"}
            and c.staleness.correction != "vtrace"
        ),
        "monte_carlo with trainer.algorithm reinforce",
        "REINFORCE learns from whole returns; with any other advantage it is a2c",
    ),
    Rule(
        "players.unroll_length",
        ("trainer.advantage",),
        lambda c: c.trainer.advantage == "monte_carlo" and c.players.unroll_length != "episode",
        "episode with trainer.advantage monte_carlo",
        "The end of an unroll would cut the returns. gae with gae_lambda 1 bootstraps there instead",
    ),
    Rule(
        "optimizer.momentum",
        ("optimizer.rule", "mode"),
        lambda c: c.mode == "async" and c.optimizer.rule == "sgd" and c.optimizer.momentum > 0,
        "0 with mode async",
        "Heavy-ball momentum is unstable under lag. adam keeps its own, or set mode: sync",
    ),
    Rule(
        "trainer.normalize_advantage",
        ("mode", "staleness.correction", "trainer.gradient", "trainer.algorithm"),
        lambda c: c.trainer.normalize_advantage in CENTRES and drifts(c),
        "scale or none with mode async and staleness.correction {c.staleness.correction}",
        "Centring adds a constant to the advantages, which under lag drives this update somewhere",
    ),
    Rule(
        "staleness.max_lag",
        ("staleness.on_excess", "mode"),
        lambda c: c.mode == "async" and c.staleness.on_excess == "hold" and c.staleness.max_lag < 1,
        "at least 1 with staleness.on_excess hold and mode async",
        "Some result is always under way, so no version could ever be published. mode: sync has lag 0",
    ),
    Rule(
        "staleness.ahead",
        ("mode",),
        lambda c: c.mode != "async" and c.staleness.ahead > 0,
        "0 with mode {c.mode}",
        "Nothing is played ahead where every version waits for all results",
        always=True,
    ),
    Rule(
        "stop.steps",
        ("optimizer.schedule",),
        lambda c: c.optimizer.schedule == "linear" and c.stop.steps is None,
        "a number of steps with optimizer.schedule linear",
        "It falls to 0 there",
    ),
    Rule(
        "stop.steps",
        ("trainer.clip_schedule",),
        lambda c: c.trainer.clip_schedule == "linear" and c.stop.steps is None,
        "a number of steps with trainer.clip_schedule linear",
        "It falls to 0 there",
    ),
    Rule(
        "net.dead",
        ("net.heartbeat",),
        lambda c: c.net.dead < 2 * c.net.heartbeat,
        "at least twice net.heartbeat ({c.net.heartbeat} seconds)",
        "One late sign of life is no death",
        always=True,
    ),
    Rule(
        "policy.shared",
        ("policy.recurrent",),
        lambda c: c.policy.recurrent != "none" and not c.policy.shared and has_value(c),
        "true with policy.recurrent {c.policy.recurrent}",
        "Policy and value read one memory, which is carried and sent once",
        always=True,
    ),
    Rule(
        "trainer.minibatch_steps",
        ("policy.recurrent", "players.unroll_length", "trainer.algorithm"),
        lambda c: c.trainer.algorithm == "ppo" and c.players.unroll_length != "episode" and shuffles_steps(c),
        "null, or a multiple of players.unroll_length ({c.players.unroll_length}) "
        "with policy.recurrent {c.policy.recurrent}",
        "Steps of a recurrent policy depend on those before: whole unrolls are shuffled, not steps",
    ),
    Rule(
        "trainer.minibatch_steps",
        ("policy.recurrent", "players.unroll_length", "trainer.algorithm"),
        lambda c: c.trainer.algorithm == "ppo" and c.players.unroll_length == "episode" and shuffles_steps(c),
        "null with policy.recurrent {c.policy.recurrent} and whole episodes (players.unroll_length: episode)",
        "Steps of a recurrent policy depend on those before, and no number of steps cuts a batch between episodes",
    ),
    Rule(
        "policy.network",
        ("policy.convolutions", "policy.layer_norm", "policy.sparse"),
        lambda c: (
            c.policy.network is not None
            and bool(c.policy.convolutions or c.policy.layer_norm or c.policy.sparse)
        ),
        "null with policy.convolutions, policy.layer_norm or policy.sparse",
        "A network of your own stands in place of every layer before the heads",
        always=True,
    ),
    Rule(
        "policy.sparse",
        ("policy.convolutions", "env.normalize"),
        lambda c: c.policy.sparse and bool(c.policy.convolutions or c.env.normalize),
        "false with policy.convolutions or env.normalize",
        "Both would make numbers of the zeros that it leaves out",
        always=True,
    ),
    Rule(
        "trainer.advantage",
        ("policy.value",),
        lambda c: (
            not c.policy.value
            and c.trainer.advantage != "monte_carlo"
            and (
                c.trainer.advantage == "vtrace"
                or (c.trainer.algorithm != "reinforce" and c.staleness.correction != "vtrace")
            )
        ),
        "monte_carlo with policy.value false",
        "Every other advantage is taken against a value function",
    ),
    Rule(
        "players.unroll_length",
        ("trainer.batch_episodes",),
        lambda c: (
            c.trainer.batch_episodes is not None
            and c.players.unroll_length != "episode"
            and c.trainer.advantage != "monte_carlo"
        ),
        "episode with trainer.batch_episodes",
        "An unroll holds parts of several episodes",
    ),
    Rule(
        "trainer.normalize_advantage",
        ("players.unroll_length",),
        lambda c: (
            c.trainer.normalize_advantage == "center_episode"
            and c.players.unroll_length != "episode"
            and not drifts(c)
        ),
        "scale, center or none with players.unroll_length {c.players.unroll_length}",
        "An unroll holds parts of several episodes",
    ),
    Rule(
        "trainer.return_resets",
        ("trainer.advantage",),
        lambda c: c.trainer.return_resets == "reward" and c.trainer.advantage != "monte_carlo",
        "episode with trainer.advantage {c.trainer.advantage}",
        "A value function predicts the rewards after the next one too. monte_carlo takes whole returns",
    ),
    Rule(
        "staleness.inject",
        ("mode",),
        lambda c: c.staleness.inject is not None and c.mode != "serial",
        "null with mode {c.mode}",
        "Injected lag is exact, and a run of several processes has its own. mode: serial is the instrument",
    ),
    Rule(
        "staleness.inject",
        ("staleness.max_lag", "mode"),
        lambda c: c.mode == "serial" and most_injected(c) > c.staleness.max_lag,
        "at most staleness.max_lag ({c.staleness.max_lag})",
        "Beyond the bound staleness.on_excess would change the weights of what is studied",
    ),
    Rule(
        "log.tensorboard",
        (),
        lambda c: c.log.tensorboard,
        "false",
        "TensorBoard events are not part of this version; metrics.jsonl and touchline plot have the same numbers",
        always=True,
    ),
)


def resolve_gradient(config: Config) -> Literal["reuse", "live", "recompute"]:
    """What ``trainer.gradient: auto`` stands for: reuse for one uncorrected pass, else recompute."""
    if config.trainer.gradient != "auto":
        return config.trainer.gradient
    one_step = config.trainer.epochs == 1 and not splits(config.trainer)
    return "reuse" if one_step and config.staleness.correction == "none" else "recompute"


class Batching(Protocol):
    """What decides how a batch is cut: the section ``trainer`` has it, and whatever was made of it."""

    @property
    def batch_steps(self) -> int: ...

    @property
    def batch_episodes(self) -> int | None: ...

    @property
    def minibatch_steps(self) -> int | None: ...


def splits(trainer: Batching) -> bool:
    """Whether one pass over a batch makes several gradient steps, or may: episodes have any number of steps."""
    minibatch = trainer.minibatch_steps
    if minibatch is None:
        return False
    return trainer.batch_episodes is not None or minibatch < trainer.batch_steps


def is_invariant(config: Config) -> bool:
    """Whether adding a constant to the advantages leaves the expected update as it is, at any lag."""
    correction = config.staleness.correction
    uncorrected = correction == "none" and resolve_gradient(config) == "recompute"
    return correction not in NOT_INVARIANT and not uncorrected


def drifts(config: Config) -> bool:
    """Whether a constant added to the advantages would move the policy under the lag of this mode."""
    return config.mode == "async" and not is_invariant(config)


def shuffles_steps(config: Config) -> bool:
    """Whether minibatches would cut the unrolls of a recurrent policy."""
    if config.policy.recurrent == "none" or not splits(config.trainer):
        return False
    length, minibatch = config.players.unroll_length, config.trainer.minibatch_steps
    assert minibatch is not None, "nothing is split without it"
    return length == "episode" or minibatch % length != 0


def most_injected(config: Config) -> int:
    """The greatest lag that ``staleness.inject`` names; 0 for a run's recorded ones, which are read later."""
    match config.staleness.inject:
        case int(lag):
            return lag
        case tuple(several):
            return max(several)
        case _:
            return 0
