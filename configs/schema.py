"""The config: every key there is, with its type, its default and what it does.

The text under each field is what ``touchline train --help`` and the editor's JSON schema show for it.
"""

# No deferred annotations here: pydantic would compile each text again, 15 ms of every start.
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from touchline.configs.filters import CONVOLUTIONS, Convolution
from touchline.configs.kinds import integer, is_text, number, text
from touchline.configs.lags import LAGS
from touchline.configs.method_sections import (
    Averaging,
    Descent,
    Evolution,
    Hopping,
    Imitation,
    Krylov,
    Search,
    Structure,
    Trpo,
)
from touchline.configs.plain import ARGUMENTS, WRAPPERS
from touchline.configs.run_sections import Eval, Log, Net, Save, Stop
from touchline.configs.section import (
    Cost,
    Count,
    Decay,
    Flag,
    Fraction,
    Positive,
    Seconds,
    Section,
    Sizes,
    Whole,
)
from touchline.configs.table_sections import Model, Table, Tasks

TABLE_ROUNDS = 10_000  # unless set, as 2M steps bound what is done in an environment

Vectorize = Literal["auto", "always", "never"]
Activation = Literal["tanh", "relu", "elu"]
Algorithm = Literal["reinforce", "a2c", "ppo"]
Advantage = Literal["monte_carlo", "n_step", "gae", "vtrace"]
Gradient = Literal["reuse", "live", "recompute", "auto"]
ValueHead = Literal["live", "snapshot"]
Normalize = Literal["scale", "center", "center_episode", "none"]
Reduction = Literal["mean", "sum"]
ReturnResets = Literal["episode", "reward"]
Recurrent = Literal["none", "gru", "lstm"]
Initialization = Literal["orthogonal", "scaled_normal"]
Std = Literal["independent", "state"]
Binary = Literal["softmax", "sigmoid"]
Rule = Literal[
    "adam", "rmsprop", "sgd", "rprop_plus", "rprop_minus", "irprop_plus", "irprop_minus", "quickprop"
]
Schedule = Literal["constant", "linear"]
OnExcess = Literal["downweight", "hold", "drop"]
Correction = Literal["none", "importance", "truncated", "centred", "vtrace", "clip"]
Mode = Literal["async", "sync", "serial"]
Method = Literal[
    "policy_gradient",
    "imitation",
    "evolution",
    "search",
    "descent",
    "krylov",
    "trpo",
    "hopping",
    "structure",
    "averaging",
]


class Env(Section):
    """The environment, which every Player builds for itself."""

    id: Annotated[str, text("an environment id, such as CartPole-v1", accepts=is_text)] = ""
    """What to play: a Gymnasium id (CartPole-v1), package.module:Id-v0, package.module:factory or
    path/file.py:Class. Required, unless table.source is set."""

    kwargs: Annotated[dict[str, Any], ARGUMENTS] = Field(default_factory=dict)
    """Arguments of the environment by name, as gymnasium.make takes them; one alone is
    --env.kwargs.NAME VALUE."""

    wrappers: Annotated[tuple[str | dict[str, Any], ...], WRAPPERS] = ()
    """Wrappers, innermost first: names from gymnasium.wrappers or package.module:Wrapper, or {name:
    {argument: value}}."""

    normalize: Flag = False
    """Scale observations to mean 0 and deviation 1, with statistics that travel with the weights; images that
    policy.convolutions read stay as they are."""

    vectorize: Vectorize = "auto"
    """Step all lanes by the environment's own vector version: auto where there is one, always (refuse
    without), never."""

    step_timeout: Seconds = 60.0
    """A step or a reset that takes longer is a hang: the Player is ended and started again (not in mode serial)."""


class Players(Section):
    """The processes that play, and how much each plays before it reports."""

    count: Annotated[int | Literal["auto"], integer(1).or_word("auto")] = "auto"
    """How many Players to start and to admit; auto: from the cores of this machine and
    staleness.max_lag."""

    lanes: Count = 16
    """Copies of the environment that one Player steps together; more lanes make the forward pass
    cheaper per step."""

    unroll_length: Annotated[int | Literal["episode"], integer(1).or_word("episode")] = 128
    """Steps of each lane played under one snapshot before they are sent; episode: whole episodes, each
    sent as it ends."""

    restarts: Count = 5
    """A Player that dies is started again; this many failures alike in a row end the run (1: the first)."""


