"""The sections of the schema that say how long a run goes on, what it keeps and shows, and how its sides are linked."""

# No deferred annotations here: pydantic would compile each text again, 15 ms of every start.
from typing import Annotated, Literal

from touchline.configs.addresses import ADDRESS, LOCAL
from touchline.configs.kinds import choice, duration, integer, nothing, number
from touchline.configs.section import Count, Flag, Seconds, Section


class Stop(Section):
    """When the run ends; whichever comes first."""

    mean_return: Annotated[
        float | Literal["threshold"] | None, number().or_word("threshold").or_null("never for a return")
    ] = "threshold"
    """Solved at this mean return; threshold: the environment's own, if it has one; null: never for a
    return."""

    over_episodes: Count = 100
    """Episodes the mean return is taken over, the latest ones."""

    steps: Annotated[int | None, integer(1).or_null("no limit")] = 2_000_000
    """Stop after so many steps trained, of an environment; null: no limit, as with a table."""

    evaluations: Annotated[int | None, integer(1).or_null("no limit")] = None
    """Stop after so many row evaluations of a table: 1 a row forward, 3 with its gradient, 4 for a curvature
    product; null: no limit."""

    rounds: Annotated[int | None, integer(1).or_null("no limit")] = None
    """Stop after so many rounds of any method but policy_gradient; null: no limit. 10,000, unless set, with a
    table. Each is one exchange of orders: krylov and trpo count each product and each trial of a step, averaging two
    a merge."""

    error: Annotated[float | None, number(0).or_null("never for an error")] = None
    """Solved when the mean error of a table's training rows is at most this; null: never for an error."""

    minutes: Annotated[float | None, number(above=0).or_null("no limit")] = None
    """Stop after so many minutes; null: no limit."""


class Eval(Section):
    """Greedy episodes during training, apart from what is learnt from."""

    every: Annotated[float | None, duration().or_null("never")] = None
    """Time between evaluations during training, each by one Player while the others go on; the best checkpoint is
    then the one that evaluated best. null: never (touchline eval does it afterwards)."""

    episodes: Count = 20
    """Episodes of one evaluation."""


class Save(Section):
    """Checkpoints."""

    every: Seconds = 30.0
    """Time between checkpoints; one is always written at the end."""

    keep: Count = 3
    """Latest checkpoints kept on disk, beside the first and the best."""


class Log(Section):
    """What is shown while training."""

    live: Annotated[bool | Literal["auto"], choice(bool).or_word("auto")] = "auto"
    """The live view: auto (on a terminal), true, or false (plain lines)."""

    tensorboard: Flag = False
    """Also write TensorBoard events into the run directory."""


class Net(Section):
    """The link between Trainer and Players."""

    bind: Annotated[str, ADDRESS] = LOCAL
    """Where the Trainer listens: local (a socket that only this user can open) or a loopback address."""

    port: Annotated[int | Literal["auto"], integer(1, 65535).or_word("auto")] = "auto"
    """Port on a loopback address; auto: a free one."""

    keys: Annotated[None, nothing("null (this version does not have keys)")] = None
    """Reserved for the keys that listening beyond this machine needs."""

    reconnect: Seconds = 60.0
    """How long a Player waits for a Trainer that it cannot reach before it gives up."""

    dead: Seconds = 10.0
    """Silence after which the other side is taken for gone."""

    heartbeat: Seconds = 0.5
    """Time between a Player's signs of life."""
