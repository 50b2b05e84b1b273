"""What was spotted of likings, causes, counts and popularity, held against the Facts."""

from catalog.facts import Evidence
from catalog.types import Item
from models.faithfulness.reading.facts_words import has_category
from models.faithfulness.spotting.comparisons import values_of
from models.faithfulness.spotting.sequences import Sequences

_STRONG = frozenset(
    "loved love adored adore beloved cherished adoration passion favourites".split()
)
_UNSURE = frozenset(
    "if whether what whatever whichever when once unless may might could would should yet say tell "
    "know not no never nothing ? whoever anyone someone".split()
)
"""Words beside which "you loved" may be a condition or a question."""


class Histories(Sequences):
    """It adds what was liked and why, how many there are, and what is offered."""

    def _evidence(self, mention: set[int]) -> list[Evidence]:
        return [self.facts.evidence[n - 1] for n in mention if n]

    def _is_unsure(self) -> bool:
        symbols = {token.symbol for token in self.spot.sentence.tokens}
        return not symbols.isdisjoint(_UNSURE)

    # ------------------------------------------------------------------ likings

    def _liking(self) -> str:
        strong = self.spot.word("how") in _STRONG
        for mention in self._of("a"):
            entries = self._evidence(mention)
            if not any(entry.is_liked(strongly=strong) for entry in entries):
                return "not so in the history"
        return ""

    def _known(self) -> str:
        """What the reader knows already is not the item."""
        if self._is_unsure():
            return ""
        return "not so in the history" if any(m == {0} for m in self._of("a")) else ""

    def _dislike(self) -> str:
        entries = [entry for mention in self._of("a") for entry in self._evidence(mention)]
        return "it was liked" if any(entry.is_liked() for entry in entries) else ""

    def _dislike_all(self) -> str:
        loved = "loved" in self.spot.match[0]
        return "it was liked" if any(
            entry.is_liked(strongly=loved) for entry in self.facts.evidence
        ) else ""  # fmt: skip

    def _all_liked(self) -> str:
        return "not so in the history" if any(
            entry.liking != "loved" for entry in self.facts.evidence
        ) else ""  # fmt: skip

    _strong_all = _all_liked

    def _history(self) -> str:
        if self.facts.evidence or self._is_unsure():
            return ""
        return "nothing is known to be liked"

    def _no_history(self) -> str:
        return "something is known to be liked" if self.facts.evidence else ""

    def _liked_kind(self) -> str:
        forms = self.spot.token("c").parts
        if self._is_unsure() or not all(entry.categories for entry in self.facts.evidence):
            return ""
        liked = any(all(has_category(e, f) for f in forms) for e in self.facts.evidence)
        return "" if liked else "nothing liked is one"

    def _cause(self) -> str:
        causal = self.facts.evidence_kind in {"contribution", "similar"}
        return "" if causal else "these Facts give no cause"

    # ------------------------------------------------------------------ how many

    def _only_one(self) -> str:
        return "there are more" if len(self.facts.evidence) > 1 else ""

    def _counted(self) -> str:
        count = len(self.facts.evidence)
        return f"there are {count}" if self.spot.number() > count else ""

    def _counted_more(self) -> str:
        count = len(self.facts.evidence)
        return f"there are {count}" if self.spot.number() + 1 > count + 1 else ""

    def _same_kind(self) -> str:
        """Three dramas: no more than there are."""
        forms = self.spot.token("c").parts
        liked = "how" in self.spot.match.groupdict()
        entities = self.entities[1:] if liked else self.entities
        if not all(entity.categories for entity in entities):
            return ""
        count = sum(all(has_category(e, f) for f in forms) for e in entities)
        return f"there are {count}" if self.spot.number() > count else ""

    def _same_maker(self) -> str:
        values = self.spot.token("v").parts
        liked = "you" in self.spot.match[0]
        entities = self.entities[1:] if liked else self.entities
        count = sum(values_of(e).issuperset(values) for e in entities)
        return f"there are {count}" if self.spot.number() > count else ""

    def _has(self, item: Item) -> bool | None:
        """Say whether the value at hand is so of something, None where it has none like it."""
        values = self.spot.token("v").parts
        if not self._names_of(values) & set(item.attributes):
            return None
        return values_of(item).issuperset(values)

    def _all_by(self) -> str:
        return self._wrong(self._has, [{n} for n in range(1, len(self.entities))])

    def _told(self) -> list[Evidence]:
        """Return what was loved where only that is spoken of, else all that was liked."""
        only = "loved" in self.spot.match[0] and "liked" not in self.spot.match[0]
        return [e for e in self.facts.evidence if e.liking == "loved" or not only]

    def _none_by(self) -> str:
        return "one is" if any(self._has(entry) for entry in self._told()) else ""

    _first_by = _none_by

    def _first_kind(self) -> str:
        forms = self.spot.token("c").parts
        liked = self._told()
        return "one is" if any(all(has_category(e, f) for f in forms) for e in liked) else ""

    _never_kind = _first_kind

    # ------------------------------------------------------------------ popularity, what is offered

    def _topmost(self) -> str:
        return "" if self.facts.popularity == "favourite" else "it is not known to be"

    def _popular(self) -> str:
        return "" if self.facts.popularity else "nobody knows how many like it"

    def _unpopular(self) -> str:
        return "many like it" if self.facts.popularity else ""

    def _offer(self) -> str:
        offered = self._of("a")
        wrong = offered and all(0 not in mention for mention in offered)
        return "this is not what is recommended" if wrong else ""
