"""One request as a whole: have items ranked, have them explained, and answer.

The answer is one document, or a stream of events.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic

import structlog
from fastapi import Response

from catalog.facts import Facts
from models.prism.writer import Written
from ranker.evidence import Contribution
from ranker.service import RankingQuery, Recommendations
from service.explain import Explained, Explainer
from service.http import api
from service.http.errors import Problem, unexpected
from service.http.events import EventStream, event
from service.http.timing import Timing, header
from service.impressions import Impressions, Style
from service.metrics import Metrics
from service.ranker_client.fallback import Fallback

log = structlog.get_logger()
_LEAST_RANK_S, _RANK_SHARE = 0.25, 0.75
"""Time for the ranking even where the deadline is shorter, as without items there is no answer; and
its share of a longer one, so that there is time for what stands in."""
_DEGRADED = {"deadline", "shed", "unavailable"}

EVENTS: dict[str, type] = {
    "items": api.RecommendResponse,
    "explanation": api.StreamedExplanation,
    "done": api.StreamEnd,
    "error": Problem,
}
"""What the events of a stream are called, and what their data are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request for recommendations asks for.

    Attributes
    ----------
    deadline : when the answer is to be there, monotonic seconds
    scores : others' scores of their candidates
    """

    query: RankingQuery
    deadline: float
    style: Style
    facts: bool = False
    scores: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What was asked for, and how it was ranked."""

    asked: Asked
    answer: Recommendations
    is_fallback: bool

    @property
    def facts(self) -> list[Facts]:
        return [row.facts for row in self.answer.items]

    def shown(self, explained: Sequence[Explained | None]) -> list[tuple[str, Written | None]]:
        """Return the items with their texts."""
        return [
            (row.facts.item.id, None if one is None else one.written)
            for row, one in zip(self.answer.items, explained, strict=True)
        ]

    def response(
        self, model: str, explained: Sequence[Explained | None], impression_id: str
    ) -> api.RecommendResponse:
        """Return the answer with these explanations."""
        items = [
            api.RecommendedItem(
                rank=place + 1,
                item_id=row.facts.item.id,
                title=row.facts.item.title,
                score=row.score,
                their_score=self.asked.scores.get(row.facts.item.id),
                explanation=None if one is None else self.explanation(place, one),
                facts=row.facts if self.asked.facts else None,
            )
            for place, (row, one) in enumerate(zip(self.answer.items, explained, strict=True))
        ]
        query = self.asked.query
        wanted = query.k
        if query.candidates:
            wanted = min(wanted, len(set(query.candidates) - query.excluded))
        return api.RecommendResponse(
            user_id=query.user_id,
            ranker=api.RankerInfo(name=self.answer.ranker, version=self.answer.version),
            model=model,
            degraded=self.degraded(explained),
            missing=wanted - len(items) if self.is_fallback else 0,
            impression_id=impression_id,
            ignored=list(self.answer.ignored),
            items=items,
        )

    def explanation(self, place: int, one: Explained) -> api.Explanation:
        """Return the explanation of the item at a place."""
        row = self.answer.items[place]
        return _explanation(one, row.facts, row.contributions)

    def degraded(self, explained: Sequence[Explained | None]) -> list[api.Part]:
        """Return the parts that could not do their work."""
        ranker: list[api.Part] = ["ranker"] if self.is_fallback else []
        return ranker + _degraded(explained)


