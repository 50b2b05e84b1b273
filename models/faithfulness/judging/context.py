"""Who is meant: what the titles and the words of a text, such as "it", stand for in its Facts.

Entity 0 is the item, 1 to 3 the evidence. A mention is the set of entities that a title may name:
two may have one title. A reference that is not plain ("both", "it" after a liking) must hold for
everything it may mean.
"""

from collections.abc import Callable, Iterable, Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.claims import Outcome
from models.faithfulness.reading.statements import Statement, Things
from models.faithfulness.reading.symbols import Title, Token
from models.faithfulness.reading.tokens import Sentence

Judged = tuple[Outcome | bool, str]
"""An outcome, or whether it is so; and why not."""


class Context:
    """The Facts, the sentence at hand, and what the sentences before it named."""

    def __init__(self, facts: Facts, sentences: Sequence[Sentence]) -> None:
        self.facts = facts
        self.entities: list[Item] = [facts.item, *facts.evidence]
        self._titled: dict[str, set[int]] = {}
        for n, entity in enumerate(self.entities):
            self._titled.setdefault(entity.title, set()).add(n)
        self.tokens: list[Token] = []  # of the sentence
        self.here: list[set[int]] = []  # its mentions
        self.liked: set[int] = set()  # its titles that are said to be liked
        self.offered: set[int] = set()  # and those that are recommended
        self.before: list[set[int]] = []  # mentions of the sentences before this
        self.last: list[set[int]] = []  # those of the last that had any
        self.last_likes = False  # whether the sentence before says what was liked, and no more
        titles = (t for one in sentences for token in one.tokens for t in token.titles)
        self.named = set[int]().union(*map(self.called, titles))
        self.strengths: dict[int, str] = {}  # how strongly what is said to be liked
        self.is_told = False  # whether anything was said of the item

    def called(self, title: Title) -> set[int]:
        """Return the entities that a title may name."""
        found = self._titled.get(title.text, set())
        if len(found) > 1 and title.year is not None:
            found = {n for n in found if self.entities[n].year == title.year} or found
        return found

    def mentions(self, things: Things) -> list[set[int]]:
        """Return the mentions that titles are."""
        return [
            self._narrowed(self.called(title), n)
            for n in things.titles
            for title in self.tokens[n].titles
        ]

    def _narrowed(self, mention: set[int], n: int) -> set[int]:
        """Return which of two things of one title a token means: what is offered is the item."""
        if len(mention) < 2:
            return mention
        if n in self.offered and 0 in mention:
            return {0}
        return mention - {0} if n in self.liked else mention

    def resolve(self, things: Things) -> list[set[int]]:
        """Return all mentions that the things may be."""
        found = self.mentions(things)
        if things.word == "it":
            found += self._it(things.place)
        elif things.word in {"latter", "former"}:
            found = self._one_of_two(found, things)
        elif things.word == "these" and things.count not in self.sizes(found):
            before = tuple(range(max(things.titles, default=0) + 1))
            liked = self.mentions(Things(tuple(n for n in before if n in self.liked)))
            found = liked if things.count in self.sizes(liked) else self.mentions(Things(before))
        elif things.word == "item":
            found.append({0})
        elif things.word == "all":
            told = self.mentions(Things(tuple(range(things.place)))) if things.count else self.here
            found += [*self.before, *told]
        elif things.word == "others":
            told = self.mentions(Things(tuple(range(things.place))))
            here = told if len(distinct(told)) > 1 else self.here
            found += here if len(distinct(here)) > 1 else [*self.before, *self.here]
        elif things.word == "evidence":
            found += [m for m in self.here if 0 not in m] or [m for m in self.before if 0 not in m]
        return found

    def _one_of_two(self, found: list[set[int]], things: Things) -> list[set[int]]:
        """Return the latter or the former of two things, none where they are not two."""
        before = range(things.place or max(things.titles, default=0) + 1)
        liked = self.mentions(Things(tuple(n for n in before if n in self.liked)))
        for near in (found, liked, self.mentions(Things(tuple(before))), self.last):
            two = distinct(near)
            if len(two) == 2:
                return [two[-1]] if things.word == "latter" else [two[0]]
        return []

    def sizes(self, mentions: list[set[int]]) -> set[int]:
        """Return how many things these may be: two of one title may be two things."""
        different = distinct(mentions)
        most = sum(min(mentions.count(mention), len(mention)) for mention in different)
        return {len(different), most}

    def _it(self, place: int) -> list[set[int]]:
        """Return what "it" may be: the item, and what was liked where the item is not near."""
        near = self.mentions(Things(tuple(range(place))))
        if not near or self.tokens[0].symbol == "it":  # the same as at the start
            near = [*near, *self.last]
        if not near:  # "this film" is what the text is about
            is_this = [token.symbol for token in self.tokens[place : place + 2]] == ["this", "NN"]
            return [{0}] if is_this else []
        return [{0}] if any(0 in mention for mention in near) else distinct([{0}, *near])

    def every(self, things: Things, has: Callable[[Item], bool | None]) -> Judged:
        """Judge what is said of all the things; `has` returns None where the Facts do not say.

        Where it is not plain who is meant, it is contradicted only if it is so of nobody.
        """
        meant = self.resolve(things)
        if not meant:
            return "unverifiable", "it does not say of what"
        found = [any_known(has(self.entities[n]) for n in mention) for mention in meant]
        if all(found):
            return True, ""
        wrong = next(m for m, so in zip(meant, found, strict=True) if not so)
        why = f"not so of “{self.entities[min(wrong, default=0)].title}”"
        false = [so is False for so in found]
        vague = things.word == "it" or (
            things.word == "all" and things.count not in self.sizes(meant)
        )
        contradicted = all(false) if vague else any(false)
        return ("contradicted" if contradicted else "unverifiable"), why

    def any_evidence(self, has: Callable[[Item], bool]) -> bool:
        """Say whether something is so of evidence that the text names."""
        return any(has(self.entities[n]) for n in self.named - {0})

    def told(self, statement: Statement, has: Callable[[Item], bool | None]) -> Judged:
        """Judge what is said of what a statement is about, and note if it is of the item."""
        self.is_told |= any(0 in mention for mention in self.resolve(statement.about))
        return self.every(statement.about, has)


def any_known(found: Iterable[bool | None]) -> bool | None:
    """Return True if any is, None if there is none or none is known, else False."""
    known = [so for so in found if so is not None]
    return any(known) if known else None


def distinct(mentions: Sequence[set[int]]) -> list[set[int]]:
    """Return each mention once."""
    found: list[set[int]] = []
    for mention in mentions:
        if mention not in found:
            found.append(mention)
    return found
