"""Trust region steps on an environment (TRPO; Schulman et al. 2015), every product computed in parallel.

One update is (1) a round of trajectories, from which come the value baseline and the policy gradient g, without a
forward pass; (2) a round of Fisher products for each v that conjugate gradients ask for, of (F + damping I) d = g;
(3) rounds of trials along the scaled step, halved until the surrogate gains within the trust region.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchline.configs import Config
from touchline.policy.policy import Policy, Snapshot
from touchline.policy.seeds import weights_stream
from touchline.policy.spaces import from_plain
from touchline.policy.trajectory import Trajectory, TrajectoryError
from touchline.targets.fisher import check_natural
from touchline.targets.played import PlayedRows, moved, policy_gradient
from touchline.targets.solving import Solving, solver_named
from touchline.trainer.baseline import Baseline, estimated
from touchline.trainer.lstd import RandomFeatures
from touchline.trainer.policy_gradient import policy_of
from touchline.trainer.scheme import Arrays, Merged, ResultError, Returned, SchemeError, Task, expect
from touchline.trainer.training import weights_of
from touchline.trainer.trust_region import Trial, full_step

FloatArray = NDArray[np.float64]
TOLERANCE = 1e-10  # of the solve, which ``trpo.iterations`` ends long before
NAMES = {"fisher": {"product"}, "surrogate": {"sums"}, "test": {"returns", "lengths"}}


class Trpo:
    """The parameters change with each step that is taken; versions also with each direction that is asked about.

    Sound in lockstep alone: all products of a solve must be of one matrix.
    """

    bears_staleness = False
    ageless = False
    rounds_in_all = None

    def __init__(self, config: Config, policy: Policy, *, most_steps: int | None) -> None:
        """``most_steps``: of an episode. Raises SpaceError, SchemeError, TargetError where scipy is missing."""
        check_natural(policy)
        check_whole_episodes(config, most_steps)
        for solver in ("cg", config.trpo.value_solver):
            solver_named(solver)
        self._config, self._settings, self._policy = config, config.trpo, policy
        self._features = RandomFeatures.of(
            run_seed=config.seed, inputs=policy.features, features=config.trpo.features
        )
        self._parameters = policy.network.init(weights_stream(config.seed))
        self._arrays: Arrays = {"parameters": self._parameters}
        self._phase: Literal["play", "products", "line"] = "play"
        self._update = 0
        self._advantages: dict[str, NDArray[np.float32]] = {}
        self._gradient = np.zeros(len(self._parameters))
        self._solving: Solving | None = None
        self._products = self._halved = 0

    @classmethod
    def of(cls, config: Config, spaces: Mapping[str, Any], facts: Mapping[str, Any]) -> Trpo:
        """For what a Player announced. Raises SpaceError, SchemeError, TargetError."""
        policy = policy_of(config, from_plain(spaces["observation"]), from_plain(spaces["action"]))
        return cls(config, policy, most_steps=facts.get("max_episode_steps"))

    def arrays(self) -> Arrays:
        """``parameters`` float32 [size], which the trajectories of this update are of; while it lasts also
        ``direction`` float64 [size], and of the trials ``advantages/<number>`` float32 [steps]."""
        return self._arrays

    def round(self) -> Sequence[Task]:
        match self._phase:
            case "play":
                return [Task("play", {"what": "trajectory", "number": number}) for number in self._numbers]
            case "products":
                return [Task("rows", {"what": "fisher", "number": number}) for number in self._numbers]
            case "line":
                more = {"what": "surrogate", "scale": self._scale}
                return [Task("rows", {**more, "number": number}) for number in self._numbers]

    def test(self) -> Sequence[Task]:
        """Greedy episodes of the parameters."""
        return [Task("play", {"what": "test"}, evaluates=True)]

    def tested(self, results: Sequence[Returned]) -> Mapping[str, float]:
        """Their mean return."""
        return {"test_return": float(results[0].arrays["returns"].mean())}

    def check(self, task: Task, arrays: Arrays) -> None:
        """Raises ResultError."""
        match task.arguments["what"]:
            case "trajectory":
                self._trajectory(arrays)
                return
            case "test":
                episodes = self._config.eval.episodes
                expect(arrays, "returns", shape=(episodes,))
                expect(arrays, "lengths", shape=(episodes,), dtype="int64")
            case "fisher":
                expect(arrays, "product", shape=self._gradient.shape)
            case "surrogate":
                sums = expect(arrays, "sums", shape=(3,))
                if sums[2] != self._rows:
                    raise ResultError(f"sums: expected {self._rows} steps, found {sums[2]:g}")
        names = NAMES[task.arguments["what"]]
        if unknown := ", ".join(sorted(arrays.keys() - names)):
            raise ResultError(f"result: expected {', '.join(sorted(names))}, found {unknown} too")

    def merge(self, results: Sequence[Returned]) -> Merged:
        match self._phase:
            case "play":
                return self._with_trajectories([self._trajectory(one.arrays) for one in results])
            case "products":
                return self._with_products(results)
            case "line":
                return self._with_trials(results)

    def weights(self) -> Arrays:
        """The parameters by name, as a checkpoint of any policy has them."""
        return weights_of(self._policy, self._snapshot())

    def state(self) -> Arrays:
        """How many updates were begun: an update that was cut off is begun again."""
        return {"update": np.array([self._update])}

    def facts(self) -> Mapping[str, Any]:
        return {}

    # -- the three kinds of rounds

    def _with_trajectories(self, played: Sequence[Trajectory]) -> Merged:
        """Advantages and the policy gradient of the parameters, and the first product that the solver asks for."""
        estimate = estimated(
            self._policy,
            played,
            self._features,
            gamma=self._config.trainer.gamma,
            gae_lambda=self._config.trainer.gae_lambda,
            solver=self._settings.value_solver,
        )
        self._gradient = self._mean_gradient(played, estimate)
        names = [f"advantages/{number}" for number in self._numbers]
        self._advantages = dict(zip(names, estimate.advantages, strict=True))
        returns = np.concatenate([one.episode_returns for one in played])
        self._products = self._halved = 0
        changed = bool(self._gradient.any())
        if changed:
            self._solving = Solving(
                "cg", self._gradient, tolerance=TOLERANCE, iterations=self._settings.iterations
            )
            self._go_on(self._solving)
        else:
            self._update += 1
        return Merged(
            changed=changed,
            evaluations=sum(one.steps for one in played),
            error=-float(returns.mean()) if len(returns) else None,
            measures={"explained_variance": estimate.explained},
            returns=returns.tolist(),
            lengths=np.concatenate([one.episode_lengths for one in played]).tolist(),
        )

    def _with_products(self, results: Sequence[Returned]) -> Merged:
        """The product that the solver waits for: the next, or a step to try."""
        assert self._solving is not None, "products are asked for in a solve"
        v = self._arrays["direction"]
        self._solving.give(self._mean(results, "product") + self._settings.damping * v)
        self._products = self._solving.products
        return Merged(
            changed=self._go_on(self._solving),
            evaluations=0,
            measures={"products": float(self._products)},
        )

    def _with_trials(self, results: Sequence[Returned]) -> Merged:
        """What a step brings: take it, halve it, or give it up and play on with what there is."""
        total = np.zeros(3)
        for result in results:
            total += result.arrays["sums"]
        trial = Trial.of(total)
        accepted = trial.accepted(delta=self._settings.delta)
        if not accepted and self._halved < self._settings.halvings:
            self._halved += 1
            return Merged(changed=False, evaluations=0)
        step = self._scale if accepted else 0.0
        if accepted:
            self._parameters = moved(self._parameters, self._arrays["direction"], scale=step)
            self._arrays = {"parameters": self._parameters}
        self._phase, self._update = "play", self._update + 1
        measures = {"kl": trial.kl, "surrogate": trial.gain, "products": float(self._products), "step": step}
        return Merged(changed=accepted, evaluations=0, measures=measures)

    # -- what they are made of

    def _go_on(self, solving: Solving) -> bool:
        """To the next product, or along the solution: whether there is something to be asked about."""
        wanted = solving.product_wanted()
        if wanted is not None:
            self._phase = "products"
            self._arrays = {"parameters": self._parameters, "direction": wanted}
            return True
        self._solving = None
        step = full_step(solving.solution, self._gradient, delta=self._settings.delta)
        if step is None:
            self._phase, self._update = "play", self._update + 1
            return False
        self._phase = "line"
        self._arrays = {"parameters": self._parameters, "direction": step, **self._advantages}
        return True

    @property
    def _numbers(self) -> range:
        """Of this update's trajectories, in the run."""
        parts = self._config.tasks.parts
        return range(self._update * parts, (self._update + 1) * parts)

    @property
    def _rows(self) -> int:
        """Steps of one trajectory."""
        return self._settings.steps * self._config.players.lanes

    @property
    def _scale(self) -> float:
        return 0.5**self._halved

    def _trajectory(self, arrays: Arrays) -> Trajectory:
        """Raises ResultError where the arrays are no trajectory of this run."""
        try:
            found = Trajectory.from_arrays(self._policy, arrays, hidden=True)
        except TrajectoryError as error:
            raise ResultError(str(error)) from None
        expected = (self._settings.steps, self._config.players.lanes)
        if found.shape != expected:
            raise ResultError(f"rewards: expected float32 {list(expected)}, found {list(found.shape)}")
        if not found.valid.all():
            raise ResultError("valid: expected true everywhere, of lanes that begin anew in the same step")
        return found

    def _mean_gradient(self, played: Sequence[Trajectory], estimate: Baseline) -> FloatArray:
        """g, float64 ``[size]``: the mean over all steps, added in the order of the trajectories."""
        snapshot, w = self._snapshot(), self._parameters.astype(np.float64)
        total = np.zeros(len(w))
        for one, advantages in zip(played, estimate.advantages, strict=True):
            rows = PlayedRows.of(self._policy, snapshot, one)
            total += policy_gradient(self._policy, w, rows, advantages.astype(np.float64))
        return total / (len(played) * self._rows)

    def _mean(self, results: Sequence[Returned], name: str) -> FloatArray:
        """The mean over all steps, float64 ``[size]``, added in the order of the tasks."""
        total = np.zeros_like(self._gradient)
        for result in results:
            total += result.arrays[name]
        return total / (len(results) * self._rows)

    def _snapshot(self) -> Snapshot:
        return Snapshot.from_arrays(self._policy, 0, 0, {"parameters": self._parameters})


def check_whole_episodes(config: Config, most_steps: int | None) -> None:
    """Raise SchemeError where the longest episodes would never end within a trajectory, and so never be counted."""
    if most_steps is not None and config.trpo.steps < most_steps:
        raise SchemeError(
            f"trpo.steps: expected at least {most_steps}, the longest episode of {config.env.id}, found "
            f"{config.trpo.steps}: each trajectory begins with a reset, and of the returns the best would be missing"
        )
