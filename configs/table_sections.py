"""The sections of the schema for a table in place of an environment, and for how the work on it is cut."""

# No deferred annotations here: pydantic would compile each text again, 15 ms of every start.
from typing import Annotated, Literal

from touchline.configs.kinds import choice, integer, text
from touchline.configs.section import Count, Flag, Positive, Seconds, Section, Sizes
from touchline.configs.tables import COLUMNS, HELD_OUT

Scale = Literal["none", "unit", "standard", "binary"]
ModelActivation = Literal["linear", "sigmoid", "tanh", "gauss", "sin", "relu"]
Output = Literal["auto", "linear", "sigmoid", "softmax"]
Loss = Literal["auto", "squared", "cross_entropy"]
Start = Literal["glorot", "normal", "uniform", "ott"]
Remainder = Literal["spread", "lead"]


class Table(Section):
    """A table of rows in place of an environment: what is minimised is a network's error on it."""

    source: Annotated[str | None, text("a built-in table or a path").or_null("none")] = None
    """xor, sine, two_spirals, digits (needs the extra tables), or a path: a .csv, an .npz with x and y, or a folder of
    idx files such as MNIST's. A path is from the working directory."""

    target: Annotated[
        str | int | tuple[str | int, ...] | None, COLUMNS.or_null("the last column; y of an .npz")
    ] = None
    """Of a .csv: the column to predict, by name or position, or a list of several."""

    classes: Annotated[bool | None, choice(bool).or_null("from the data")] = None
    """Whether what is predicted is a class; null: text and integers of an idx or .npz file are."""

    rows: Annotated[int | None, integer(1).or_null("all")] = None
    """Only so many of the training rows, the first ones."""

    test: Annotated[float | int | None, HELD_OUT.or_null("the source's own, if it has one")] = None
    """Rows held out to test on, drawn by seed: a share below 1, or a number. A source with a test set of its own
    (idx, .npz) gives all of that for a share and null, and the first so many for a number."""

    scale: Scale = "none"
    """Inputs: as they are; unit: over the greatest; standard: mean 0, deviation 1; binary: 1 where above 0."""

    test_every: Annotated[int | None, integer(1).or_null("at the end alone")] = 10
    """The test rows are tried after so many updates, and at the end; in an environment, greedy episodes. krylov and
    trpo count each direction that they ask a product for as an update too."""


class Model(Section):
    """The network over a table."""

    hidden: Sizes = (16,)
    """Sizes of the hidden layers; [] is a linear model."""

    activation: ModelActivation = "tanh"
    """The function of the hidden neurons."""

    output: Output = "auto"
    """The function of the outputs; auto: softmax for classes, else linear."""

    loss: Loss = "auto"
    """squared: half the squared difference; cross_entropy: of classes; auto: cross_entropy with softmax, else
    squared."""

    bias: Flag = True
    """Whether layers add a constant."""

    initialization: Start = "glorot"
    """First weights: glorot (uniform, by a layer's size), normal or uniform (of deviation or width model.scale), or
    ott (multiples of 0.1 and 0.01, of document 004)."""

    scale: Positive = 1.0
    """Factor on the first weights."""


class Tasks(Section):
    """How the work of a round is cut, by every method but policy_gradient."""

    parts: Count = 4
    """Orders that one round is cut into, whatever the number of Players: results are the same, bit for bit, for any."""

    remainder: Remainder = "spread"
    """Who takes what does not divide: spread over the first parts, or lead, all to the first (document 001)."""

    lease: Seconds = 300.0
    """An order that has not come back after so long is given to another Player as well; the first result counts."""
