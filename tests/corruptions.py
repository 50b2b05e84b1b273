"""False texts, made from true ones: one function for each kind of mistake a writer can make.

Each returns a text that is false of the Facts, or says what they do not, or None where its kind
does not apply. Some edit the clean text; some let the grammar speak of Facts that are a little
different. Nothing here is shared with the checker, which these texts are to test.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.language.articles import article
from models.language.english import category_words, listing
from models.language.grounded import explain
from models.language.ties import worth_telling
from models.language.titles import same_series, series

KINDS: dict[str, Callable[[str, Facts, random.Random, Sequence[Item]], str | None]] = {}
Change = tuple[str, Sequence[str]]
"""A pattern to look for outside quotation marks, and what may stand in its place."""

_TITLE = re.compile("“([^”]*)”")
_LIKED = r"(?<!well )\b(?:loved|liked|enjoyed)\b"
_RELATION = re.compile(r"\b(because|so|since|as|thanks|led|follows|put|why|reason)\b", re.I)


def _key(title: str) -> str:
    """Return a title without what two spellings of it may differ in."""
    return re.sub(r"[\W_]", "", title.casefold()) or title


def _meaning(category: str) -> str:
    """Return a category so that two names of one thing are equal, as far as words show it."""
    return (category_words(category).attributive or category).casefold().replace("science ", "sci-")


def _decade(year: int) -> int:
    return year // 10 * 10


@dataclass(frozen=True)
class Case:
    """A clean text, its Facts, dice and a catalogue, with the tools to spoil the text."""

    text: str
    facts: Facts
    rng: random.Random
    catalogue: Sequence[Item]

    # ------------------------------------------------------------------ reading

    @cached_property
    def items(self) -> list[Item]:
        return [self.facts.item, *self.facts.evidence]

    @cached_property
    def are_distinct(self) -> bool:
        """Whether every title names one thing only."""
        return len({_key(item.title) for item in self.items}) == len(self.items)

    @cached_property
    def everybody(self) -> str:
        return ["", "both", "all three", "all four"][len(self.facts.evidence)]

    @cached_property
    def outside(self) -> str:
        """The text with all that stands in quotation marks blanked, character for character."""
        text = _TITLE.sub(lambda match: "\0" * len(match[0]), self.text)
        words = {w for i in self.items for w in (*i.categories, *(str(v) for _, v in i.pairs()))}
        for word in sorted(words, key=len, reverse=True):
            text = text.replace(f"‘{word}’", "\0" * (len(word) + 2))
        return text

    def is_foreign(self, title: str) -> bool:
        return bool(title.strip()) and _key(title) not in {_key(i.title) for i in self.items}

    def is_new(self, value: str) -> bool:
        return value.casefold() not in self.facts.model_dump_json().casefold()

    # ------------------------------------------------------------------ choosing

    def one_of(self, *values: str) -> str:
        return self.rng.choice(values)

    def stranger(self) -> Item | None:
        item = self.rng.choice(self.catalogue)
        return item if self.is_foreign(item.title) else None

    def entry(self) -> Evidence | None:
        return self.rng.choice(self.facts.evidence) if self.facts.evidence else None

    def strange_category(self) -> str:
        """Return a category that nothing in the Facts has."""
        names = "Action Animation Comedy Crime Documentary Drama Horror Musical War Western"
        own = {c.casefold() for i in self.items for c in i.categories}
        return self.one_of(*[n for n in names.split() if n.casefold() not in own])

    def other_year(self) -> int:
        """Return a year other than the item's, most likely one of its evidence."""
        own = self.facts.item.year
        years = [i.year for i in self.facts.evidence if i.year and i.year >= 1000]
        near = max(1000, (own or 1990) + self.rng.choice([-10, -1, 1, 2, 10, 100]))
        return self.rng.choice([year for year in years if year != own] or [near]) % 3000

    def called(self, category: str, form: str = "one") -> str:
        """Return what a category makes of the noun: in "front" of one, as "one", or as "many"."""
        words, noun = category_words(category), self.facts.noun
        if words.attributive is None:
            return f"{noun.many if form == 'many' else noun.one} listed under ‘{category}’"
        if form == "front":
            return words.attributive
        if form == "many":
            return words.plural or f"{words.attributive} {noun.many}"
        return words.noun or f"{words.attributive} {noun.one}"

    # ------------------------------------------------------------------ rewriting

    def splice(self, start: int, end: int, new: str) -> str:
        """Put `new` in place of a span, with its capital and the article in front made right."""
        text, old = self.text, self.text[start:end]
        if old[:1].isupper() and old != "IMAX":
            new = new[:1].upper() + new[1:]
        before = re.search(r"\b(an?) $", text[:start], re.IGNORECASE)
        if before:
            a = article(new).split(" ", 1)[0]
            start, new = before.start(1), f"{a.title() if before[1][0] == 'A' else a} {new}"
        return text[:start] + new + text[end:]

    def change(self, *changes: Change) -> str | None:
        """Apply one of the changes at one of the places where it applies."""
        places = [
            (match, new)
            for pattern, templates in changes
            for match in re.finditer(pattern, self.outside, re.IGNORECASE)
            for new in templates
        ]
        if not places:
            return None
        match, new = self.rng.choice(places)
        return self.splice(*match.span(), new.replace("{}", match[0].lower()))

    def say(self, *clauses: str) -> str:
        """Add a clause: as another sentence, in place of the last one, or joined to it."""
        clause = self.one_of(*clauses)
        told = clause[0].upper() + clause[1:] + "."
        ends = [m.end() for m in re.finditer(r"[.?!] ", self.outside)]
        if ends and "“" not in self.text[ends[-1] :] and self.rng.random() < 0.5:
            return self.text[: ends[-1]] + told
        return self.one_of(*[f"{self.text} {told}"] * 2, f"{self.text[:-1]}, and {clause}.")

    def after_title(self, title: str, added: str) -> str | None:
        """Put something in apposition to a title."""
        place = re.search(f"“{re.escape(title)}”(?! \\()", self.text)
        if not place:
            return None
        comma = "" if self.text[place.end()] in ",.;:?" else ","
        return f"{self.text[: place.end()]}, {added}{comma}{self.text[place.end() :]}"

    def rename(self, renamed: Callable[[str], str]) -> str | None:
        """Replace one title, at one place where it is named."""
        match = self.rng.choice(list(_TITLE.finditer(self.text)))
        title = renamed(match[1])
        if not self.is_foreign(title):
            return None
        return f"{self.text[: match.start(1)]}{title}{self.text[match.end(1) :]}"

    def told_of(self, shows: str, **changed: object) -> str | None:
        """Let the grammar speak of changed Facts, if what it says shows the change."""
        text = explain(self.facts.model_copy(update=changed))
        if text == explain(self.facts):
            return None
        searched = text if re.search("[“‘]", shows) else re.sub(r"“[^”]*”|‘.*?’(?!\w)", "", text)
        return text if re.search(shows, searched, re.IGNORECASE) else None

    def told_of_item(self, shows: str, **changed: object) -> str | None:
        return self.told_of(shows, item=self.facts.item.model_copy(update=changed))

    def told_of_entry(self, shows: str, entry: Evidence, **changed: object) -> str | None:
        new = entry.model_copy(update=changed)
        return self.told_of(
            shows, evidence=tuple(new if e is entry else e for e in self.facts.evidence)
        )


