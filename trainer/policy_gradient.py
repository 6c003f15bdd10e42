"""The main method: policy gradients from trajectories, hidden states and all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, assert_never

from touchline.configs import Config, policy_arguments
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import weights_stream
from touchline.policy.spaces import Space
from touchline.policy.trajectory import Trajectory, TrajectoryError
from touchline.targets.optimizers import SGD, Adam, Optimizer, RMSProp
from touchline.trainer.admission import Admitted, Stale, admit
from touchline.trainer.batch import Gathering, Piece
from touchline.trainer.method import Absorbed, Delivery, Fate, Order, ResultKey, settled
from touchline.trainer.ring import Ring, capacity
from touchline.trainer.settings import Settings
from touchline.trainer.soundness import NotFinite
from touchline.trainer.update import Losses, Update, Updater


@dataclass(frozen=True, slots=True)
class Consumed:
    """One result as the last ``absorb`` took it.

    ``gradient_steps``: its lag counted in those, at least so many where it is older than the ring. ``weight``: of
    its rows in the batch, 0 where it enters none.
    """

    trajectory: Trajectory
    lag: int
    lag_play: int
    gradient_steps: int
    fate: Literal["admitted", "dropped_stale"]
    weight: float


class PolicyGradient:
    """Admits trajectories, gathers batches, makes versions."""

    def __init__(self, policy: Policy, config: Config, *, epoch: int) -> None:
        self.policy = policy
        self.settings = Settings.of(config)
        self._config = config
        first = policy.first_snapshot(weights_stream(config.seed), epoch=epoch)
        ring = Ring(capacity(max_lag=config.staleness.max_lag, snapshot_bytes=first.weights.flat.nbytes))
        ring.push(first)
        self._updater = Updater(
            policy,
            self.settings,
            ring=ring,
            optimizer=optimizer_of(config, policy.network.layout.size),
            run_seed=config.seed,
        )
        self._gathering = Gathering(self.settings.batch_steps, self.settings.batch_episodes)
        self._gathered: list[Delivery] = []
        self._gradient_steps_at = {0: 0}
        self.steps = 0
        self.updates = 0
        self.gradient_steps = 0
        self.consumed: Consumed | None = None
        self.last_losses: Losses | None = None

    @property
    def live(self) -> Snapshot:
        return self._updater.live

    def optimizer_state(self) -> Mapping[str, Any]:
        return self._updater.optimizer_state()

    def standing(self) -> Order:
        """The ``play`` order, the same for all Players."""
        arguments = {
            "unroll_length": self._config.players.unroll_length,
            "hidden": self.settings.wants_hidden,
            "greedy": False,
        }
        return Order("play", arguments)

    def order(self, player: int, now: float) -> None:
        """Nothing beside the standing order."""

    def lost(self, player: int) -> None:
        """Nobody else need play what it played."""

    def unusable(self, order: int, player: int) -> None:
        """The standing order goes on."""

    def absorb(self, delivery: Delivery, *, may_publish: Callable[[], bool] = lambda: True) -> Absorbed:
        """Admit a result to the batch being gathered; update when the batch is complete and may be published."""
        self.consumed = None
        verdict = self._admit(delivery.version)
        try:
            trajectory = Trajectory.from_arrays(
                self.policy, delivery.arrays, hidden=self.settings.wants_hidden
            )
        except TrajectoryError as error:
            return Absorbed(
                verdict.lag,
                [(delivery.key, "dropped_invalid")],
                changed=False,
                detail=str(error),
                aside=[delivery],
            )
        self.consumed = self._consumed(delivery, trajectory, verdict)
        absorbed = self._take(delivery, trajectory, verdict, may_publish)
        credit = delivery.slot, trajectory.steps, len(trajectory.episode_returns)
        return replace(absorbed, credits=[credit])

    def _take(
        self,
        delivery: Delivery,
        trajectory: Trajectory,
        verdict: Admitted | Stale,
        may_publish: Callable[[], bool],
    ) -> Absorbed:
        match verdict:
            case Stale():
                return Absorbed(verdict.lag, [(delivery.key, "dropped_stale")], changed=False)
            case Admitted():
                self._gather(delivery, trajectory, verdict)
            case _:
                assert_never(verdict)
        if not self._gathering.complete or not may_publish():
            return Absorbed(verdict.lag, [], changed=False)
        return self._update(verdict.lag)

    def finished(self) -> Sequence[tuple[ResultKey, Fate]]:
        """The run ends: what was gathered and not trained is unused."""
        self._gathering.take()
        left, self._gathered = self._gathered, []
        return settled(left, "unused")

    def report(self) -> Mapping[str, Any]:
        return {
            "steps": self.steps,
            "updates": self.updates,
            "gradient_steps": self.gradient_steps,
            "version": self.live.version,
        }

    def _admit(self, version: int) -> Admitted | Stale:
        staleness = self._config.staleness
        return admit(
            version=version,
            live=self.live.version,
            max_lag=staleness.max_lag,
            on_excess=staleness.on_excess,
            oldest_kept=self._updater.ring.oldest,
        )

    def _consumed(self, delivery: Delivery, trajectory: Trajectory, verdict: Admitted | Stale) -> Consumed:
        gradient_steps = self._gradient_steps_behind(delivery.version)
        fate: Literal["admitted", "dropped_stale"]
        match verdict:
            case Admitted(lag, weight):
                fate = "admitted"
            case Stale(lag):
                fate, weight = "dropped_stale", 0.0
            case _:
                assert_never(verdict)
        return Consumed(trajectory, lag, delivery.lag_play, gradient_steps, fate, weight)

    def _gather(self, delivery: Delivery, trajectory: Trajectory, verdict: Admitted) -> None:
        snapshot = self._updater.ring[delivery.version]
        piece = Piece(
            trajectory,
            snapshot,
            verdict.lag,
            verdict.weight,
            slot=delivery.slot,
            seq=delivery.seq,
            player=delivery.player,
            evaluations=delivery.evaluations,
        )
        self._gathering.add(piece)
        self._gathered.append(delivery)

    def _update(self, lag: int) -> Absorbed:
        """The next version from the batch that is complete; a batch that gives none is set aside, and nothing moves."""
        pieces = self._gathering.take()
        batch, self._gathered = self._gathered, []
        live = self.live.version
        assert all(piece.lag == live - piece.snapshot.version for piece in pieces), (
            "gathered since that version"
        )
        try:
            update = self._updater.update(pieces, steps_admitted=self.steps)
        except NotFinite as error:
            dropped = settled(batch, "dropped_invalid")
            return Absorbed(lag, dropped, changed=False, detail=str(error), aside=batch, failed=True)
        self._count(pieces, update)
        return Absorbed(lag, settled(batch, "trained"), changed=True)

    def _count(self, pieces: Sequence[Piece], update: Update) -> None:
        self.steps += sum(piece.trajectory.steps for piece in pieces)
        self.updates += 1
        self.gradient_steps += update.gradient_steps
        self._gradient_steps_at[update.snapshot.version] = self.gradient_steps
        self._gradient_steps_at.pop(self._updater.ring.oldest - 1, None)
        self.last_losses = update.losses

    def _gradient_steps_behind(self, version: int) -> int:
        """Gradient steps since ``version``; since the oldest version kept where it is older than that."""
        return self.gradient_steps - self._gradient_steps_at[max(version, self._updater.ring.oldest)]


def optimizer_of(config: Config, size: int) -> Optimizer:
    """The optimiser that the config names, for a parameter vector of ``size``."""
    settings = config.optimizer
    match settings.rule:
        case "adam":
            return Adam(size, beta1=settings.beta1, beta2=settings.beta2, epsilon=settings.epsilon)
        case "rmsprop":
            return RMSProp(size, decay=settings.decay, epsilon=settings.epsilon)
        case "sgd":
            return SGD(size, momentum=settings.momentum)
        case rule:
            raise AssertionError(f"{rule}: a rule of descent's alone, which the config refuses here")


def policy_of(config: Config, observation_space: Space, action_space: Space) -> Policy:
    """The policy that the config describes for these spaces. Raises SpaceError."""
    return Policy.build(
        observation_space=observation_space, action_space=action_space, **policy_arguments(config)
    )
