"""What the methods besides the main one need, and what does not go together in them."""

from __future__ import annotations

from touchline.configs.methods import EITHER, FITS, MAIN, PLAYS, STEPS, Use
from touchline.configs.rules import Rule, value_of
from touchline.configs.schema import Config
from touchline.configs.showing import write

EXACT = ("rprop_plus", "rprop_minus", "irprop_plus", "irprop_minus", "quickprop")
CLONED = ("imitation", "trpo")
UNSCALED = ("imitation", "trpo", *EITHER)
SCHEDULED = ("imitation", "evolution", "descent")
UNSCHEDULED = ("structure", "averaging", "search")
ONE_VERSION = ("krylov", "trpo", "averaging")
DENSE: dict[str, object] = {
    "policy.network": None,
    "policy.convolutions": (),
    "policy.layer_norm": False,
    "policy.sparse": False,
    "policy.binary": "softmax",
    "policy.std": "independent",
}
EXACT_REASON = "Its state assumes consecutive exact gradients"


def on_both(config: Config) -> bool:
    """Whether an environment and a table are named."""
    return bool(config.env.id) and config.table.source is not None


def on_nothing(config: Config) -> bool:
    """Whether neither is."""
    return not config.env.id and config.table.source is None


def on_whole_table(config: Config) -> bool:
    """Whether the optimiser steps by exact gradients, of all rows at once."""
    match config.method:
        case "descent":
            return config.descent.batch_rows is None
        case "structure" | "search":
            return True
        case _:
            return False


def has_no_end(config: Config) -> bool:
    """Whether nothing that is counted bounds the run, for a schedule to fall to 0 at."""
    stop, played = config.stop, bool(config.env.id)
    ends = (
        [stop.steps]
        if config.method == "imitation"
        else [stop.rounds, stop.steps if played else stop.evaluations]
    )
    return ends == [None] * len(ends)


def is_otts(config: Config) -> bool:
    """Whether the model is of the form that document 004's training is written for."""
    model = config.model
    form = (len(model.hidden), model.activation, model.output, model.loss, model.bias)
    return form in {(1, "sigmoid", "sigmoid", loss, False) for loss in ("squared", "auto")}


def _dense_alone(key: str, plain: object) -> Rule:
    """What TRPO's curvature products do not know of: anything but dense layers and simple distributions."""
    return Rule(
        key,
        ("method",),
        lambda c: c.method == "trpo" and value_of(c, key) != plain,
        f"{write(plain)} with method trpo",
        "Its curvature products know plain dense layers and simple distributions. policy_gradient serves all",
    )


MISSING: tuple[Rule, ...] = (
    Rule(
        "env.id",
        ("method",),
        lambda c: on_nothing(c) and c.method in PLAYS,
        "an environment id, such as CartPole-v1",
        "Set it in the file or with --env.id",
        missing=True,
    ),
    Rule(
        "table.source",
        ("method",),
        lambda c: on_nothing(c) and c.method in FITS,
        "a built-in table, such as digits, or a path, with method {c.method}",
        "Set it in the file or with --table.source",
        missing=True,
    ),
    Rule(
        "env.id",
        ("method", "table.source"),
        lambda c: on_nothing(c) and c.method in EITHER,
        "an environment id, such as CartPole-v1, or a table.source, with method {c.method}",
        "Set one of them in the file or with --env.id or --table.source",
        missing=True,
    ),
)

TARGET_RULES: tuple[Rule, ...] = (
    Rule(
        "table.source",
        ("env.id",),
        on_both,
        "null with env.id",
        "A run has one target: an environment to play, or a table to fit",
    ),
    Rule(
        "method",
        ("env.id",),
        lambda c: c.method in FITS and bool(c.env.id) and c.table.source is None,
        f"{', '.join([*PLAYS, *EITHER[:-1]])} or {EITHER[-1]} with env.id",
        "{c.method} minimises the error of a network on a table: give it table.source instead",
    ),
    Rule(
        "method",
        ("table.source",),
        lambda c: c.method in PLAYS and c.table.source is not None and not c.env.id,
        f"{', '.join([*FITS, *EITHER[:-1]])} or {EITHER[-1]} with table.source",
        "{c.method} plays an environment: give it env.id instead",
    ),
)

