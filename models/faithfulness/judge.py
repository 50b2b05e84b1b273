"""Statements held against the Facts: one small function for each kind of claim.

A reference that is not plain ("both", "it" after a liking) must hold for everything it may mean.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from catalog.facts import Facts
from catalog.types import Item
from models.english import decade
from models.faithfulness.attributes import BY_PREPOSITION, MADE, UNITS
from models.faithfulness.claims import Claim, ClaimType, Outcome
from models.faithfulness.reading import Reading, Statement, Things
from models.faithfulness.tokens import Sentence, Title, Token, category_forms, has_category
from models.titles import same_series, series

_NO_CAUSE = "these Facts give no cause"
Judged = tuple[Outcome | bool, str]
"""An outcome, or whether it is so; and why not."""


@dataclass
class Judge:
    """Judges the statements of one text, sentence by sentence.

    Entity 0 is the item, 1 to 3 the evidence. A mention is the set of entities that a title may
    name: two may have one title.
    """

    text: str
    facts: Facts
    sentences: list[Sentence]
    claims: list[Claim] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.entities: list[Item] = [self.facts.item, *self.facts.evidence]
        self._causal = self.facts.evidence_kind in {"contribution", "similar"}
        self._before: list[set[int]] = []  # mentions of the sentences before this
        self.last: list[set[int]] = []  # those of the last that had any
        self._last_likes = False  # whether the sentence before says what was liked, and no more
        titles = (t for one in self.sentences for token in one.tokens for t in token.titles)
        self.named = set[int]().union(*map(self.called, titles))
        self.is_told = False  # whether anything was said of the item

    def sentence(self, sentence: Sentence, readings: Sequence[Reading]) -> None:
        """Judge what a sentence states: it is so if it is in every reading."""
        self._tokens = sentence.tokens
        titles = [title for token in self._tokens for title in token.titles]
        self._here = [self.called(title) for title in titles]
        for title, mention in zip(titles, self._here, strict=True):
            self._title(title, mention)
        for token in self._tokens:
            if len(token.titles) > 1:
                self._list(token)
        before, told = self.claims, self.is_told
        judged: list[tuple[list[Claim], bool, Reading]] = []
        for reading in readings:
            self.claims, self.is_told = [], told
            self._reading(reading)
            judged.append((self.claims, self.is_told, reading))
        self.claims, self.is_told = before, told
        if judged:
            self._take(judged)
        self._before += self._here
        self.last = self._here or self.last

    def _reading(self, reading: Reading) -> None:
        self._liked = {n for s in reading if s.type == "liking" for n in s.about.titles}
        for statement in reading:
            outcome, why = _JUDGES[statement.type](self, statement)
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
        self._last_likes = "liking" in types and "role" not in types

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
        start, end = self._tokens[first].start, self._tokens[last].end
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

    # ------------------------------------------------------------------ who is meant

    def called(self, title: Title) -> set[int]:
        """Return the entities that a title may name."""
        found = {n for n, entity in enumerate(self.entities) if entity.title == title.text}
        if len(found) > 1 and title.year is not None:
            found = {n for n in found if self.entities[n].year == title.year} or found
        return found

    def mentions(self, things: Things) -> list[set[int]]:
        """Return the mentions that titles are."""
        titles = (title for n in things.titles for title in self._tokens[n].titles)
        return [self.called(title) for title in titles]

    def resolve(self, things: Things) -> list[set[int]]:
        """Return all mentions that the things may be."""
        found = self.mentions(things)
        if things.word == "it":
            found += self._it(things.place)
        elif things.word == "these" and things.count not in self._sizes(found):
            before = tuple(range(max(things.titles, default=0) + 1))
            liked = self.mentions(Things(tuple(n for n in before if n in self._liked)))
            found = liked if things.count in self._sizes(liked) else self.mentions(Things(before))
        elif things.word == "all":
            found += [*self._before, *self._here]
        elif things.word == "others":
            here = [m for m in self._here if m not in found]
            found += here if len(_distinct(here)) > 1 else [*self._before, *self._here]
        elif things.word == "evidence":
            found += [m for m in self._here if 0 not in m] or [
                m for m in self._before if 0 not in m
            ]
        return found

    def _sizes(self, mentions: list[set[int]]) -> set[int]:
        """Return how many things these may be: two of one title may be two things."""
        different = _distinct(mentions)
        most = sum(min(mentions.count(mention), len(mention)) for mention in different)
        return {len(different), most}

    def _it(self, place: int) -> list[set[int]]:
        """Return what "it" may be: the item, and what was liked where the item is not near."""
        near = self.mentions(Things(tuple(range(place)))) or self.last
        if not any(0 in mention for mention in [*self._before, *self._here]):
            return _distinct([{0}, *near]) if near else [{0}]
        return [{0}] if any(0 in mention for mention in near) else _distinct([{0}, *near])

    def every(self, things: Things, has: Callable[[Item], bool | None]) -> Judged:
        """Judge what is said of all the things; `has` returns None where the Facts do not say.

        Where it is not plain who is meant, it is contradicted only if it is so of nobody.
        """
        meant = self.resolve(things)
        if not meant:
            return "unverifiable", "it does not say of what"
        found = [_any(has(self.entities[n]) for n in mention) for mention in meant]
        if all(found):
            return True, ""
        wrong = next(m for m, so in zip(meant, found, strict=True) if not so)
        why = f"not so of “{self.entities[min(wrong, default=0)].title}”"
        false = [so is False for so in found]
        contradicted = all(false) if things.word in {"it", "all"} else any(false)
        return ("contradicted" if contradicted else "unverifiable"), why

    def any_evidence(self, has: Callable[[Item], bool]) -> bool:
        """Say whether something is so of evidence that the text names."""
        return any(has(self.entities[n]) for n in self.named - {0})

    # ------------------------------------------------------------------ kinds of claims

    def liking(self, statement: Statement) -> Judged:
        """What you loved or liked is evidence, and as strongly as it says."""
        meant = self.resolve(statement.about)
        for mention in meant:
            entries = [self.facts.evidence[n - 1] for n in mention if n]
            strong = statement.how == "loved"
            if not any(entry.liking == "loved" or not strong for entry in entries):
                return False, "not so in the history"
        return (True, "") if meant else ("unverifiable", "it does not say what is liked")

    def recency(self, statement: Statement) -> Judged:
        """Only the latest likings are recent."""
        if self.facts.evidence_kind == "recent":
            return True, ""
        return "unverifiable", "when it was liked is not known"

    def relation(self, statement: Statement) -> Judged:
        """Only evidence that carried or resembles the item may be its cause."""
        if statement.how == "that" and not self._last_likes:
            return "unverifiable", "it is not plain what this is"
        return self._causal, "" if self._causal else _NO_CAUSE

    def role(self, statement: Statement) -> Judged:
        """What is offered is the item, and nothing else."""
        meant = self.resolve(statement.about)
        if statement.how == "beside":  # compared with the item: what was liked
            return all(mention - {0} for mention in meant), "the item is no liking"
        self.is_told |= any(0 in mention for mention in meant)
        if all(0 in mention for mention in meant):
            return True, ""
        plain = statement.about.word != "it"
        return ("contradicted" if plain else "unverifiable"), "this is not what is recommended"

    def category(self, statement: Statement) -> Judged:
        """Every category holds for what it is said of."""
        forms = self._tokens[statement.values[0]].parts
        if len({_meant(form, self.entities) for form in forms}) < len(forms):
            return False, "the same detail twice"
        return self._told(
            statement,
            lambda item: (
                all(has_category(item, form) for form in forms) if item.categories else None
            ),
        )

    def year(self, statement: Statement) -> Judged:
        """A year holds for what it is said of."""
        if statement.beside is not None:
            return self._same_date(statement)
        year = self._tokens[statement.values[0]].text
        return self._told(statement, lambda item: str(item.year) == year if item.year else None)

    def decade(self, statement: Statement) -> Judged:
        """So does a decade."""
        told = int(self._tokens[statement.values[0]].text[:-1])
        return self._told(statement, lambda item: decade(item.year) == told if item.year else None)

    def popularity(self, statement: Statement) -> Judged:
        """Only of the item is it known how many like it."""
        tier = self.facts.popularity
        meant = self.resolve(statement.about)
        self.is_told |= any(0 in mention for mention in meant)
        if not meant or not all(0 in mention for mention in meant):
            return "unverifiable", "only of the item is it known"
        return tier == "favourite" or (tier is not None and statement.how == "well_liked"), ""

    def attribute(self, statement: Statement) -> Judged:
        """A value holds for what it is said of, under the name or in the role it is told in."""
        tokens = [self._tokens[n] for n in statement.values]
        if statement.how == "same":
            return self._same(statement, tokens[0].text if tokens else "")
        if statement.how == "its":
            key, value = tokens[0].text, tokens[1].text
            return self._told(
                statement,
                lambda item: str(item.attributes[key]) == value if key in item.attributes else None,
            )
        keys = _keys(statement.how, [token.text for token in tokens[1:]])
        value = tokens[0].text
        return self._told(
            statement,
            lambda item: _any(
                str(known) == value
                for key, known in item.attributes.items()
                if keys is None or key in keys
            ),
        )

    def _same(self, statement: Statement, key: str) -> Judged:
        assert statement.beside is not None
        beside = self.resolve(statement.beside)
        found = [
            any(_share(self.entities[n], self.entities[m], key) for n in one for m in other)
            for one in self.resolve(statement.about)
            for other in beside
            if one != other
        ]
        if not found:
            return "unverifiable", "it does not say the same as what"
        self.is_told = True
        if all(found):
            return True, ""
        plain = statement.beside.titles or not any(found)
        return ("contradicted" if plain else "unverifiable"), f"not the same {key or 'maker'}"

    def _same_date(self, statement: Statement) -> Judged:
        """Of one year or decade with all that is named beside it."""
        meant = [*self.resolve(statement.about), *self.resolve(statement.beside or Things())]
        years = {self.entities[n].year for mention in meant for n in mention}
        if None in years or len(_distinct(meant)) < 2:
            return "unverifiable", "not every year is known"
        dates = {decade(y or 0) if statement.how == "decade" else y for y in years}
        return len(dates) == 1, "" if len(dates) == 1 else f"not of one {statement.how}"

    def series(self, statement: Statement) -> Judged:
        """Titles and years show that things are of one series."""
        assert statement.beside is not None
        others = self.resolve(statement.beside)
        true = all(
            any(same_series(self.entities[n], self.entities[m]) for n in one for m in other)
            for one in self.resolve(statement.about)
            for other in others
        )
        if statement.how == "sequel" and true:
            years = [self.entities[n].year or 0 for m in others for n in m]
            about = [self.entities[n].year or 0 for m in self.resolve(statement.about) for n in m]
            true = min(about, default=0) > max(years, default=3000)
        self.is_told = True
        if true and others:
            return True, ""
        stems = {series(self.entities[n].title)[0] for m in others for n in m}
        named = {
            series(self.entities[n].title)[0] for m in self.resolve(statement.about) for n in m
        }
        told: Outcome = "contradicted" if len(stems | named) > 1 else "unverifiable"
        return told, "titles and years do not show one series"

    def count(self, statement: Statement) -> Judged:
        """So many there are; and no detail is told twice."""
        if statement.how == "twice":
            return False, "its year twice"
        if statement.how in {"another", "distinct"}:
            told = [part for n in statement.values for part in self._tokens[n].parts]
            if len({_meant(form, self.entities) for form in told}) < len(told):
                return False, "the same detail twice"
            if statement.how == "another":
                shared = self.any_evidence(
                    lambda item: all(has_category(item, form) for form in told)
                )
                return shared, "" if shared else "there is no other"
            return True, ""
        meant = self.resolve(statement.about)
        true = statement.about.count in self._sizes(meant)
        return true, "" if true else f"there are {len(_distinct(meant))}"

    def _told(self, statement: Statement, has: Callable[[Item], bool | None]) -> Judged:
        self.is_told |= any(0 in mention for mention in self.resolve(statement.about))
        return self.every(statement.about, has)


def _share(one: Item, other: Item, key: str) -> bool:
    """Say whether two items have one value of an attribute, or, without a name, one maker."""
    if key:
        return one.attributes.get(key) == other.attributes.get(key) is not None
    makers = BY_PREPOSITION["by"]
    return any(k in makers and other.attributes.get(k) == v for k, v in one.attributes.items())


def _keys(how: str, told: Sequence[str]) -> frozenset[str] | None:
    """Return the names that an attribute may have where its value is told so; None is any."""
    if told:
        return frozenset(told)
    first = how.split(" ", 1)[0]
    if first == "measure":
        return next((UNITS[word] for word in how.split() if word in UNITS), None)
    if first in MADE:
        return MADE[first]
    return BY_PREPOSITION.get(how)


def _meant(form: str, entities: Sequence[Item]) -> frozenset[str]:
    """Return the categories that a form may stand for: "romantic" and "romance" are one."""
    told = {category for entity in entities for category in entity.categories}
    return frozenset(
        c.casefold() for c in told if any(form.casefold() == f for f, _ in category_forms(c))
    )


def _any(found: Iterable[bool | None]) -> bool | None:
    """Return True if any is, None if there is none or none is known, else False."""
    known = [so for so in found if so is not None]
    return any(known) if known else None


def _distinct(mentions: Sequence[set[int]]) -> list[set[int]]:
    found: list[set[int]] = []
    for mention in mentions:
        if mention not in found:
            found.append(mention)
    return found


_JUDGES: dict[str, Callable[[Judge, Statement], Judged]] = {
    "liking": Judge.liking,
    "recency": Judge.recency,
    "relation": Judge.relation,
    "role": Judge.role,
    "category": Judge.category,
    "year": Judge.year,
    "decade": Judge.decade,
    "popularity": Judge.popularity,
    "attribute": Judge.attribute,
    "series": Judge.series,
    "count": Judge.count,
}
