"""The sections of the schema that one method each reads."""

# No deferred annotations here: pydantic would compile each text again, 15 ms of every start.
from typing import Annotated, Literal

from touchline.configs.kinds import choice, duration, integer, list_of, number
from touchline.configs.section import Count, Flag, Fraction, Positive, Section, Whole
from touchline.configs.table_sections import ModelActivation

SearchOver = Literal["grid", "draws", "activations"]
Per = Literal["layer", "neuron"]
SplitBy = Literal["rows", "weights"]
GradientBy = Literal["backprop", "numeric"]
Solver = Literal["cg", "minres"]
Curvature = Literal["fisher", "hessian"]
ValueSolver = Literal["gmres", "bicgstab"]
Sieve = Literal["percentile", "fixed"]
Combine = Literal["mean", "sum", "displacements"]
Init = Literal["shared", "own"]
Local = Literal["epochs", "ott"]
Barrier = Literal["level", "none"]


class Search(Section):
    """Searching without gradients (method search)."""

    over: SearchOver = "draws"
    """grid: every point of a lattice; draws: random points around the best so far, accepted if better;
    activations: every assignment of activation functions."""

    low: Annotated[float, number()] = -1.0
    """Of grid: the least value of each weight."""

    high: Annotated[float, number()] = 1.0
    """Of grid: the greatest value of each weight."""

    step: Positive = 0.5
    """Of grid: the distance of neighbouring values."""

    radius: Positive = 0.1
    """Of draws: how far each weight is moved at most; as wide as the whole box it is pure random search."""

    draws: Count = 64
    """Of draws: points a round, shared among its parts."""

    per: Per = "layer"
    """Of activations: one choice for a layer, or one for each neuron."""

    activations: Annotated[
        tuple[str, ...],
        list_of(choice(ModelActivation), "a list of activation functions, such as [tanh, sin]"),
    ] = ("linear", "sigmoid", "tanh", "gauss", "sin", "relu")
    """Of activations: the functions to choose from."""

    coefficients: Annotated[
        tuple[float, ...], list_of(number(), "a list of numbers, such as [0.5, 1, 2]")
    ] = (1.0,)
    """Of activations: factors of the sum before the function, each with each function."""

    epochs: Whole = 50
    """Of activations: passes that train each assignment, from the same first weights; 0 scores those as they are."""

    limit: Count = 1_000_000
    """Most points of a grid, or assignments, that are tried: a larger number is refused with its size."""


class Evolution(Section):
    """Evolution strategies (method evolution; Salimans et al. 2017): only seeds and scores cross the wire."""

    pairs: Count = 32
    """Antithetic pairs a round, shared among its parts."""

    sigma: Positive = 0.1
    """Deviation of the perturbations."""

    episodes: Count = 1
    """Of an environment: episodes a perturbation is scored by, the same seeds for all of a round."""

    weight_decay: Annotated[float, number(0)] = 0.0
    """Pull towards 0, added to the gradient."""


class Descent(Section):
    """Gradient descent in parallel (method descent); optimizer names the rule."""

    by: SplitBy = "rows"
    """rows: each part has its rows and gives their gradient; weights: each has all rows and its slice of the
    weights."""

    how: GradientBy = "backprop"
    """backprop, or numeric: two evaluations a weight, which is how splitting the weights pays."""

    batch_rows: Annotated[int | None, integer(1).or_null("all rows")] = None
    """Rows of one update, drawn without replacement each epoch (stochastic gradient descent); null: all."""


class Krylov(Section):
    """Second-order descent by linear solvers (method krylov); their products are computed in parallel."""

    solver: Solver = "cg"
    """cg: for the positive definite Fisher matrix; minres: for the Hessian, which may be indefinite."""

    curvature: Curvature = "fisher"
    """The matrix: fisher (natural gradient, Gauss-Newton) or the exact hessian (Newton)."""

    damping: Annotated[float, number(0)] = 1e-3
    """Added to the diagonal of the mean curvature."""

    iterations: Count = 20
    """Most products of one solve."""

    tolerance: Positive = 1e-3
    """Relative residual at which a solve ends."""

    halvings: Whole = 10
    """How often a step that does not lower the error is halved before it is given up."""