LAG_RULES: tuple[Rule, ...] = (
    Rule(
        "staleness.max_lag",
        ("method",),
        lambda c: c.method in ONE_VERSION and c.staleness.max_lag > 0,
        "0 with method {c.method}",
        "What a round adds up must be of one version: the next waits for the last result of this one",
    ),
    Rule(
        "staleness.max_lag",
        ("method", "search.over"),
        lambda c: c.method == "search" and c.search.over != "draws" and c.staleness.max_lag > 0,
        "0 with search.over {c.search.over}",
        "There is one round and one version, so that it would have no effect",
    ),
    Rule(
        "staleness.max_lag",
        ("method", "structure.barrier"),
        lambda c: c.method == "structure" and c.structure.barrier == "level" and c.staleness.max_lag > 0,
        "0 with structure.barrier level",
        "The next level opens when this one is closed. barrier: none bears lag",
    ),
    Rule(
        "staleness.max_lag",
        ("method", "hopping.temperature"),
        lambda c: c.method == "hopping" and c.hopping.temperature > 0 and c.staleness.max_lag > 0,
        "0 with hopping.temperature above 0",
        "A hop from an old place is no step of the Metropolis chain. temperature: 0 bears lag",
    ),
    Rule(
        "staleness.max_lag",
        ("method", "descent.by"),
        lambda c: c.method == "descent" and c.descent.by == "weights" and c.staleness.max_lag > 0,
        "0 with descent.by weights",
        "Each slice goes on from all the others' newest. by: rows bears lag",
    ),
    Rule(
        "staleness.max_lag",
        ("method", "optimizer.rule"),
        lambda c: (
            c.method == "descent"
            and c.descent.by == "rows"
            and c.optimizer.rule in EXACT
            and c.staleness.max_lag > 0
        ),
        "0 with optimizer.rule {c.optimizer.rule}",
        f"{EXACT_REASON}. adam, rmsprop and sgd bear lag",
    ),
)

