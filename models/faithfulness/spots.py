"""What `factual` understands of a sentence that the grammar does not read.

    Sidney Lumet made “12 Angry Men” a full year after “Network”, which you couldn't stand.
    years(12 Angry Men, +1, Network); dislike(Network)

Each pattern finds one statement in a sentence's skeleton, and judges it. It says nothing where it
does not know: what no pattern finds is unverifiable. What it finds and is so is not counted as a
claim, as the words around it may turn it round.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from catalog.facts import Facts
from catalog.types import Item
from models.english import category_nouns, decade
from models.faithfulness.attributes import BY_PREPOSITION, MADE, UNITS
from models.faithfulness.claims import ClaimType
from models.faithfulness.lexicon import has_category
from models.faithfulness.tokens import NUMBERS, Sentence, Title, Token

_NUMBERS = {"a": 1, "dozen": 12, **NUMBERS}
_DECADES = {
    f"{word}ties": f"{number}0s"
    for word, number in zip(
        "twen thir for fif six seven eigh nine".split(), range(2, 10), strict=True
    )
}
_MAKES = {
    "directed": "directed", "directs": "directed", "wrote": "written", "writes": "written", "made": "created", "makes": "created",
    "sang": "sung", "sings": "sung", "recorded": "recorded", "developed": "developed", "designed": "designed",
    "created": "created", "published": "published", "teaches": "taught", "taught": "taught", "hosts": "hosted", "hosted": "hosted",
    "composed": "composed", "put out": "published", "turned out": "created", "produced": "produced", "penned": "written",
}  # fmt: skip
_N = rf"(?P<n>N|{'|'.join(_NUMBERS)})(?: dozen| full| whole| good)?"
_GAP = r"(?: (?!T\b|TT\b|not\b|nor\b|never\b|[.;:])\S+)"
_LIKED = "loved|liked|enjoyed|adored"
_WITH_ADVERBS = r"(?: have| also| recently| really| already| just| lately| clearly)*"

_ADJECTIVE = r"(?: (?!(?:of|for|to|than|like|in|and|that|who|which|about|on|from|with|not)\b)(?:N|D|V|[a-z-]+))"
_CATEGORY = "CA|C1|CP"
_YEAR = rf"N|D|{'|'.join(_DECADES)}"
_NOUNS = "|".join(category_nouns())
_DISLIKES = (
    "could (?:not|never) stand|did not (?:like|love|enjoy|care for|think much of)|never (?:cared for|"
    "liked|loved|enjoyed|warmed to|took to)|were (?:not|never) (?:keen on|fond of|a fan of|impressed by|"
    "taken with|into)|(?:have )?(?:disliked|hated|loathed|despised|detested|avoided|skipped|panned)|"
    "gave up on|have not (?:even )?(?:seen|read|played|tried|heard|visited|got round to|got around to)"
)
_OFFERS = (
    "here is|try|(?:we|would|are|have|to) (?:suggest|recommend|suggesting|recommending|recommended|"
    "suggested|picked|chosen)|our (?:suggestion|pick|tip) ,|go on to|c[oa]me up with|go for|gone for|"
    "opted for|start with|next (?:on your list |for you )?is"
)

_PATTERNS: list[tuple[str, str]] = [
    ("years", rf"(?P<a>T){_GAP}{{0,6}} {_N} years? (?P<how>before|after) (?:either |both |the )*(?P<b>TT?|it|former)"),
    ("years", rf"(?P<a>T) followed (?:the )?(?P<b>T){_GAP}{{0,6}} {_N} years? (?P<how>later|on)"),
    ("years", rf"(?P<b>it)(?: up)? with (?P<a>T)(?: just| only| all of)? {_N} years? (?P<how>later|on)"),
    ("years", rf"(?P<a>T){_GAP}{{0,4}} {_N} years? (?P<how>older|newer|younger|earlier|later) than (?:either |both )?(?P<b>TT?)"),
    ("order", rf"(?P<a>T){_GAP}{{0,3}} (?P<how>older|newer|younger|earlier|later) than (?:either |both )?(?P<b>TT?)"),
    ("order", r"(?P<a>T) (?P<how>predates|came before|came after|came out before|came out after) (?P<b>TT?)"),
    ("extreme", r"(?P<a>T) is the (?P<how>earlier|older|elder|earliest|oldest|newer|newest|youngest|younger|later|latest)"),
    ("liking", rf"you{_WITH_ADVERBS} (?P<how>{_LIKED}) (?:V S )?(?P<a>TT?)"),
    ("liking", rf"(?P<a>TT?) , (?:which|that|who|whom|an? (?:{_CATEGORY} )?\S+|the (?:{_CATEGORY} )?\S+) you{_WITH_ADVERBS} (?P<how>{_LIKED})"),
    ("liking", r"your(?: recent)? (?P<how>love|liking|fondness) (?:of|for) (?:V S )?(?P<a>TT?)"),
    ("liking", r"fan of (?P<how>)(?P<a>TT?)"),
    ("dislike", rf"you (?:{_DISLIKES}) (?P<a>TT?)"),
    ("dislike", r"(?P<a>T) (?:left you cold|disappointed you|bored you|did not (?:impress|please|win) you|was not (?:for you|to your taste))"),
    ("cause", r"because (?:of )?your?|because TT? won you over|an easy choice|thanks to your|(?:that|this|which) is (?:\S+ )?(?:why|how|the reason)|had you not|if you had not|prompted us|earned|(?:led|steered|pointed|promoted) (?:us|you)"),
    ("not", rf"(?P<a>TT?) (?:is|was|are) not (?:really |exactly |listed as |listed under |an? )*(?P<c>{_CATEGORY})"),
    ("not", rf"(?P<a>T){_GAP}{{0,3}} (?:is|and it is) no (?P<c>{_CATEGORY})"),
    ("not", rf"none of (?P<a>TT){_GAP}{{0,4}} (?P<c>{_CATEGORY})"),
    ("not", rf"not (?:an? )?(?P<c>{_CATEGORY}) , (?:and )?(?:neither|nor) is (?P<a>T)"),
    ("not", rf"(?P<a>T){_GAP}{{0,8}} (?:, )?(?:and )?it is (?:no|not an?) (?P<c>{_CATEGORY})"),
    ("noun", rf"(?P<a>T){_GAP}{{0,3}}(?: not \\S+)?(?: ,)?(?: and| but)? it is an? (?P<c>{_NOUNS})(?= [.,;?!])"),
    ("kind", rf"(?P<a>TT?) (?:,|is|was)(?: also)? (?:an?|another|the){_ADJECTIVE}{{0,2}} (?P<c>{_CATEGORY})(?: NN)?"),
    ("noun", rf"(?P<a>TT?) (?:,|is|was)(?: also)? (?:an?|another|the){_ADJECTIVE}{{0,2}} (?P<c>{_NOUNS})(?= [.,;?!]| from | by | directed )"),
    ("year", rf"(?P<a>T) , (?:an?|the|another){_ADJECTIVE}{{0,3}} (?:from|made in|released in|published in) (?:the )?(?:early |late |mid )?(?P<y>{_YEAR})"),
    ("year", r"(?P<a>T) (?:came along|opened|was founded|started) in (?P<y>N)"),
    ("year", r"(?P<a>T) [,:] the (?P<y>N) NN"),
    ("all_from", r"both dates? (?:back to|from) (?P<y>N)"),
    ("year", rf"(?P<a>T) (?:dates from|dates back to|is from|was made in|was released in|came out in|appeared in|hails from|(?:, )?from) (?:the )?(?:early |late |mid )?(?P<y>{_YEAR})"),
    ("year", rf"(?P<a>T) (?:,|is|was)(?: also)? (?:an?|the|another) (?P<y>N) (?:{_CATEGORY}|NN|V)"),
    ("year", rf"(?:from|child of|product of) (?:the )?(?P<y>{_YEAR}) , (?P<a>T)"),
    ("made", rf"(?P<a>TT?) (?:, )?(?:was |is |also |both |all )*(?P<how>{'|'.join(MADE)}) by (?P<v>V)"),
    ("made", rf"(?P<v>V)(?: , who| ,)?(?: also| has| had| already| later)* (?P<how>{'|'.join(_MAKES)})(?: both| not only)? (?P<a>TT?)"),
    ("made", r"(?P<v>V) (?P<how>S) (?P<a>T)"),
    ("made", r"(?P<a>T) (?P<how>by) (?P<v>V)"),
    ("all_made", r"(?<!\S \S)(?P<v>V) (?!S\b)(?:, who|, whose|[a-z]+)(?= .*T)"),
    ("all_same", r"the same (?P<k>K)(?! as)"),
    ("same", rf"(?P<a>T){_GAP}{{0,2}} shares? (?:its|the|their|a) (?P<k>K) (?:, V ,? )?with (?:both )?(?P<b>TT?)"),
    ("measure", r"(?P<a>T)(?: also| even)? (?:has|runs|runs for|takes|lasts|seats|comes with|features)(?: exactly| only| just)? (?P<y>N) (?P<k>K)"),
    ("more", r"(?P<a>T) (?:is|was)(?: even)? (?P<how>cheaper|longer|shorter) than (?P<b>TT?)"),
    ("counted", rf"(?P<n>N|two|three|four|five|six) (?:\\S+ ){{0,3}}?(?:that |which )?(?:from your history|you(?: have)? (?:{_LIKED})|brought you)"),
    ("counted", rf"you(?: have)? (?:{_LIKED}) (?P<n>N|two|three|four|five|six) (?:\\S+ ){{0,2}}?(?:NP|so far)"),
    ("popular", r"(?:well - liked|well liked|favourites?|most liked(?: \S+)?) (?:around here|here|among|by people|with people)"),
    ("unpopular", r"(?:hardly|barely|scarcely) (?:anyone|anybody|any)|yet to (?:find|win)|not think much of|(?:nobody|no one)(?: \S+){0,2} here|first person here|few people here"),
    ("offer", rf"(?:{_OFFERS}) (?:the )?(?P<a>TT?)"),
]  # fmt: skip
_SPOTS = [(kind, re.compile(rf"(?<!\S)(?:{text})(?!\S)")) for kind, text in _PATTERNS]


_CONTRAST = (
    "not",
    "it",
    "you",
    "your",
    "unlike",
    "while",
    "whereas",
    "than",
    "nor",
    "neither",
    "instead",
    ";",
)
_LATER = {"after", "newer", "younger", "later", "on", "newest", "youngest", "latest"}
CLAIMED: dict[str, ClaimType] = {
    "years": "year", "order": "year", "liking": "liking", "dislike": "liking", "cause": "relation",
    "not": "negation", "kind": "category", "noun": "category", "year": "year", "made": "attribute",
    "extreme": "year", "all_from": "year", "all_made": "attribute", "all_same": "attribute", "counted": "count",
    "same": "attribute", "measure": "attribute", "more": "attribute", "popular": "popularity",
    "unpopular": "popularity", "offer": "role",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spotted:
    """One statement found in a sentence: its kind, and the tokens where its groups start."""

    kind: str
    sentence: Sentence
    match: re.Match[str]
    starts: dict[int, int]

    def has(self, group: str) -> bool:
        """Say whether the pattern has the group."""
        return group in self.match.groupdict()

    def token(self, group: str) -> Token:
        """Return the token where a group starts."""
        return self.sentence.tokens[self.starts[self.match.start(group)]]

    def word(self, group: str) -> str:
        """Return what the group has of the skeleton."""
        return self.match[group] or ""

    def number(self) -> int:
        """Return the number of the group n: digits or a word."""
        word = self.word("n")
        return int(self.token("n").text) if word == "N" else _NUMBERS[word]

    def span(self) -> tuple[int, int]:
        """Return where it stands in the text."""
        inside = [n for p, n in self.starts.items() if self.match.start() <= p < self.match.end()]
        return self.sentence.tokens[inside[0]].start, self.sentence.tokens[inside[-1]].end


def spots(sentence: Sentence) -> Iterator[Spotted]:
    """Yield what is understood of a sentence."""
    starts, position = {}, 0
    for n, token in enumerate(sentence.tokens):
        starts[position] = n
        position += len(token.symbol) + 1
    skeleton = sentence.skeleton
    for kind, pattern in _SPOTS:
        for match in pattern.finditer(skeleton):
            yield Spotted(kind, sentence, match, starts)


def contradiction(
    spot: Spotted, facts: Facts, called: Callable[[Title], set[int]], before: list[set[int]]
) -> str:
    """Return why what was spotted cannot be so; empty where it can, or where it is not known.

    `called` returns the entities (0 is the item) that a title may name, `before` has those that
    the sentence before names.
    """
    return _Facts(spot, facts, called, before).why()


class _Facts:
    """What was spotted beside the Facts."""

    def __init__(
        self,
        spot: Spotted,
        facts: Facts,
        called: Callable[[Title], set[int]],
        before: list[set[int]],
    ) -> None:
        self.spot, self.facts, self.called, self.before = spot, facts, called, before
        self.entities: list[Item] = [facts.item, *facts.evidence]

    def why(self) -> str:
        """Return why it cannot be so."""
        return str(getattr(self, f"_{self.spot.kind}")())

    def _of(self, group: str) -> list[set[int]]:
        word = self.spot.word(group)
        if word == "it":
            return self.before if len(self.before) == 1 else []
        if word == "former":
            return self.before[:1] if len(self.before) == 2 else []
        return [m for title in self.spot.token(group).titles if (m := self.called(title))]

    def _here(self) -> list[set[int]]:
        """Return what the sentence names."""
        titles = (title for token in self.spot.sentence.tokens for title in token.titles)
        return [mention for title in titles if (mention := self.called(title))]

    def _wrong(
        self, has: Callable[[Item], bool | None], mentions: list[set[int]] | None = None
    ) -> str:
        """Return of which it is not so: known, and false."""
        for mention in self._of("a") if mentions is None else mentions:
            found = [has(self.entities[n]) for n in mention]
            if found and all(so is False for so in found):
                return f"not so of “{self.entities[min(mention)].title}”"
        return ""

    def _pairs(self) -> Iterator[tuple[Item, Item]]:
        for one in self._of("a"):
            for other in self._of("b"):
                yield self.entities[min(one)], self.entities[min(other)]

    # ------------------------------------------------------------------ kinds of statements

    def _years(self) -> str:
        sign = 1 if self.spot.word("how") in _LATER else -1
        for one, other in self._pairs():
            if one.year and other.year and one.year - other.year != sign * self.spot.number():
                return f"{one.year} and {other.year}"
        return ""

    def _order(self) -> str:
        later = self.spot.word("how").split()[-1] in _LATER
        for one, other in self._pairs():
            if one.year and other.year and (one.year > other.year) is not later:
                return f"{one.year} and {other.year}"
        return ""

    def _extreme(self) -> str:
        later = self.spot.word("how") in _LATER
        others = [*self._here(), *self.before]
        for one in self._of("a"):
            mine = self.entities[min(one)].year
            for other in others:
                year = self.entities[min(other)].year
                if mine and year and other != one and (year > mine if later else year < mine):
                    return f"{mine} and {year}"
        return ""

    def _all_from(self) -> str:
        told = self.spot.token("y").text
        return self._wrong(lambda i: str(i.year) == told if i.year else None, self._here())

    def _all_made(self) -> str:
        """A sentence with a maker as its subject speaks of what this maker made."""
        skeleton = f" {self.spot.sentence.skeleton} "
        if self.spot.match.start() or any(f" {word} " in skeleton for word in _CONTRAST):
            return ""
        value, makers = self.spot.token("v").text, BY_PREPOSITION["by"]
        keys = {k for e in self.entities for k, v in e.attributes.items() if v == value} & makers
        return self._wrong(
            lambda i: (
                any(i.attributes.get(k) == value for k in keys)
                if keys & set(i.attributes)
                else None
            ),
            self._here(),
        )

    def _all_same(self) -> str:
        key, here = self.spot.token("k").text, self._here()
        values = {self.entities[min(mention)].attributes.get(key) for mention in here}
        return f"not the same {key}" if len(here) == 2 == len(values - {None}) else ""

    def _counted(self) -> str:
        count = len(self.facts.evidence)
        return f"there are {count}" if self.spot.number() > count else ""

    def _liking(self) -> str:
        strong = self.spot.word("how") in {"loved", "love", "adored"}
        for mention in self._of("a"):
            entries = [self.facts.evidence[n - 1] for n in mention if n]
            if not any(entry.liking == "loved" or not strong for entry in entries):
                return "not so in the history"
        return ""

    def _dislike(self) -> str:
        return "it was liked" if any(mention - {0} for mention in self._of("a")) else ""

    def _cause(self) -> str:
        causal = self.facts.evidence_kind in {"contribution", "similar"}
        return "" if causal else "these Facts give no cause"

    def _not(self) -> str:
        forms = self.spot.token("c").parts
        return "it is" if any(
            has_category(self.entities[n], form) for m in self._of("a") for n in m for form in forms
        ) else ""  # fmt: skip

    def _kind(self) -> str:
        forms = self.spot.token("c").parts
        return self._wrong(
            lambda i: all(has_category(i, f) for f in forms) if i.categories else None
        )

    def _noun(self) -> str:
        word = self.spot.word("c")
        return self._wrong(lambda item: has_category(item, word) if item.categories else None)

    def _year(self) -> str:
        told = self.spot.token("y").text
        told = _DECADES.get(told, told)
        if told.endswith("0s"):
            short = told if len(told) == 5 else f"19{told}"
            return self._wrong(lambda i: f"{decade(i.year)}s" == short if i.year else None)
        return self._wrong(lambda item: str(item.year) == told if item.year else None)

    def _made(self) -> str:
        how = self.spot.word("how")
        keys = MADE[_MAKES.get(how, how)] if how not in {"S", "by"} else BY_PREPOSITION["by"]
        value = self.spot.token("v").text

        def has(item: Item) -> bool | None:
            known = [str(v) for key, v in item.attributes.items() if key in keys]
            return value in map(str, item.attributes.values()) if known else None

        return self._wrong(has)

    def _same(self) -> str:
        key = self.spot.token("k").text
        for one, other in self._pairs():
            values = [item.attributes.get(key) for item in (one, other)]
            if None not in values and values[0] != values[1]:
                return f"not the same {key}"
        return ""

    def _measure(self) -> str:
        key, told = self.spot.token("k").text, self.spot.token("y").text
        return self._wrong(
            lambda i: str(i.attributes[key]) == told if key in i.attributes else None
        )

    def _more(self) -> str:
        how = self.spot.word("how")
        keys = UNITS["price"] if how == "cheaper" else UNITS["minutes"] | UNITS["pages"]
        for one, other in self._pairs():
            for key in keys & set(one.attributes) & set(other.attributes):
                mine, its = _amount(one.attributes[key]), _amount(other.attributes[key])
                if mine is not None and its is not None:
                    true = mine > its if how == "longer" else mine < its
                    return "" if true else f"{mine} and {its}"
        return ""

    def _popular(self) -> str:
        return "" if self.facts.popularity else "nobody knows how many like it"

    def _unpopular(self) -> str:
        return "many like it" if self.facts.popularity else ""

    def _offer(self) -> str:
        offered = self._of("a")
        wrong = offered and all(0 not in mention for mention in offered)
        return "this is not what is recommended" if wrong else ""


def _amount(value: int | str) -> int | None:
    """Return the number of an attribute: 29 for "€29"."""
    digits = re.sub(r"\D", "", str(value))
    return int(digits) if digits else None