class Trpo(Section):
    """Trust region steps on an environment (method trpo; Schulman et al. 2015)."""

    delta: Positive = 0.01
    """Bound of the mean KL divergence of one step."""

    damping: Annotated[float, number(0)] = 0.1
    """Added to the diagonal of the Fisher matrix."""

    iterations: Count = 10
    """Products of the conjugate gradient solve."""

    halvings: Whole = 10
    """How often the step is halved until bound and improvement hold."""

    steps: Count = 512
    """Steps of each lane that one part plays, from a reset on."""

    value_solver: ValueSolver = "gmres"
    """How the value baseline (LSTD on random features of the observation) is solved for: gmres or bicgstab."""

    features: Count = 64
    """Random features of the value baseline."""


class Hopping(Section):
    """Basin hopping (method hopping; Wales & Doye 1997): each part hops and descends, the best is taken."""

    step: Positive = 0.5
    """How far a hop moves each weight at most, to begin with."""

    temperature: Annotated[float, number(0)] = 0.0
    """0 takes only what is better, and parts hop in parallel; above 0 hops are one after another (Metropolis)."""

    iterations: Count = 100
    """Most iterations of one local descent (L-BFGS)."""

    interval: Count = 50
    """Hops between adaptations of the step, towards accepting half."""


class Structure(Section):
    """Growing the network (method structure): a queue of candidates, each trained by one Player."""

    epochs: Count = 200
    """Passes that train each candidate."""

    barrier: Barrier = "level"
    """level: the next level opens when all candidates of this one have come; none: as soon as a better one has."""

    patience: Count = 2
    """Levels (or, without a barrier, twice as many candidates) without a better structure that end the search."""

    penalty: Annotated[float, number(0)] = 1e-4
    """Added to a candidate's error for each of its weights."""

    max_layers: Count = 3
    """Hidden layers at most."""

    max_width: Count = 32
    """Neurons of a layer at most."""


class Imitation(Section):
    """The best episodes imitated (method imitation): Players keep what is good, the Trainer fits it."""

    sieve: Sieve = "percentile"
    """percentile: the best of each result's episodes (cross-entropy method); fixed: by absolute thresholds."""

    best: Annotated[float, number(above=0, maximum=1)] = 0.3
    """Of percentile: the share of episodes kept."""

    goal: Annotated[float | None, number().or_null("the environment's threshold")] = None
    """The return that solves an episode; also what the fixed thresholds are shares of."""

    take: Annotated[float, number()] = 0.95
    """Of fixed: episodes of at least this share of the goal are kept whole."""

    clean: Annotated[float, number()] = 0.2
    """Of fixed: of episodes between this share and take, only the better steps are kept."""

    cut: Annotated[float, number()] = -1.0
    """Of fixed: steps kept of those have (reward - least) / (goal - least) of at least this."""

    keep: Annotated[int | None, integer(1).or_null("all ever received")] = 1
    """Rounds of rows that are learnt from, the latest ones; null never forgets."""

    random: Fraction = 0.0
    """Share of the parts that play at random."""

    explore: Flag = True
    """Whether the others sample their actions; false: the most likely one, after a random first."""

    episodes: Count = 16
    """Episodes of one part, until it is known how long they take."""

    order_seconds: Annotated[float | None, duration().or_null("always as many")] = None
    """Episodes of a part are adapted so that it takes about so long; rounds then depend on the machine's speed."""

    epochs: Count = 5
    """Passes of one fit."""

    batch_rows: Count = 1024
    """Rows of one gradient step of a fit."""

    consecutive: Count = 10
    """Solved when so many greedy episodes in a row reach the goal."""

    models: Annotated[int, integer(1, 2)] = 1
    """Policies trained, on alternate results; 2 is document 002's pair of executors."""


class Averaging(Section):
    """Networks trained apart and merged (method averaging): one part is one network with its shard of the rows."""

    combine: Combine = "mean"
    """mean, sum, or displacements: the start plus the sum of what each moved."""

    init: Init = "shared"
    """Whether each network starts from the merged weights, or from its own random ones."""

    rounds: Count = 1
    """How often they are merged."""

    local: Local = "epochs"
    """epochs: local_epochs of stochastic gradient descent; ott: document 004's, 512 steps on each row in turn."""

    local_epochs: Count = 1
    """Of epochs: passes over the shard between merges."""

    batch_rows: Count = 32
    """Of epochs: rows of one local step."""

    inner: Count = 512
    """Of ott: steps on each row."""