def _kind(name: str) -> Callable[[Callable[[Case], str | None]], Callable[[Case], str | None]]:
    def register(corrupt: Callable[[Case], str | None]) -> Callable[[Case], str | None]:
        KINDS[name] = lambda text, facts, rng, catalogue: corrupt(Case(text, facts, rng, catalogue))
        return corrupt

    return register


# ---------------------------------------------------------------------- titles


@_kind("title from outside")
def _(case: Case) -> str | None:
    stranger = case.stranger()
    return case.rename(lambda _: stranger.title) if stranger else None


@_kind("title token changed")
def _(case: Case) -> str | None:
    def renamed(title: str) -> str:
        words = title.split()
        n = case.rng.randrange(len(words))
        word = case.one_of("Dark", "Day", "Return", "the", "Boy", "of")
        letter = case.rng.randrange(len(words[n]))
        misspelt = words[n][:letter] + case.one_of(*"aeiorst") + words[n][letter + 1 :]
        changes = [
            [*words[:n], word, *words[n + 1 :]],
            [*words[:n], word, *words[n:]],
            [*words[:n], misspelt, *words[n + 1 :]],
            [*words[:n], *words[n : n + 2][::-1], *words[n + 2 :]],
        ]
        return " ".join(case.rng.choice(changes))

    return case.rename(renamed)