class Answers:
    """What the routes share: asking the ranking service, explaining, answering."""

    def __init__(
        self, fallback: Fallback, explainer: Explainer, impressions: Impressions, metrics: Metrics
    ) -> None:
        self._fallback, self._explainer = fallback, explainer
        self._impressions, self._metrics = impressions, metrics

    async def recommend(self, asked: Asked) -> Response:
        """Rank, explain and answer."""
        timing = Timing(self._metrics)
        ranked = await self._rank(asked, timing)
        model = self._explainer.model
        explained: Sequence[Explained | None] = [None] * len(ranked.facts)
        if asked.style != "none":
            done = await self._explainer.explain(ranked.facts, asked.deadline, asked.style)
            model, explained = done.model, done.items
            timing.lap("explain")
        impression_id = self._shown(asked.style, ranked.shown(explained))
        return _json(ranked.response(model, explained, impression_id), timing)

    async def stream(self, asked: Asked) -> EventStream:
        """Rank, and answer with the items, then with each explanation when it is ready."""
        timing = Timing(self._metrics)
        ranked = await self._rank(asked, timing)  # what is wrong is said before a stream begins
        return EventStream(self._events(ranked, timing), asked.deadline, self._metrics)

    async def _events(self, ranked: _Ranked, timing: Timing) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(self._parts(ranked, timing)) as parts:
                async for part in parts:
                    yield part
        except Exception:
            log.exception("stream failed")
            yield event("error", unexpected().problem.model_dump_json().encode())

    async def _parts(self, ranked: _Ranked, timing: Timing) -> AsyncGenerator[bytes, None]:
        explained: list[Explained | None] = [None] * len(ranked.facts)
        model, style = self._explainer.model, ranked.asked.style
        ready = None
        if style != "none":
            explaining = self._explainer.begin(ranked.facts, ranked.asked.deadline, style)
            model, ready = explaining.model, explaining.ready
        impression_id = self._impressions.seal(style, ranked.shown(explained))
        items = event("items", api.encoded(ranked.response(model, explained, impression_id)))
        timing.lap("encode")
        yield items
        if ready is not None:
            async with aclosing(ready):
                async for group in ready:
                    timing.lap("explain")
                    events = b""
                    for place, one in group:
                        explained[place] = one
                        events += event("explanation", api.encoded(_streamed(ranked, place, one)))
                    timing.lap("encode")
                    yield events
            timing.lap("explain")
        end = api.StreamEnd(
            degraded=ranked.degraded(explained),
            model=model,
            impression_id=self._shown(style, ranked.shown(explained)),
            timings_ms=timing.end(),
        )
        yield event("done", api.encoded(end))

    async def explain(self, facts: Sequence[Facts], deadline: float) -> Response:
        """Explain and answer by the deadline, monotonic seconds."""
        timing = Timing(self._metrics)
        explained = await self._explainer.explain(facts, deadline)
        timing.lap("explain")
        response = api.ExplainResponse(
            model=explained.model,
            degraded=_degraded(explained.items),
            impression_id=self._shown(
                "prism",
                [(f.item.id, one.written) for f, one in zip(facts, explained.items, strict=True)],
            ),
            explanations=[
                _explanation(one, f, ()) for one, f in zip(explained.items, facts, strict=True)
            ],
        )
        return _json(response, timing)

    def _shown(self, style: Style, shown: Sequence[tuple[str, Written | None]]) -> str:
        """Count what is shown, and return the id of it."""
        kinds = Counter(
            ("none", None) if text is None else (text.source, text.reason) for _, text in shown
        )
        for (source, reason), number in kinds.items():
            self._metrics.shown(source, style, reason, number)
        return self._impressions.seal(style, shown)

    async def _rank(self, asked: Asked, timing: Timing) -> _Ranked:
        left = max(_LEAST_RANK_S, _RANK_SHARE * (asked.deadline - monotonic()))
        answer, is_fallback = await self._fallback.rank(asked.query, left)
        timing.lap("rank")
        return _Ranked(asked, answer, is_fallback)


def _json(body: api.Response, timing: Timing) -> Response:
    """Return the body as JSON, with the stages in a header."""
    content = api.encoded(body)
    timing.lap("encode")
    return Response(content, media_type="application/json", headers=header(timing.end()))


def _streamed(ranked: _Ranked, place: int, one: Explained) -> api.StreamedExplanation:
    return api.StreamedExplanation(
        rank=place + 1,
        item_id=ranked.answer.items[place].facts.item.id,
        explanation=ranked.explanation(place, one),
    )


def _explanation(
    one: Explained, facts: Facts, contributions: Sequence[Contribution]
) -> api.Explanation:
    shares = {c.item_id: c for c in contributions}
    evidence = [
        api.EvidenceInfo(
            item_id=entry.id,
            title=entry.title,
            value=known.value if (known := shares.get(entry.id)) else None,
            contribution=known.share if known else None,
        )
        for entry in facts.evidence
    ]
    return api.Explanation(
        id=one.id,
        text=one.written.text,
        source=one.written.source,
        cached=one.cached,
        reason=one.written.reason,
        claims=one.written.claims,
        evidence=evidence,
    )


def _degraded(explained: Sequence[Explained | None]) -> list[api.Part]:
    reasons = {one.written.reason for one in explained if one is not None}
    return ["worker"] if reasons & _DEGRADED else []
