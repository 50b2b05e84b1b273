"""The Oracle protocol: anything that writes texts for Facts, each handed over once it is there.

    for request, outcome in oracle.write(requests, stop):
        # Request(facts=…, sample=0), Answer("You loved “Ronin”, so …", tokens=Tokens(212, 31))
        # Request(facts=…, sample=1), Failure("the server gave no answer in 60 s")

Requests are taken only as they are needed, and each outcome is handed over at once, in any order.
So a killed process loses what is in flight and nothing else.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Protocol, TypeVar

from catalog.facts import Facts

if TYPE_CHECKING:
    from models.oracle.budget import Budget


class OracleError(ValueError):
    """An Oracle that cannot be used, and why: whatever was asked of it would fail."""


class BudgetSpentError(OracleError):
    """The next request might cost more than is left; all that was begun is finished."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat: `role` is system, user or assistant."""

    role: str
    content: str


Prompt = tuple[Message, ...]


def prompt_hash(prompt: Prompt) -> str:
    """Return the SHA-256 of a prompt as 64 hexadecimal digits."""
    turns = json.dumps([[turn.role, turn.content] for turn in prompt])
    return hashlib.sha256(turns.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """One text that is asked for: the `sample`-th for these Facts, from 0."""

    facts: Facts
    sample: int = 0


Asked = TypeVar("Asked", bound=Request)


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many were read and written."""

    prompt: int = 0
    text: int = 0

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.prompt + other.prompt, self.text + other.text)

    def __sub__(self, other: "Tokens") -> "Tokens":
        return Tokens(self.prompt - other.prompt, self.text - other.text)


@dataclass(frozen=True, slots=True)
class Answer:
    """A text as the Oracle wrote it, but for space around it.

    `finish` is "stop" where the Oracle ended it, "length" where it was cut, or what a server says.
    `lost` are tokens of attempts before this one that came to nothing, at their most.
    """

    text: str
    finish: str = "stop"
    tokens: Tokens = field(default_factory=Tokens)
    lost: Tokens = field(default_factory=Tokens)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no text; a later run asks again."""

    error: str
    lost: Tokens = field(default_factory=Tokens)


Outcome = Answer | Failure


class Oracle(Protocol):
    """Writes texts to distil from, true or not: that is for the check to say.

    Making one is cheap: what is heavy is loaded when it first writes. One that has not written yet
    can be pickled, to write on another machine.
    """

    @property
    def name(self) -> str:
        """Its kind: hf, openai, stored, grounded."""
        ...

    @property
    def model(self) -> str:
        """Which model writes."""
        ...

    @property
    def parameters(self) -> Mapping[str, object]:
        """All besides model and prompt that decides what it writes, as JSON can hold it."""
        ...

    @property
    def budget(self) -> "Budget | None":
        """What it may use; None where it costs nothing."""
        ...

    def prompts(self, facts: Facts) -> Iterable[Prompt]:
        """Return the whole prompt, then ever shorter ones for where it is too long.

        None at all where the Oracle needs none.
        """
        ...

    def write(self, requests: Iterable[Asked], stop: Event) -> Iterator[tuple[Asked, Outcome]]:
        """Yield the outcome of each request as soon as it is there, in any order.

        Requests are handed back as they were taken. Once `stop` is set, nothing more is begun, and
        what is in flight is finished. A request without an outcome is asked again by a later run.
        Raises OracleError.
        """
        ...
