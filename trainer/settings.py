"""What of the config the update reads, resolved once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from touchline.configs import Config, resolve_gradient, splits
from touchline.trainer.ratios import Correction

GradientSource = Literal["reuse", "live", "recompute"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The update's own view of the config: no "auto" left in it."""

    algorithm: Literal["reinforce", "a2c", "ppo"]
    advantage: Literal["monte_carlo", "n_step", "gae", "vtrace"]
    gradient: GradientSource
    correction: Correction
    live_value_head: bool
    batch_steps: int
    batch_episodes: int | None
    epochs: int
    minibatch_steps: int | None
    gamma: float
    gae_lambda: float
    n_steps: int
    entropy_cost: float
    baseline_cost: float
    clip: float
    clip_schedule: str
    truncate_at: float
    clip_rho_threshold: float
    clip_c_threshold: float
    return_resets: Literal["episode", "reward"]
    normalize_rewards: bool
    normalize_advantage: Literal["scale", "center", "center_episode", "none"]
    reduction: Literal["mean", "sum"]
    learning_rate: float
    learning_rate_schedule: str
    max_gradient_norm: float | None
    total_steps: int | None

    @staticmethod
    def of(config: Config) -> Settings:
        trainer, optimizer = config.trainer, config.optimizer
        return Settings(
            algorithm=trainer.algorithm,
            advantage=trainer.advantage,
            gradient=resolve_gradient(config),
            correction=config.staleness.correction,
            live_value_head=trainer.value_head == "live",
            batch_steps=trainer.batch_steps,
            batch_episodes=trainer.batch_episodes,
            epochs=trainer.epochs,
            minibatch_steps=trainer.minibatch_steps,
            gamma=trainer.gamma,
            gae_lambda=trainer.gae_lambda,
            n_steps=trainer.n_steps,
            entropy_cost=trainer.entropy_cost,
            baseline_cost=trainer.baseline_cost,
            clip=trainer.clip,
            clip_schedule=trainer.clip_schedule,
            truncate_at=trainer.truncate_at,
            clip_rho_threshold=trainer.clip_rho_threshold,
            clip_c_threshold=trainer.clip_c_threshold,
            return_resets=trainer.return_resets,
            normalize_rewards=trainer.normalize_rewards,
            normalize_advantage=trainer.normalize_advantage,
            reduction=trainer.reduction,
            learning_rate=optimizer.learning_rate,
            learning_rate_schedule=optimizer.schedule,
            max_gradient_norm=optimizer.max_gradient_norm,
            total_steps=config.stop.steps,
        )

    @property
    def passes(self) -> bool:
        """Whether a batch makes several gradient steps."""
        return self.epochs > 1 or splits(self)

    @property
    def wants_hidden(self) -> bool:
        """Whether Players push their hidden states."""
        return self.gradient != "recompute"
