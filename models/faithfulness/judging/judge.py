"""Statements held against the Facts, sentence by sentence."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from catalog.facts import Facts
from models.faithfulness.claims import Claim, ClaimType, Outcome
from models.faithfulness.judging.context import Context
from models.faithfulness.judging.kinds import KINDS
from models.faithfulness.reading.statements import Reading, Statement, Things
from models.faithfulness.reading.symbols import Title, Token
from models.faithfulness.reading.tokens import Sentence


class Judge(Context):
    """Judges the statements of one text, and keeps the claims."""

    def __init__(self, facts: Facts, sentences: Sequence[Sentence]) -> None:
        super().__init__(facts, sentences)
        self.sentences = sentences
        self.claims: list[Claim] = []

    def sentence(self, sentence: Sentence, readings: Sequence[tuple[list[Token], Reading]]) -> None:
        """Judge what a sentence states: it is so if it is in every reading, each of its tokens."""
        self.tokens = sentence.tokens
        titles = [title for token in self.tokens for title in token.titles]
        self.here = [self.called(title) for title in titles]
        for title, mention in zip(titles, self.here, strict=True):
            self._title(title, mention)
        for token in self.tokens:
            if len(token.titles) > 1:
                self._list(token)
        before, told, strengths = self.claims, self.is_told, self.strengths
        judged: list[tuple[list[Claim], bool, Reading]] = []
        for tokens, reading in readings:
            self.claims, self.is_told, self.tokens = [], told, tokens
            self.strengths = dict(strengths)
            self._reading(reading)
            judged.append((self.claims, self.is_told, reading))
        self.claims, self.is_told = before, told
        self.last_likes = False
        if judged:
            self._take(judged)
        self.before += self.here
        goes_on = self.tokens[0].symbol == "it"  # with what was at hand before
        self.last = [*(self.last if goes_on else []), *self.here] or self.last

    def _reading(self, reading: Reading) -> None:
        self.liked = {n for s in reading if s.type == "liking" for n in s.about.titles}
        self.offered = {
            n for s in reading if s.type == "role" and not s.how for n in s.about.titles
        }
        if any(len(mention) > 1 for mention in self.here):
            self.here = self.mentions(Things(tuple(range(len(self.tokens)))))
        for statement in reading:
            outcome, why = KINDS[statement.type](self, statement)
            self._claim(statement, outcome, why)

    def _take(self, judged: list[tuple[list[Claim], bool, Reading]]) -> None:
        """Take the claims of the worst reading; what is false only in some is no contradiction."""
        rank = {"supported": 0, "unverifiable": 1, "contradicted": 2}
        worst = [max((rank[c.outcome] for c in claims), default=0) for claims, _, _ in judged]
        claims, _, reading = judged[worst.index(max(worst))]
        if min(worst) < rank["contradicted"]:
            claims = [
                replace(c, outcome="unverifiable") if c.outcome == "contradicted" else c
                for c in claims
            ]
        self.claims += claims
        self.is_told = all(told for _, told, _ in judged)
        types = {s.type for s in reading}
        self.last_likes = "liking" in types and "role" not in types

    # ------------------------------------------------------------------ claims

    def add(
        self, start: int, end: int, type_: ClaimType, outcome: Outcome | bool,
        entity: int | None = None, why: str = "",
    ) -> None:  # fmt: skip
        """Add a claim over `text[start:end]`."""
        if isinstance(outcome, bool):
            outcome = "supported" if outcome else "contradicted"
        item_id = None if entity is None else self.entities[entity].id
        self.claims.append(Claim(start, end, type_, outcome, item_id, why))

    def _claim(self, statement: Statement, outcome: Outcome | bool, why: str) -> None:
        if not why and not isinstance(outcome, str) and statement.type in {"count", "role"}:
            return  # a count or a role that is right is no news
        first, last = statement.first, max(statement.first, statement.last)
        meant = self.resolve(statement.about)
        entity = min(meant[0]) if len(meant) == 1 and meant[0] else None
        start, end = self.tokens[first].start, self.tokens[last].end
        self.add(start, end, statement.type, outcome, entity, why)

    def _title(self, title: Title, mention: set[int]) -> None:
        """Every quoted title is, to the letter, a title of the Facts; and so is its year."""
        one = next(iter(mention)) if len(mention) == 1 else None
        why = "" if mention else "no title of the Facts"
        self.add(title.start, title.end, "title", bool(mention), one, why)
        if title.year is not None and mention:
            true = any(self.entities[n].year == title.year for n in mention)
            after = title.end + 2
            why = "" if true else f"not the year of “{title.text}”"
            self.add(after, after + len(str(title.year)), "year", true, one, why)

    def _list(self, token: Token) -> None:
        """A list has a title only as often as there are things of this title."""
        for text, times in Counter(title.text for title in token.titles).items():
            if times > max(1, sum(entity.title == text for entity in self.entities)):
                why = "a title twice in one list"
                self.add(token.start, token.end, "count", outcome=False, why=why)