@_kind("sequel number changed")
def _(case: Case) -> str | None:
    def renamed(title: str) -> str:
        number = re.search(r"\b(\d{1,9}|II|III|IV|V|VI)\b", title)
        if not number:
            return f"{title} {case.one_of('2', '3', 'II', 'III', 'Part II')}"
        if number[0].isdecimal():
            new = str(int(number[0]) + case.rng.choice([-1, 1, 2]))
        else:
            new = case.one_of("II", "III", "IV", "V", "VI", "VII")
        return title[: number.start()] + new + title[number.end() :]

    return case.rename(renamed)


@_kind("titles blended")
def _(case: Case) -> str | None:
    def renamed(title: str) -> str:
        head, tail = title.split(), case.rng.choice(case.items).title.split()
        return " ".join(head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :])

    return case.rename(renamed)


@_kind("title cut short")
def _(case: Case) -> str | None:
    def renamed(title: str) -> str:
        ends = [m.start() for m in re.finditer(r"[\s:,(-]+", title)] + [len(title) // 2]
        return title[: case.rng.choice(ends)]

    return case.rename(renamed)


@_kind("item and evidence swapped")
def _(case: Case) -> str | None:
    entry, item = case.entry(), case.facts.item
    if entry is None or not case.are_distinct:
        return None
    if case.rng.random() < 0.5:
        names = f"“{item.title}”", f"“{entry.title}”"
        return case.text.replace(names[0], "\0").replace(names[1], names[0]).replace("\0", names[1])
    own = entry.model_dump(exclude={"liking"})
    others = (e for e in case.facts.evidence if e is not entry)
    evidence = (Evidence(**item.model_dump(), liking=entry.liking), *others)
    return case.told_of("", item=Item(**own), evidence=evidence)


@_kind("evidence recommended")
def _(case: Case) -> str | None:
    """What the user has met long ago is said to be the recommendation."""
    entry = case.entry()
    if entry is None or not case.are_distinct:
        return None
    name = f"“{entry.title}”"
    return case.say(
        f"we suggest {name}",
        f"here is {name}",
        f"{name} may suit you",
        f"{name} is on your list",
        f"next for you is {name}",
        f"you may like {name}",
    )


# ---------------------------------------------------------------------- categories


@_kind("category wrong")
def _(case: Case) -> str | None:
    """One category in the text becomes another, or a description gets one more."""
    wrong = case.strange_category()
    if case.rng.random() < 0.4:
        own = (*case.facts.item.categories[1:], wrong)
        return case.told_of_item(rf"\b{case.called(wrong, 'front')}\b", categories=own)
    changes: list[Change] = []
    words = {category_words(c) for item in case.items for c in item.categories}
    nouns = "|".join([re.escape(case.facts.noun.one), *(w.noun for w in words if w.noun)])
    for word in words:
        if word.plural:
            changes.append((rf"\b{word.plural}\b", [case.called(wrong, "many")]))
        if word.noun:
            changes.append((rf"\b{word.noun}\b(?! (?:{nouns}))", [case.called(wrong)]))
        if word.attributive:
            front = rf"\b{re.escape(word.attributive)}\b(?= (?:{nouns}))"
            changes.append((front, [case.called(wrong, "front")]))
        if f"‘{word.listed}’" in case.text:
            other = case.one_of(wrong, "Kites", "Books & More")
            return case.text.replace(f"‘{word.listed}’", f"‘{other}’", 1)
    one = case.facts.noun.one
    changes.append((rf"(?<=\ba ){one}\b(?= (?:from|for)\b)", [case.called(wrong, "front") + " {}"]))
    return case.change(*changes)


@_kind("category claimed")
def _(case: Case) -> str | None:
    """A sentence more says of one item, or of all, what holds of none."""
    kind, name = case.strange_category(), f"“{case.rng.choice(case.items).title}”"
    one, many = article(case.called(kind)), case.called(kind, "many")
    claims = [f"it is {one}", f"{name} is {one}", f"“{case.facts.item.title}” is {one}"]
    if case.facts.evidence:
        claims += [f"{case.everybody} are {many}", f"like {name}, it is {one}"]
        claims += [f"you like {many}", f"{name} is {one} too", f"it is another {one[2:].strip()}"]
    return case.say(*claims)


@_kind("category moved to item")
def _(case: Case) -> str | None:
    """The item is given a category that only its evidence has."""
    own = {_meaning(c) for c in case.facts.item.categories}
    moved = [(e, c) for e in case.facts.evidence for c in e.categories if _meaning(c) not in own]
    if not moved or not case.are_distinct:
        return None
    entry, category = case.rng.choice(moved)
    one, name = case.called(category), f"“{case.facts.item.title}”"
    way = case.rng.random()
    if way < 0.3:
        return case.after_title(case.facts.item.title, article(one))
    if way < 0.6 and category_words(category).attributive:
        shows = rf"\b{re.escape(case.called(category, 'front'))}\b"
        return case.told_of_item(shows, categories=(category,))
    return case.say(
        f"it is {article(one)}",
        f"{name} is {article(one)}",
        f"like “{entry.title}”, it is {article(one)}",
        f"{name} is another {one}",
        f"{case.everybody} are {case.called(category, 'many')}",
    )


@_kind("category moved to evidence")
def _(case: Case) -> str | None:
    """An entry of the history is given a category that it has not, and the item has."""
    item, evidence = case.facts.item, case.facts.evidence
    having = {
        category: [e for e in evidence if _meaning(category) in map(_meaning, e.categories)]
        for category in item.categories
    }
    moved = [(e, c) for e in evidence for c in item.categories if e not in having[c]]
    if not moved or not case.are_distinct:
        return None
    entry, category = case.rng.choice(moved)
    one, many, name = case.called(category), case.called(category, "many"), f"“{entry.title}”"
    way = case.rng.random()
    if way < 0.3:
        return case.after_title(entry.title, article(one))
    if way < 0.5 and category_words(category).attributive:
        front = case.called(category, "front")
        shows = (
            rf"\b(both|all \w+) are [^.“]*({front}|{many})|like “[^.]*{re.escape(name)}[^.]*, it"
        )
        return case.told_of_entry(shows, entry, categories=(category,))
    claims = [
        f"{name} is {article(one)}",
        f"like {name}, it is {article(one)}",
        f"like {listing([f'“{e.title}”' for e in evidence])}, it is {article(one)}",
        f"{name} is {article(one)} too",
        f"{case.everybody} are {many}",
    ]
    if not having[category]:
        claims.append(f"“{item.title}” is another {one}")
    return case.say(*claims)


# ---------------------------------------------------------------------- years


@_kind("year wrong")
def _(case: Case) -> str | None:
    wrong = case.other_year()
    if not case.are_distinct:
        return None
    if case.rng.random() < 0.4:
        return case.told_of_item(rf"\b{wrong}\b", year=wrong)
    return case.change((rf"\b{case.facts.item.year}\b", [str(wrong)])) or case.say(
        f"it is from {wrong}",
        f"it came out in {wrong}",
        f"it is {article(f'{wrong} {case.facts.noun.one}')}",
        f"“{case.facts.item.title}” is from {wrong}",
    )


@_kind("year wrong of evidence")
def _(case: Case) -> str | None:
    entry, year = case.entry(), case.facts.item.year or 1984
    if entry is None or not case.are_distinct or entry.year == year or year < 1000:
        return None
    name, described = f"“{entry.title}”", article(f"{year} {case.facts.noun.one}")
    if case.rng.random() < 0.3:
        return case.after_title(entry.title, described)
    if name in case.text and case.rng.random() < 0.3:
        return case.text.replace(name, f"{name} ({year})", 1)
    return case.say(
        f"{name} is from {year}",
        f"{name} came out in {year}",
        f"{name} is {described}",
        f"{case.everybody} are from {year}",
        f"like {name}, it is from {year}",
    )


@_kind("decade wrong")
def _(case: Case) -> str | None:
    wrong, own = _decade(case.other_year()), case.facts.item.year or 0
    if wrong == _decade(own):
        return None
    if case.rng.random() < 0.4:
        return case.told_of_item(rf"\b{wrong}s\b", year=wrong + 1)
    claims = [f"it is from the {wrong}s", f"it came out in the {wrong}s"]
    if case.facts.evidence:
        claims += [f"{case.everybody} {how} the {wrong}s" for how in ("are from", "came out in")]
    changes: list[Change] = [(r"\b\d+0s\b", [f"{wrong}s"])]
    changes.append((rf"(?<=from ){own}\b", [f"the {wrong}s"]))
    return case.change(*changes) or case.say(*claims)


# ---------------------------------------------------------------------- likings


@_kind("liking turned")
def _(case: Case) -> str | None:
    dislikes = ["hated", "disliked", "did not like", "could not stand", "regretted", "avoided"]
    return case.change(
        (_LIKED, dislikes),
        (r"\byour (?:love of|liking for|fondness for)", ["your dislike of", "your hatred of"]),
    )


@_kind("loved for liked")
def _(case: Case) -> str | None:
    evidence = case.facts.evidence
    told = worth_telling(case.facts).evidence
    if {e.liking for e in told} <= {"loved"} or not case.are_distinct:
        return None
    if case.rng.random() < 0.4:
        loved = tuple(e.model_copy(update={"liking": "loved"}) for e in evidence)
        return case.told_of(r"\blove", evidence=loved)
    return case.change(
        (r"(?<!well )\b(?:liked|enjoyed)\b", ["loved", "loved", "adored", "really loved"]),
        (r"\byour (?:liking|fondness) for", ["your love of", "your love for"]),
    )


@_kind("liked by somebody else")
def _(case: Case) -> str | None:
    others = ["we", "people here", "they", "one of us", "most people"]
    return case.change((rf"\byou(?=(?: recently)? {_LIKED})", others), (r"\byour(?= lo)", ["our"]))


@_kind("liking of the item")
def _(case: Case) -> str | None:
    """You are said to know, or to like already, what is only recommended."""
    if not case.are_distinct:
        return None
    name, verb = f"“{case.facts.item.title}”", case.one_of("liked", "loved", "enjoyed")
    told = case.change((r"\bmay (?=(like|enjoy)\b)", ["", "will ", "always "]))
    if told and case.rng.random() < 0.5:
        return told
    if case.rng.random() < 0.3:
        return case.after_title(case.facts.item.title, f"which you {verb}")
    return case.say(f"you {verb} {name}", f"you recently {verb} {name}", f"you {verb} it")


@_kind("not in the history")
def _(case: Case) -> str | None:
    """You are said to have met something that your history does not show."""
    stranger = case.stranger()
    if stranger is None:
        return None
    name = f"“{stranger.title}”"
    entry = case.entry()
    if entry and case.rng.random() < 0.3:
        title = re.escape(name)
        return case.told_of_entry(title, entry, title=stranger.title)
    if entry and case.rng.random() < 0.5:
        verbs = r"liked|loved|enjoyed|love of|liking for|fondness for"
        place = re.search(rf"(?:{verbs}) “{re.escape(entry.title)}”(?! \()", case.text)
        if place:
            return case.text[: place.end()] + f" and {name}" + case.text[place.end() :]
    if " " in stranger.title and case.rng.random() < 0.2:
        name = case.one_of(stranger.title, f"‘{stranger.title}’")
    verbs = case.one_of("watched", "liked", "loved", "also enjoyed", "recently watched", "know")
    return case.say(f"you {verbs} {name}")


@_kind("recency invented")
def _(case: Case) -> str | None:
    if case.facts.evidence_kind in ("recent", "none"):
        return None
    if case.rng.random() < 0.4:
        return case.told_of("recently|lately", evidence_kind="recent")
    return case.change(
        (rf"(?<=you ){_LIKED}", ["recently {}", "just {}"]),
        (rf"you (?={_LIKED})", ["lately you ", "you have lately "]),
        (r"\byour (?=love|lik|fond)", ["your recent "]),
    )


# ---------------------------------------------------------------------- counts and logic


@_kind("count wrong")
def _(case: Case) -> str | None:
    n = len(case.facts.evidence)
    counts = {"both": 2, "all three": 3, "all four": 4, "all five": 5}
    # "All three" of four is true of three, so only what counts neither will do.
    wrong = [word for word, count in counts.items() if count not in (n, n + 1)]
    many = f"{case.one_of(*['two', 'three', 'four', 'five'][n:])} {case.facts.noun.many}"
    changes: list[Change] = [(r"\b(?:both|all three|all four)\b(?! of which)", wrong)] * 3
    changes.append((r"\b(?:both|all three)\b(?= of which)", ["all four", "all five"]))
    changes.append((rf"{_LIKED}(?= \0)", [f"{{}} {many}, such as", f"{{}} {many},"]))
    return case.change(*changes) or case.say(f"you liked {many}", f"you recently loved {many}")


@_kind("negated")
def _(case: Case) -> str | None:
    likes = ["did not like", "didn't love", "never {}", "hardly {}", "didn’t enjoy"]
    return case.change(
        (rf"(?<=you )(?:recently )?{_LIKED}", likes),
        (r"\bboth of which\b", ["neither of which"]),
        (r"\ball three of which\b", ["none of which", "not all of which"]),
        (r"\bmay (?=suit|appeal|be for|be a|be next|like|enjoy)", ["may not ", "will never "]),
        (r"\bis (?=recommended|on your|next|here|well|one of|a favourite)", ["is not ", "isn't "]),
        (r"\bit is\b", ["{} not", "it isn't", "it is hardly", "it is no longer"]),
        (r"\bwe suggest\b", ["we do not suggest", "we don't suggest", "we cannot suggest"]),
        (r"\b(both|all three|all four) (?:are|came)\b", ["not {}", "{} not"]),
        (r"\b(?:because|since) you\b", ["not {}"]),
        (r"\bput (?=\0)", ["did not {}"]),
        (r"\bled\b", ["did not lead"]),
        (r"\bThanks to\b", ["no {}", "not {}"]),
        (r"\bfollows from\b", ["does not follow from"]),
        (r"\b(?:here is|try|next for you)\b", ["{} not", "do not try"]),
        (r"\bon your list\b", ["not {}"]),
        (r"\bbelongs to\b", ["does not belong to"]),
        (r"(?<=\0, )an? ", ["not {}", "no longer {}"]),
    )


@_kind("because added")
def _(case: Case) -> str | None:
    """A reason is claimed where the Facts know of none."""
    evidence, noun = case.facts.evidence, case.facts.noun
    if case.facts.evidence_kind not in ("recent", "none"):
        return None
    claims = ["that is why it is here", "that is the reason for it", "you led us to it"]
    if not evidence:
        claims += [f"it is here because you like {noun.many}", "it is here because of you"]
        claims += [f"it follows from your love of {noun.many}", f"you liked {noun.many}"]
        return case.say(*claims)
    name = f"“{case.rng.choice(evidence).title}”"
    claims += [f"it is here because of {name}", f"{name} led to it", f"it follows from {name}"]
    claims += [f"thanks to {name}, we found it", f"it is here, as you liked {name}"]
    told = case.change(
        (r"\. Here is\b", [", so here is", ", and that is why here is"]),
        (r"\. We suggest\b", [", so we suggest", ", which is why we suggest"]),
        (r"\. You may\b", [", so you may", ". Therefore you may"]),
        (r"\. (?:Lately you|You recently)\b", [", because you", ", as you", ", since you"]),
        (r"; ", [", so ", ", and so ", "; therefore "]),
        (r"^After\b", ["Because of", "Thanks to"]),
        (r"^You recently\b", ["Because you recently", "Since you recently"]),
    )
    because = case.told_of(_RELATION.pattern, evidence_kind="contribution")
    return case.rng.choice([told, because, case.say(*claims)])


@_kind("because reversed")
def _(case: Case) -> str | None:
    """What follows is told as the reason."""
    entry, item = case.entry(), f"“{case.facts.item.title}”"
    if entry is None or not case.are_distinct:
        return None
    liked = f"you {entry.liking} “{entry.title}”"
    return case.one_of(
        f"Because {item} is on your list, {liked}.",
        f"We suggest {item}, so {liked}.",
        f"{item} is here, and that is why {liked}.",
        f"{item} led you to “{entry.title}”.",
        f"{liked.capitalize()[:9]}{liked[9:]} because we suggest {item}.",
        f"Thanks to {item}, {liked}.",
        f"“{entry.title}” follows from your {entry.liking[:-1]} of {item}.",
    )


# ---------------------------------------------------------------------- inventions


@_kind("attribute invented")
def _(case: Case) -> str | None:
    who = case.one_of("Mira Nair", "Tom Hanks", "Agnès Varda", "Sidney Lumet", "Zadie Smith")
    item = case.rng.choice(case.items)
    name = f"“{item.title}”"
    if not case.is_new(who):
        return None
    if case.rng.random() < 0.4:
        how = case.one_of("directed by ", "with ", "by ", "from ", "starring ", "")
        return case.after_title(item.title, how + who)
    return case.say(
        f"its cast is ‘{who}’",
        f"its maker is ‘{who}’",
        f"its maker is {who}",
        f"it is by {who}",
        f"it stars {who}",
        f"{name} was made by {who}",
        "it runs for 97 minutes",
        "its length is ‘97’",
        "it is in Spanish",
        f"its colour is ‘mauve’, the same as for {name}",
        "it won an award",
        "it costs $12",
        f"{who} is in it",
    )


@_kind("attribute value wrong")
def _(case: Case) -> str | None:
    """What the Facts know of the item gets another value, or is shared with who has it not."""
    own, evidence = case.facts.item.attributes, case.facts.evidence
    if not own:
        return None
    name, value = case.rng.choice(case.facts.item.pairs())
    made_up = value + case.rng.choice([-1, 1, 10]) if isinstance(value, int) else f"{value} Jr."
    others = [other for e in evidence for other in e.values(name)]
    wrong = case.rng.choice([*others, made_up, "Omar Sharif"])
    known = {str(v).casefold() for v in case.facts.item.values(name)}
    if str(wrong).casefold() in known:
        return None
    told = re.search(rf"\b{name} is ‘?({re.escape(str(value))})\b", case.text)
    if told:
        return case.text[: told.start(1)] + str(wrong) + case.text[told.end(1) :]
    if case.rng.random() < 0.3:
        shows = rf"\b{name} is ‘?{re.escape(str(wrong))}"
        return case.told_of_item(shows, attributes={name: wrong})
    without = [e for e in evidence if value not in e.values(name)]
    if without and case.are_distinct and case.rng.random() < 0.5:
        titles = listing([f"“{e.title}”" for e in evidence])
        titles = case.one_of(titles, f"“{case.rng.choice(without).title}”")
        return case.say(f"its {name} is ‘{value}’, the same as for {titles}")
    return case.say(f"its {name} is ‘{wrong}’", f"its {name} is {wrong}")


@_kind("people exchanged")
def _(case: Case) -> str | None:
    """The grammar speaks of Facts in which the item has the people, places or prizes of another."""
    item = case.facts.item
    wrong = {
        name: e.attributes[name]
        for e in case.facts.evidence
        for name in item.attributes
        if name in e.attributes and not set(item.values(name)) & set(e.values(name))
    }
    other = item.model_copy(update={"attributes": {**item.attributes, **wrong}})
    categories = {c for i in case.items for c in i.categories}
    told = {str(v) for name in wrong for v in other.values(name)} - categories
    if not told or not case.are_distinct:
        return None
    shows = [f"‘{re.escape(v)}’" for v in told] + [re.escape(v) for v in told if " " in v]
    return case.told_of_item("|".join(shows), attributes=other.attributes)


@_kind("reason invented")
def _(case: Case) -> str | None:
    adjective = case.one_of("gripping", "clever", "moving", "dark", "beautiful", "funny")
    thing = case.one_of("plot", "atmosphere", "story", "cast", "soundtrack", "ending", "humour")
    if case.rng.random() < 0.5:
        return case.change(
            (r"(?<=\0)(?=[.,])", [f" {how} its {adjective} {thing}" for how in ("for", "with")]),
            (r"\b(?=because you\b)", [f"because of its {adjective} {thing} and "]),
            (r"\b(?<=you )(?=(?:loved|liked) \0)", ["rightly ", "always ", "often "]),
            (r"\b(?<=\ban )(?=\w)", [f"{adjective} "]),
            (r"\b(?<=\ba )(?=\w)", [f"{adjective} ", f"very {adjective} "]),
            (r"\.$", [f", for its {adjective} {thing}.", f", so it has a {adjective} {thing}."]),
        )
    return case.say(
        f"its {thing} is {adjective}",
        "critics praise it",
        f"it has a {adjective} {thing}",
        f"you will like its {thing}",
        f"fans of {adjective} {case.facts.noun.many} like it",
        f"it is {adjective}",
        "it is a masterpiece",
        "it is a must",
        "people like you like it",
        f"it is as {adjective} as what you liked",
        "you like this kind of thing",
        "it is new",
        "it is the one that you like most",
        "you are one of the people that like it most",
    )


@_kind("popularity invented")
def _(case: Case) -> str | None:
    many, popularity, entry = case.facts.noun.many, case.facts.popularity, case.entry()
    claims = ["it is the best liked of all", "it is liked by 1000 people", "it is a bestseller"]
    claims.append(f"it is the favourite of the {many} here")
    most = ["it is a favourite here", f"it is one of the {many} that people here like most"]
    if entry and case.are_distinct:
        claims += [f"“{entry.title}” is {claim[6:]}" for claim in most]
        claims += [f"like “{entry.title}”, it is well liked here"]
    if popularity == "favourite":
        return case.say(*claims)
    if popularity is None:
        most += ["it is well liked here", "it is also well liked here"]
    told = case.change((r"\bwell liked here\b", [m[6:] for m in most]))
    shows = "like most|favourite" + ("" if popularity else "|well liked")
    return case.rng.choice(
        [told or case.say(*most), case.told_of(shows, popularity="favourite"), case.say(*claims)]
    )


@_kind("series wrong")
def _(case: Case) -> str | None:
    """Two are said to be of one series whose titles have not even a beginning in common."""
    item = case.facts.item
    stem = set(series(item.title)[0].split())
    strangers = [e for e in case.facts.evidence if not stem & {*series(e.title)[0].split()}]
    if not strangers:
        return None
    name = f"“{case.rng.choice(strangers).title}”"
    others = [f"“{e.title}”" for e in case.facts.evidence if same_series(item, e)]
    return case.say(
        f"it belongs to the same series as {name}",
        f"it is part of the same series as {listing([*others, name])}",
        f"it is the sequel to {name}",
        f"“{item.title}” belongs to the same series as {name}",
        f"{case.everybody} belong to the same series",
    )


@_kind("junk added")
def _(case: Case) -> str | None:
    """What a model writes when it has lost its thread, in any script."""
    junk = ["10/10", "5 stars", "https://example.org", "<b>hot</b>", "</s>", "👍", "#1", "$5"]
    junk += [
        "素晴らしい映画です。",
        "Отличный фильм.",
        "فيلم رائع",
        "Es una obra maestra.",
        "Best!!!",
    ]
    junk += ["Item: 42", "[MASK]", "it's üb3r", "0.93", "½", "ℕ", "q"]
    return case.one_of(f"{case.text} {case.one_of(*junk)}", f"{case.one_of(*junk)} {case.text}")


@_kind("broken off")
def _(case: Case) -> str | None:
    """The text ends in the middle of a sentence, as when a model runs out of tokens."""
    begin = max((m.end() for m in re.finditer(r"[.?] ", case.outside)), default=0)
    cuts = [m.start() for m in re.finditer(r"\s", case.text[begin:])]
    cuts.append(len(case.text) - begin - 3)
    short = case.text[: begin + case.rng.choice(cuts)].rstrip()
    return None if len(short) <= begin or short[-1] in ".?!" else short
