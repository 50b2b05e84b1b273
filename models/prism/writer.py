"""Facts in, checked text out: what every worker does with a batch, whatever its engine."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Literal

from pydantic import TypeAdapter

from catalog.facts import Facts
from models.faithfulness import Claim, ClaimType, Policy, Verdict, check, version_of, warm
from models.language.grounded import GRAMMAR_VERSION, GroundedEngine, explain
from models.prism.engines.protocol import Engine
from models.prism.forms.protocol import PROMPT_VERSION

DECODING_VERSION = "1"
"""Raised whenever an engine may write another text for a prompt."""
_VERSIONS = f"{PROMPT_VERSION} {DECODING_VERSION} {GRAMMAR_VERSION}"
Source = Literal["prism", "grounded"]
Reason = Literal["deadline", "rejected", "shed", "unavailable"]


@dataclass(frozen=True, slots=True)
class TextClaim:
    """A supported statement of a text: `text[start:end]`, in code points."""

    start: int
    end: int
    type: ClaimType
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A checked text, who wrote it, and why it is a grounded one where a Prism's was wanted.

    A bare title, which claims nothing, stands for the text where everything failed the check.
    """

    text: str
    source: Source
    reason: Reason | None = None
    claims: tuple[TextClaim, ...] = ()

    def to_json(self) -> str:
        """Return the text as it is kept and sent."""
        return _JSON.dump_json(self).decode()

    @staticmethod
    def from_json(told: str) -> "Written":
        """Return what was kept or sent. Raises ValidationError."""
        return _JSON.validate_json(told)


_JSON = TypeAdapter(Written)


class Writer:
    """An engine and the check behind it.

    `on_rejected` is told of every claim for which an engine's text was rejected; `on_stage` of
    the seconds that a batch spent in "generate" and "check".
    """

    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        on_rejected: Callable[[Claim], None] = lambda claim: None,
        on_stage: Callable[[str, float], None] = lambda stage, seconds: None,
    ) -> None:
        self.engine, self.policy = engine, policy
        self._on_rejected, self._on_stage = on_rejected, on_stage
        warm()

    @property
    def model(self) -> str:
        """What answers name as their model: engine and version."""
        return f"{self.engine.name}@{self.engine.version}"

    @cached_property
    def fingerprint(self) -> bytes:
        """Changes whenever equal Facts may get another text: part of every cache key."""
        told = f"{self.model} {self.policy} {_VERSIONS} {version_of(self.policy)}"
        return hashlib.sha256(told.encode()).digest()

    def write(self, batch: Sequence[Facts]) -> list[Written]:
        """Return a faithful text for each of the Facts.

        What fails the check is replaced by a grounded text. The engine's errors pass through.
        """
        started = perf_counter()
        texts = self.engine.write(batch)
        generated = perf_counter()
        pairs = zip(texts, batch, strict=True)
        written = [self._checked(text, facts) for text, facts in pairs]
        self._on_stage("generate", generated - started)
        self._on_stage("check", perf_counter() - generated)
        return written

    def _checked(self, text: str, facts: Facts) -> Written:
        verdict = check(text, facts, self.policy)
        if verdict.passed:
            grounded = isinstance(self.engine, GroundedEngine)
            return _written(text, verdict, "grounded" if grounded else "prism")
        for claim in verdict.failures():
            self._on_rejected(claim)
        return grounded_text(facts, "rejected")


def grounded_text(facts: Facts, reason: Reason | None) -> Written:
    """Return a text of the grammar: for one that is missing or false, or because it is wanted."""
    # A bug in the grammar must not break the guarantee: the last says nothing that could be false.
    for text in (explain(facts), f"We suggest “{facts.item.title}”."):
        verdict = check(text, facts)
        if verdict.passed:
            return _written(text, verdict, "grounded", reason)
    return Written(text=f"“{facts.item.title}”", source="grounded", reason=reason)


def checked_again(written: Written, facts: Facts, policy: Policy) -> Written | None:
    """Return a text that comes from elsewhere with its claims found anew, None if it fails."""
    verdict = check(written.text, facts, policy)
    return (
        _written(written.text, verdict, written.source, written.reason) if verdict.passed else None
    )


def _written(text: str, verdict: Verdict, source: Source, reason: Reason | None = None) -> Written:
    claims = [
        TextClaim(start=c.start, end=c.end, type=c.type, item_id=c.item_id)
        for c in verdict.claims
        if c.outcome == "supported"
    ]
    return Written(text=text, source=source, reason=reason, claims=tuple(claims))