METHOD_RULES: tuple[Rule, ...] = (
    Rule(
        "search.over",
        ("method", "env.id"),
        lambda c: c.method == "search" and bool(c.env.id) and c.search.over == "activations",
        "grid or draws with env.id",
        "It chooses the activation functions of a network over a table",
    ),
    Rule(
        "search.high",
        ("search.low",),
        lambda c: c.method == "search" and c.search.over == "grid" and c.search.high <= c.search.low,
        "a number above search.low ({c.search.low})",
        "The grid would have one point",
    ),
    *LAG_RULES,
    Rule(
        "staleness.max_lag",
        ("method", "mode"),
        lambda c: (
            c.method != MAIN
            and c.mode == "sync"
            and c.staleness.max_lag > 0
            and not any(rule.broken(c) for rule in LAG_RULES)
        ),
        "0 with mode sync",
        "Every version waits for all results, so that it would have no effect. mode: async bears lag",
    ),
    Rule(
        "tasks.parts",
        ("method", "hopping.temperature"),
        lambda c: c.method == "hopping" and c.hopping.temperature > 0 and c.tasks.parts > 1,
        "1 with hopping.temperature above 0",
        "Each hop begins where the one before ended. With temperature: 0 several hop at once",
    ),
    Rule(
        "optimizer.momentum",
        ("method", "optimizer.rule", "staleness.max_lag"),
        lambda c: (
            c.method in {"descent", "evolution"}
            and not (c.method == "descent" and c.descent.by == "weights")
            and c.optimizer.rule == "sgd"
            and c.optimizer.momentum > 0
            and c.staleness.max_lag > 0
        ),
        "0 with staleness.max_lag above 0",
        "Heavy-ball momentum is unstable under lag. adam keeps its own, or set max_lag: 0",
    ),
    Rule(
        "optimizer.rule",
        ("method",),
        lambda c: (
            c.optimizer.rule in EXACT
            and c.method in {MAIN, "imitation", "evolution", "averaging"}
            and not (c.method == "averaging" and c.averaging.local == "ott")
        ),
        "adam, rmsprop or sgd with method {c.method}",
        f"{EXACT_REASON}, and these are of samples",
    ),
    Rule(
        "optimizer.rule",
        ("method", "descent.batch_rows"),
        lambda c: c.method == "descent" and c.optimizer.rule in EXACT and not on_whole_table(c),
        "adam, rmsprop or sgd with descent.batch_rows",
        f"{EXACT_REASON}: set batch_rows: null, for all rows",
    ),
    Rule(
        "optimizer.rule",
        ("method", "averaging.local"),
        lambda c: c.method == "averaging" and c.averaging.local == "ott" and c.optimizer.rule != "sgd",
        "sgd with averaging.local ott",
        "It is gradient descent with optimizer.momentum",
    ),
    Rule(
        "optimizer.schedule",
        ("method",),
        lambda c: c.optimizer.schedule == "linear" and c.method in UNSCHEDULED and STEPS.reads(Use.of(c)),
        "constant with method {c.method}",
        "What is trained begins anew with each order, with a rate of its own",
    ),
    Rule(
        "stop.steps",
        ("method", "optimizer.schedule"),
        lambda c: (
            c.optimizer.schedule == "linear"
            and c.method in SCHEDULED
            and c.table.source is None
            and has_no_end(c)
        ),
        "a number of steps with optimizer.schedule linear",
        "It falls to 0 there",
    ),
    Rule(
        "stop.rounds",
        ("method", "optimizer.schedule", "stop.evaluations"),
        lambda c: (
            c.optimizer.schedule == "linear"
            and c.method in SCHEDULED
            and c.table.source is not None
            and has_no_end(c)
        ),
        "a number of rounds, or stop.evaluations, with optimizer.schedule linear",
        "It falls to 0 there",
    ),
    Rule(
        "search.draws",
        ("method", "tasks.parts"),
        lambda c: c.method == "search" and c.search.over == "draws" and c.search.draws < c.tasks.parts,
        "at least tasks.parts ({c.tasks.parts})",
        "The parts share the draws, and none may be empty",
    ),
    Rule(
        "evolution.pairs",
        ("method", "tasks.parts"),
        lambda c: c.method == "evolution" and c.evolution.pairs < c.tasks.parts,
        "at least tasks.parts ({c.tasks.parts})",
        "The parts share the pairs, and none may be empty",
    ),
    Rule(
        "descent.batch_rows",
        ("method", "descent.by"),
        lambda c: c.method == "descent" and c.descent.by == "weights" and c.descent.batch_rows is not None,
        "null with descent.by weights",
        "Each part has all rows and its slice of the weights. by: rows takes minibatches",
    ),
    Rule(
        "descent.batch_rows",
        ("method", "tasks.parts"),
        lambda c: (
            c.method == "descent"
            and c.descent.by == "rows"
            and c.descent.batch_rows is not None
            and c.descent.batch_rows < c.tasks.parts
        ),
        "at least tasks.parts ({c.tasks.parts})",
        "The parts share one minibatch, and none may be empty",
    ),
    Rule(
        "krylov.solver",
        ("method", "krylov.curvature"),
        lambda c: c.method == "krylov" and c.krylov.solver == "cg" and c.krylov.curvature == "hessian",
        "minres with krylov.curvature hessian",
        "It may be indefinite, where conjugate gradients break down",
    ),
    Rule(
        "averaging.init",
        ("method", "averaging.combine"),
        lambda c: (
            c.method == "averaging" and c.averaging.combine == "displacements" and c.averaging.init == "own"
        ),
        "shared with averaging.combine displacements",
        "What each network moved is measured from one start",
    ),
    Rule(
        "averaging.local",
        ("method", "model.hidden", "model.activation", "model.output", "model.loss", "model.bias"),
        lambda c: c.method == "averaging" and c.averaging.local == "ott" and not is_otts(c),
        "epochs, or ott with model: {{hidden: [128], activation: sigmoid, output: sigmoid, loss: squared, "
        "bias: false}}, of any one size",
        "Document 004's training is written for such a network",
    ),
    Rule(
        "model.loss",
        ("model.output",),
        lambda c: c.model.loss == "cross_entropy" and c.model.output == "linear",
        "squared or auto with model.output linear",
        "Cross entropy is of probabilities, which softmax and sigmoid give",
    ),
    Rule(
        "policy.recurrent",
        ("method",),
        lambda c: c.method in CLONED and c.policy.recurrent != "none",
        "none with method {c.method}",
        "Its rows are shuffled, and a memory reads them in their order",
    ),
    Rule(
        "env.normalize",
        ("method",),
        lambda c: c.method in UNSCALED and c.env.normalize,
        "false with method {c.method}",
        "The statistics move with what policy_gradient trains on. A wrapper of env.wrappers can scale",
    ),
    *(_dense_alone(key, plain) for key, plain in DENSE.items()),
    Rule(
        "imitation.clean",
        ("method", "imitation.take"),
        lambda c: c.method == "imitation" and c.imitation.clean > c.imitation.take,
        "at most imitation.take ({c.imitation.take})",
        "Of episodes between the two the better steps are kept",
    ),
)