class Policy(Section):
    """The network."""

    hidden: Sizes = (64, 64)
    """Sizes of the hidden layers, from the observation on; [] is a linear policy."""

    activation: Activation = "tanh"
    """The function between layers."""

    shared: Flag = False
    """Let policy and value share their hidden layers: less work a step, but their gradients then
    compete."""

    layer_norm: Flag = False
    """Normalise each hidden layer's sums over its units before the activation (Ba et al. 2016)."""

    convolutions: Annotated[tuple[Convolution, ...], CONVOLUTIONS] = ()
    """Filters before the hidden layers, for images: small or large (the networks of the two DQN papers), or a list
    of {filters, size, stride, padding}."""

    recurrent: Recurrent = "none"
    """A memory after the hidden layers, carried through each episode: gru or lstm; needs shared: true."""

    recurrent_size: Count = 64
    """Units of the memory."""

    sparse: Flag = False
    """Inputs of small integers, mostly 0, such as differences of pixels, are sent and multiplied by their non-zero
    elements alone: exact, and cheaper."""

    network: Annotated[str | None, text("package.module:Class or path/file.py:Class").or_null()] = None
    """A network of your own in place of the hidden layers: package.module:Class or path/file.py:Class."""

    network_kwargs: Annotated[dict[str, Any], ARGUMENTS] = Field(default_factory=dict)
    """Arguments of policy.network by name; as flags, --policy.network_kwargs.NAME VALUE."""

    bias: Flag = True
    """Whether layers add a constant."""

    initialization: Initialization = "orthogonal"
    """orthogonal: gain √2, the policy's last layer 0.01; scaled_normal: deviation 1/√inputs everywhere."""

    value: Flag = True
    """Whether there is a value function; without one the baseline is 0 and only monte_carlo makes sense."""

    binary: Binary = "softmax"
    """How two actions are chosen between: softmax of two logits, or sigmoid of one."""

    std: Std = "independent"
    """Standard deviation of continuous actions: independent of the state, or one more output of the network."""

    log_std: Annotated[float, number()] = 0.0
    """Initial logarithm of the standard deviation of continuous actions, in their own units; what is
    drawn beyond their bounds is clipped to them, or squashed."""

    squash: Flag = False
    """Bring continuous actions into their bounds by tanh instead of clipping; log_std is then of what is squashed."""

    noise_correlation: Decay = 0.0
    """Of continuous actions: correlation of the noise of one step with that of the step before; towards 1 it
    explores by long pushes, where independent noise cancels itself. It runs on from one unroll to the next, and
    begins anew with each whole episode that is played as one."""


class Trainer(Section):
    """What a batch is and what is learnt from it."""

    algorithm: Algorithm = "ppo"
    """reinforce: returns against a baseline; a2c: one pass with a critic; ppo: several passes with a
    clipped ratio."""

    advantage: Advantage = "gae"
    """How good an action was: monte_carlo (whole returns), n_step, gae, or vtrace (corrects for lag as
    it goes)."""

    batch_steps: Count = 2048
    """An update is made as soon as the results gathered hold so many steps."""

    batch_episodes: Annotated[int | None, integer(1).or_null("by steps")] = None
    """An update is made of at least so many whole episodes, instead of by steps: of all that have come when it is
    made. Exactly so many where one Player plays one lane."""

    epochs: Count = 4
    """Passes over each batch; more than one needs ppo, which bounds how far the policy may move."""

    minibatch_steps: Annotated[int | None, integer(1).or_null("the whole batch")] = 512
    """Steps of one gradient step within a pass; null: the whole batch."""

    gamma: Fraction = 0.99
    """Discount of a reward per step that it lies ahead; an episode matters over about 1/(1 - gamma)
    steps."""

    return_resets: ReturnResets = "episode"
    """Where returns begin anew: at the end of an episode, or also after every reward that is not 0, as where each
    point of a game stands for itself."""

    gae_lambda: Fraction = 0.95
    """Of gae: 0 trusts the critic (less noise), 1 trusts the returns (less bias)."""

    n_steps: Count = 5
    """Of n_step: rewards summed before the critic's value takes over."""

    entropy_cost: Cost = 0.0
    """Weight of the entropy bonus, which keeps the policy exploring."""

    baseline_cost: Cost = 0.5
    """Weight of the value loss against the policy loss."""

    clip: Positive = 0.2
    """Of ppo: how far the ratio of new to old probability may leave 1 before a sample stops pushing."""

    clip_schedule: Schedule = "constant"
    """constant, or linear: clip falls to 0 at stop.steps."""

    gradient: Gradient = "auto"
    """Where activations come from: reuse (the Players' own, exact for the weights that played), live
    (the Players', through live weights), recompute (a new forward pass), or auto: reuse for one
    uncorrected pass, else recompute."""

    value_head: ValueHead = "live"
    """Under reuse, the last value layer: live (recomputed from the pushed hidden state, stable under
    lag) or snapshot."""

    normalize_rewards: Flag = False
    """Divide rewards by the running deviation of their discounted sum, one scale for a whole batch; returns that
    are reported stay as they are."""

    normalize_advantage: Normalize = "scale"
    """scale: divide by the root mean square; center: subtract the mean and divide by the deviation
    (shifts the update under lag); center_episode: the same within each episode; none."""

    reduction: Reduction = "mean"
    """The gradient of a batch is the mean over its steps, or their sum, which grows with the batch."""

    truncate_at: Positive = 1.0
    """Of the corrections truncated and centred: where the importance weight is cut."""

    clip_rho_threshold: Positive = 1.0
    """Of vtrace: cut of the weight of each correction (rho bar), which decides what value is learnt."""

    clip_c_threshold: Positive = 1.0
    """Of vtrace: cut of the trace weights (c bar), which decides how fast."""


