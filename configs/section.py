"""What every section of the schema is made of: the frozen base, and the kinds of values that many keys have."""

# No deferred annotations here: pydantic would compile each text again, 15 ms of every start.
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from touchline.configs.kinds import choice, duration, integer, list_of, number

Count = Annotated[int, integer(1)]
Whole = Annotated[int, integer(0)]
Cost = Annotated[float, number(0)]
Fraction = Annotated[float, number(0, 1)]
Decay = Annotated[float, number(0, below=1)]
Positive = Annotated[float, number(above=0)]
Flag = Annotated[bool, choice(bool)]
Seconds = Annotated[float, duration()]
Sizes = Annotated[tuple[int, ...], list_of(integer(1), "a list of layer sizes, such as [64, 64]")]


class Section(BaseModel):
    """A group of keys: frozen, and with an unknown key refused."""

    # Building the validators takes longer than the import; --help and a plain import never need them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
