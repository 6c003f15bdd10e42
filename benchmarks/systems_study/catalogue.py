"""Document 003's methods on one task each: how each is run, how it is cut, and whether it bears staleness."""

from __future__ import annotations

from dataclasses import dataclass

XOR = (
    *("--table.source", "xor", "--table.scale", "none", "--table.test", "null"),
    *(
        "--model.hidden",
        "[2]",
        "--model.output",
        "auto",
        "--model.activation",
        "tanh",
        "--stop.error",
        "0.001",
    ),
)
FREE = ("--optimizer.max_gradient_norm", "null")


@dataclass(frozen=True)
class Entry:
    """A method: the preset that it is on digits, on XOR, or on both; flags of XOR and of digits."""

    preset: str
    xor: tuple[str, ...] | None = None
    digits: tuple[str, ...] | None = None


RATE = "--optimizer.learning_rate"
CATALOGUE = {
    "gradient descent": Entry("003-gd", (RATE, "0.5", "--stop.rounds", "1000"), ("--stop.rounds", "1000")),
    "stochastic gradient": Entry(
        "003-sgd",
        (RATE, "0.3", "--descent.batch_rows", "2", "--tasks.parts", "2", "--stop.rounds", "2000"),
        ("--stop.rounds", "6000"),
    ),
    "momentum": Entry("003-momentum", (RATE, "0.1", "--stop.rounds", "1000"), ()),
    "RMSProp": Entry("003-rmsprop", (*FREE, RATE, "0.01", "--stop.rounds", "1000"), FREE),
    "Adam": Entry("003-adam", (*FREE, RATE, "0.03", "--stop.rounds", "1000"), FREE),
    "iRPROP+": Entry("001-rows", ("--stop.rounds", "1000"), ("--stop.error", "0.05")),
    "QuickProp": Entry("001-quickprop", (RATE, "0.1", "--stop.rounds", "1000"), ()),
    "natural gradient (CG)": Entry(
        "003-natural-gradient", ("--stop.rounds", "1000"), ("--stop.error", "0.05")
    ),
    "Newton (MINRES)": Entry("003-newton", ("--stop.rounds", "1000"), ("--stop.error", "0.05")),
    "basin hopping": Entry("003-basin-hopping", ("--stop.rounds", "30")),
    "random search": Entry("003-random-search", ("--stop.error", "0.01", "--stop.rounds", "1000")),
    "Monte Carlo": Entry("001-monte-carlo", ()),
    "evolution strategies": Entry("001-evolution", ()),
    "uniform search, nine weights of {-1, 0, 1}": Entry(
        "003-uniform-search", ("--model.activation", "relu", "--stop.error", "0")
    ),
}

SERVED = {
    # what: (verb, what of it is parallel, whether it bears staleness, why)
    "gradient descent, stochastic or of all rows; RMSProp, Adam": (
        *("rows", "the sum over rows, or minibatches", "yes"),
        "a late gradient is delayed descent",
    ),
    "heavy-ball momentum": ("rows", "the sum over rows", "no", "under lag it is unstable"),
    "RPROP, QuickProp": (
        "rows",
        "the sum over rows",
        "no",
        "their state assumes consecutive exact gradients",
    ),
    "slices of the weights": (
        "rows",
        "each part its slice",
        "no",
        "a step is whole when all slices are of it",
    ),
    "CG, MINRES": ("rows", "each product", "no", "all products of a solve are of one matrix"),
    "random search, Monte Carlo": ("points", "the draws", "yes", "a candidate is as good as it is"),
    "evolution strategies": ("points", "the perturbations", "yes", "as a late gradient"),
    "uniform search": ("points", "the points", "no", "there is one round and one version"),
    "activation functions": ("points", "the assignments", "no", "there is one round and one version"),
    "basin hopping, temperature 0": ("fit", "the hops", "yes", "a candidate is as good as it is"),
    "basin hopping, temperature above 0": (
        *("fit", "nothing", "no"),
        "a hop from an old place is no step of the chain",
    ),
    "averaging": ("fit", "the shards", "no", "what is averaged began together"),
    "structure, level by level": ("fit", "a level's candidates", "no", "the next level waits for this one"),
    "structure, as a queue": ("fit", "the candidates", "yes", "what is opened next depends on the Players"),
}
