"""What Prism is asked and answers: plain dicts. Later versions add fields, and rename none."""

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict

Style = Literal["prism", "grounded", "none"]
Order = Literal["ours", "theirs"]
Policy = Literal["strict", "factual"]
Kind = Literal["helpful", "not_helpful", "clicked", "dismissed"]


class Touch(TypedDict):
    """An entry of a history, as it is sent; a value of None takes away what was known."""

    item_id: str
    value: NotRequired[float | None]
    timestamp: NotRequired[int]


class Candidate(TypedDict):
    """An item of somebody else's, as it is sent."""

    item_id: str
    score: NotRequired[float | None]


class Asked(TypedDict, total=False):
    """What recommendations may be asked for beside a known user; the service has the defaults.

    Attributes
    ----------
    history : of somebody whom the service does not know; of a known user, what happened since
    candidates : recommend of these items only, ids or with scores of your own
    order : of candidates: theirs, as they are given, or ours, the best first
    k : number of items
    exclude : items to leave out
    deadline_ms : milliseconds for the whole answer
    style : who writes the explanations, or none
    facts : bring of each item the Facts against which `check` holds any text
    """

    history: Sequence[Touch]
    candidates: Sequence[str | Candidate]
    order: Order
    k: int
    exclude: Sequence[str]
    deadline_ms: int
    style: Style
    facts: bool


class Claim(TypedDict):
    """A statement of a text: `text[start:end]`, in code points."""

    start: int
    end: int
    type: str
    item_id: str | None


class Evidence(TypedDict):
    """An entry of the user's history that an explanation rests on."""

    item_id: str
    title: str
    value: float | None
    contribution: float | None


class Explanation(TypedDict):
    """Why an item is recommended."""

    id: str
    text: str
    source: Literal["prism", "grounded"]
    cached: bool
    reason: str | None
    claims: list[Claim]
    evidence: list[Evidence]


class RecommendedItem(TypedDict):
    """One recommendation."""

    rank: int
    item_id: str
    title: str
    score: float
    their_score: NotRequired[float]
    explanation: Explanation | None
    facts: NotRequired[dict[str, Any]]


class Ranker(TypedDict):
    """Which ranker answered."""

    name: str
    version: str


class Recommendations(TypedDict):
    """The answer to `recommend`."""

    user_id: str | None
    ranker: Ranker
    model: str
    degraded: list[str]
    missing: int
    ignored: list[str]
    impression_id: str
    items: list[RecommendedItem]


class Explanations(TypedDict):
    """The answer to `explain`."""

    model: str
    degraded: list[str]
    impression_id: str
    explanations: list[Explanation]


class CheckedClaim(Claim):
    """A statement of a text, and where it stands."""

    outcome: Literal["supported", "contradicted", "unverifiable"]
    why: str


class Verdict(TypedDict):
    """The answer to `check`."""

    outcome: Literal["supported", "contradicted", "unverifiable"]
    passed: bool
    policy: str
    claims: list[CheckedClaim]


class ItemsEvent(TypedDict):
    """The first event of a stream: the answer, with no explanation yet."""

    event: Literal["items"]
    data: Recommendations


class StreamedExplanation(TypedDict):
    """The explanation of one item."""

    rank: int
    item_id: str
    explanation: Explanation


class ExplanationEvent(TypedDict):
    """One for each item, in the order in which they are ready."""

    event: Literal["explanation"]
    data: StreamedExplanation


class StreamEnd(TypedDict):
    """How it went as a whole; its impression_id takes the place of that of the items."""

    degraded: list[str]
    model: str
    impression_id: str
    timings_ms: dict[str, float]


class DoneEvent(TypedDict):
    """The last event of a stream."""

    event: Literal["done"]
    data: StreamEnd


Event = ItemsEvent | ExplanationEvent | DoneEvent
Json = dict[str, Any]