class Optimizer(Section):
    """The gradient step."""

    rule: Rule = "adam"
    """The update rule; rprop (four variants) and quickprop are for gradients of all rows of a table."""

    learning_rate: Positive = 1e-3
    """Size of the step; the rprop rules have sizes of their own."""

    schedule: Schedule = "constant"
    """constant, or linear: the learning rate falls to 0 at stop.steps, or on a table at stop.rounds or
    stop.evaluations."""

    max_gradient_norm: Annotated[float | None, number(above=0).or_null("no limit")] = 0.5
    """A longer gradient is scaled down to this length; null: never."""

    beta1: Decay = 0.9
    """Of adam: decay of the mean of gradients."""

    beta2: Decay = 0.999
    """Of adam: decay of the mean of squared gradients."""

    epsilon: Positive = 1e-8
    """Of adam and rmsprop: added to the root before dividing."""

    decay: Decay = 0.99
    """Of rmsprop: decay of the mean of squared gradients."""

    momentum: Decay = 0.0
    """Of sgd: heavy-ball momentum; refused where there may be lag, which makes it unstable."""


class Staleness(Section):
    """How old what is learnt from may be, and what is done about its age."""

    max_lag: Whole = 2
    """The bound: updates made between the snapshot that played a result and the update that learns from
    it. 0, unless set, with any method but policy_gradient: the next round waits for the last result of this one."""

    on_excess: OnExcess = "downweight"
    """Past the bound: downweight (by max_lag/lag), hold (updates wait for late results: the fair one
    for whole episodes), drop (loses long episodes)."""

    correction: Correction = "clip"
    """For actions another policy chose: none, importance, truncated or centred weights, vtrace, or
    ppo's clip."""

    inject: Annotated[int | tuple[int, ...] | str | None, LAGS] = None
    """For studies, in serial mode: every batch is exactly so many updates old; or a list of lags, or a run whose
    recorded ones are drawn from."""

    ahead: Whole = 0
    """Results a Player may have under way beside the one it plays: 0 keeps lag least, 1 hides a slow
    network."""


class Config(Section):
    """A whole config: what one run is made of."""

    method: Method = "policy_gradient"
    """How it learns: policy_gradient, imitation, evolution, trpo and search play an environment; evolution, search,
    descent, krylov, hopping, structure and averaging minimise a network's error on a table."""

    env: Env = Field(default_factory=Env)
    table: Table = Field(default_factory=Table)
    model: Model = Field(default_factory=Model)
    tasks: Tasks = Field(default_factory=Tasks)
    players: Players = Field(default_factory=Players)
    policy: Policy = Field(default_factory=Policy)
    trainer: Trainer = Field(default_factory=Trainer)
    optimizer: Optimizer = Field(default_factory=Optimizer)
    staleness: Staleness = Field(default_factory=Staleness)
    mode: Mode = "async"
    """async: Players play while the Trainer learns; sync: every version waits for all; serial: one
    process, for debugging."""

    stop: Stop = Field(default_factory=Stop)
    eval: Eval = Field(default_factory=Eval)
    save: Save = Field(default_factory=Save)
    log: Log = Field(default_factory=Log)
    net: Net = Field(default_factory=Net)
    search: Search = Field(default_factory=Search)
    evolution: Evolution = Field(default_factory=Evolution)
    descent: Descent = Field(default_factory=Descent)
    krylov: Krylov = Field(default_factory=Krylov)
    trpo: Trpo = Field(default_factory=Trpo)
    hopping: Hopping = Field(default_factory=Hopping)
    structure: Structure = Field(default_factory=Structure)
    imitation: Imitation = Field(default_factory=Imitation)
    averaging: Averaging = Field(default_factory=Averaging)
    seed: Annotated[int, integer(0, 2**31 - 1)] = 0
    """Seed of everything random: weights, episodes, actions, the order of minibatches."""

    @property
    def target(self) -> str:
        """What a run is named for: the environment, or the table."""
        return self.env.id or PurePath(self.table.source or "none").stem

    @model_validator(mode="before")
    @classmethod
    def _rounds(cls, data: Any) -> Any:
        """Any method but the main one goes by rounds unless ``staleness.max_lag`` is set; a table has no steps, and
        rounds bound what is done on it."""
        if not isinstance(data, dict) or data.get("method", "policy_gradient") == "policy_gradient":
            return data
        table = data.get("table")
        named = isinstance(table, dict) and table.get("source") is not None
        defaults: dict[str, dict[str, Any]] = {
            "staleness": {"max_lag": 0},
            "stop": {"steps": None, "rounds": TABLE_ROUNDS} if named else {},
        }
        given = {name: data.get(name, {}) for name in defaults}
        laid = {name: {**defaults[name], **part} for name, part in given.items() if isinstance(part, dict)}
        return {**data, **laid}
