"""False texts, made from true ones: one function for each kind of mistake a writer can make.

Each takes a clean text, its Facts, dice and a catalogue, and returns a text that is false of the
Facts (or says what they do not), or None where its kind does not apply. All work on strings and
Facts alone; nothing here is shared with the checker, which these texts are to test.
"""

import random
import re
from collections.abc import Callable, Sequence

from catalog.facts import Facts
from catalog.types import Item
from models.english import article, category_words
from models.titles import series

Corruption = Callable[[str, Facts, random.Random, Sequence[Item]], str | None]
Change = tuple[str, Sequence[str]]
"""A pattern to look for outside quotation marks, and what may stand in its place."""

_TITLE = re.compile("“([^”]*)”")
_NUMBERED = re.compile(r"\b(\d+|II|III|IV|V|VI)\b")


# ---------------------------------------------------------------------- reading


def _items(facts: Facts) -> list[Item]:
    return [facts.item, *facts.evidence]


def _key(title: str) -> str:
    """Return a title without what two spellings of it may differ in."""
    return re.sub(r"[\W_]", "", title.casefold()) or title


def _is_foreign(title: str, facts: Facts) -> bool:
    return bool(title.strip()) and _key(title) not in {_key(item.title) for item in _items(facts)}


def _are_distinct(facts: Facts) -> bool:
    return len({_key(item.title) for item in _items(facts)}) == len(_items(facts))


def _has(item: Item, category: str) -> bool:
    return category.casefold() in {own.casefold() for own in item.categories}


def _decade(year: int) -> int:
    return year // 10 * 10


def _outside(text: str, facts: Facts) -> str:
    """Return the text with all that stands in quotation marks blanked, character for character."""
    text = _TITLE.sub(lambda match: "\0" * len(match[0]), text)
    words = {str(w) for i in _items(facts) for w in (*i.categories, *i.attributes.values())}
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(f"‘{word}’", "\0" * (len(word) + 2))
    return text


# ---------------------------------------------------------------------- rewriting


def _splice(text: str, start: int, end: int, new: str) -> str:
    """Put `new` in place of a span, with its capital and the article in front made right."""
    if text[start:end][:1].isupper() and text[start:end] != "IMAX":
        new = new[:1].upper() + new[1:]
    before = re.search(r"\b(an?) $", text[:start], re.IGNORECASE)
    if before:
        a = article(new).split(" ", 1)[0]
        start, new = before.start(1), f"{a.capitalize() if before[1][0] == 'A' else a} {new}"
    return text[:start] + new + text[end:]


def _change(text: str, facts: Facts, rng: random.Random, changes: Sequence[Change]) -> str | None:
    """Apply one of the changes at one of the places where it applies."""
    outside = _outside(text, facts)
    places = [
        (match, template)
        for pattern, templates in changes
        for match in re.finditer(pattern, outside, re.IGNORECASE)
        for template in templates
    ]
    if not places:
        return None
    match, template = rng.choice(places)
    # A group may reach over a title, which is blanked in `outside`.
    new = re.sub(r"\\(\d)", lambda n: text[slice(*match.span(int(n[1])))], template)
    return _splice(text, *match.span(), new)


def _say(text: str, clause: str, rng: random.Random, facts: Facts) -> str:
    """Add a clause: as another sentence, in place of the last one, or joined to it."""
    told = clause[0].upper() + clause[1:] + "."
    ends = [m.end() for m in re.finditer(r"[.?!] ", _outside(text, facts))]
    if ends and "“" not in text[ends[-1] :] and rng.random() < 0.5:
        return text[: ends[-1]] + told
    return rng.choice([f"{text} {told}", f"{text} {told}", f"{text[:-1]}, and {clause}."])


def _rename(text: str, rng: random.Random, rename: Callable[[str], str | None]) -> str | None:
    """Replace one title, at one place where it is named."""
    named = list(_TITLE.finditer(text))
    rng.shuffle(named)
    for match in named:
        title = rename(match[1])
        if title is not None:
            return f"{text[: match.start(1)]}{title}{text[match.end(1) :]}"
    return None


def _stranger(facts: Facts, rng: random.Random, catalogue: Sequence[Item]) -> str | None:
    title = rng.choice(catalogue).title
    return title if _is_foreign(title, facts) else None


# ---------------------------------------------------------------------- titles


def title_from_outside(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    return _rename(text, rng, lambda _: _stranger(facts, rng, catalogue))


def title_token_changed(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    def change(title: str) -> str | None:
        words = title.split()
        n = rng.randrange(len(words))
        word = rng.choice(["Dark", "Day", "Return", "the", "Boy", "of"])
        letter = rng.randrange(len(words[n]))
        misspelt = words[n][:letter] + rng.choice("aeiorst") + words[n][letter + 1 :]
        swapped = [*words[:n], *words[n : n + 2][::-1], *words[n + 2 :]]
        changed = rng.choice(
            [
                [*words[:n], word, *words[n + 1 :]],
                [*words[:n], word, *words[n:]],
                [*words[:n], misspelt, *words[n + 1 :]],
                swapped,
            ]
        )
        return " ".join(changed) if _is_foreign(" ".join(changed), facts) else None

    return _rename(text, rng, change)


def sequel_number_changed(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    def renumber(title: str) -> str | None:
        number = _NUMBERED.search(title)
        if number and number[0].isdigit():
            new = str(int(number[0]) + rng.choice([-1, 1, 2]))
        elif number:
            new = rng.choice(["II", "III", "IV", "V", "VI", "VII"])
        else:
            return f"{title} {rng.choice(['2', '3', 'II', 'III', 'Part II'])}"
        return title[: number.start()] + new + title[number.end() :]

    def change(title: str) -> str | None:
        new = renumber(title)
        return new if new and _is_foreign(new, facts) else None

    return _rename(text, rng, change)


def titles_blended(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    def blend(title: str) -> str | None:
        head = title.split()
        tail = rng.choice(_items(facts)).title.split()
        blended = " ".join(head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :])
        return blended if _is_foreign(blended, facts) else None

    return _rename(text, rng, blend)


def title_cut_short(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    def cut(title: str) -> str | None:
        ends = [m.start() for m in re.finditer(r"[\s:,(-]+", title)] + [len(title) // 2]
        short = title[: rng.choice(ends)]
        return short if _is_foreign(short, facts) else None

    return _rename(text, rng, cut)


def swapped(text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]) -> str | None:
    """The item and an entry of the history change places."""
    if not facts.evidence or not _are_distinct(facts):
        return None
    item, other = f"“{facts.item.title}”", f"“{rng.choice(facts.evidence).title}”"
    return text.replace(item, "\0").replace(other, item).replace("\0", other)


# ---------------------------------------------------------------------- categories


def _strange_category(facts: Facts, rng: random.Random) -> str:
    """Return a category, with a form in English, that nothing in the Facts has."""
    names = "Action Animation Comedy Crime Documentary Drama Horror Musical War Western Romance"
    own = {c.casefold() for i in _items(facts) for c in i.categories}
    return rng.choice([n for n in names.split() if n.casefold() not in own] or ["Thai"])


def _called(category: str, facts: Facts, form: str) -> str:
    """Return what a category makes of the noun: in "front" of one, as "one", or as "many"."""
    words, noun = category_words(category), facts.noun
    if words.attributive is None:
        return f"{noun.many if form == 'many' else noun.one} listed under ‘{category}’"
    if form == "front":
        return words.attributive
    if form == "many":
        return words.plural or f"{words.attributive} {noun.many}"
    return words.noun or f"{words.attributive} {noun.one}"


def category_wrong(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """One category in the text becomes another, or a description gets one more."""
    wrong = _strange_category(facts, rng)
    if category_words(wrong).attributive is None:
        return None
    noun = re.escape(facts.noun.one), re.escape(facts.noun.many)
    changes: list[Change] = []
    for category in {c for item in _items(facts) for c in item.categories}:
        words = category_words(category)
        if words.plural:
            changes.append((rf"\b{words.plural}\b", [_called(wrong, facts, "many")]))
        if words.noun:
            changes.append((rf"\b{words.noun}\b(?! \w+ film)", [_called(wrong, facts, "one")]))
        if words.attributive and not words.noun:
            front = rf"\b{re.escape(words.attributive)}\b"
            changes.append((front, [_called(wrong, facts, "front")]))
        if f"‘{category}’" in text and rng.random() < 0.5:
            other = rng.choice([wrong, "Kites", "Books & More"])
            return text.replace(f"‘{category}’", f"‘{other}’", 1)
    front = _called(wrong, facts, "front")
    changes.append((rf"(?<=\ba )\b{noun[0]}\b(?= (?:from|for)\b)", [f"{front} {facts.noun.one}"]))
    return _change(text, facts, rng, changes)


def category_claimed(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """A sentence more says of one item, or of all, what holds of none."""
    kind = _strange_category(facts, rng)
    one, many = _called(kind, facts, "one"), _called(kind, facts, "many")
    name = f"“{rng.choice(_items(facts)).title}”"
    claims = [f"it is {article(one)}", f"{name} is {article(one)}", f"it is another {one}"]
    if facts.evidence:
        everybody = {1: "both", 2: "all three", 3: "all four"}[len(facts.evidence)]
        claims += [f"{everybody} are {many}", f"like {name}, it is {article(one)}"]
        claims += [f"you like {many}", f"{name} is {article(one)} too"]
    return _say(text, rng.choice(claims), rng, facts)


def category_moved_to_item(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """The item is given a category that only its evidence has."""
    moved = [
        (entry, category)
        for entry in facts.evidence
        for category in entry.categories
        if not _has(facts.item, category)
    ]
    if not moved or not _are_distinct(facts):
        return None
    entry, category = rng.choice(moved)
    one = _called(category, facts, "one")
    name = f"“{facts.item.title}”"
    everybody = {1: "both", 2: "all three", 3: "all four"}[len(facts.evidence)]
    claim = rng.choice(
        [
            f"it is {article(one)}",
            f"{name} is {article(one)}",
            f"like “{entry.title}”, it is {article(one)}",
            f"{name} is another {one}",
            f"{everybody} are {_called(category, facts, 'many')}",
        ]
    )
    aside = f"{name}, {article(one)},"
    if rng.random() < 0.4 and re.search(re.escape(name) + r" (?!\()\w", text):
        return text.replace(name, aside, 1)
    return _say(text, claim, rng, facts)


def category_moved_to_evidence(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """An entry of the history is given a category that it has not, and the item has."""
    moved = [
        (entry, category)
        for entry in facts.evidence
        for category in facts.item.categories
        if not _has(entry, category)
    ]
    if not moved or not _are_distinct(facts):
        return None
    entry, category = rng.choice(moved)
    one, name = _called(category, facts, "one"), f"“{entry.title}”"
    everybody = {1: "both", 2: "all three", 3: "all four"}[len(facts.evidence)]
    claim = rng.choice(
        [
            f"{name} is {article(one)}",
            f"like {name}, it is {article(one)}",
            f"{name} is {article(one)} too",
            f"{everybody} are {_called(category, facts, 'many')}",
        ]
    )
    aside = f"{name}, {article(one)},"
    if rng.random() < 0.4 and re.search(re.escape(name) + r" (?!\()\w", text):
        return text.replace(name, aside, 1)
    return _say(text, claim, rng, facts)


# ---------------------------------------------------------------------- years


def _other_year(facts: Facts, rng: random.Random) -> int:
    own = facts.item.year
    years = [i.year for i in facts.evidence if i.year and i.year != own]
    return rng.choice([*years, (own or 1990) + rng.choice([-10, -1, 1, 2, 10, 100])])


def year_wrong(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    wrong = _other_year(facts, rng)
    if not 1000 <= wrong <= 2999:
        return None
    told = _change(text, facts, rng, [(rf"(?<!\()\b{facts.item.year}\b", [str(wrong)])])
    claims = [f"it is from {wrong}", f"it came out in {wrong}"]
    claims.append(f"it is {article(f'{wrong} {facts.noun.one}')}")
    return told or _say(text, rng.choice(claims), rng, facts)


def decade_wrong(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    wrong = _decade(_other_year(facts, rng))
    if wrong < 1000 or (facts.item.year and wrong == _decade(facts.item.year)):
        return None
    changes: list[Change] = [(r"\b\d+0s\b", [f"{wrong}s"])]
    if facts.item.year:
        changes.append((rf"(?<=from ){facts.item.year}\b", [f"the {wrong}s"]))
    claims = [f"it is from the {wrong}s", f"it came out in the {wrong}s"]
    if facts.evidence:
        everybody = {1: "both", 2: "all three", 3: "all four"}[len(facts.evidence)]
        claims += [f"{everybody} are from the {wrong}s", f"{everybody} came out in the {wrong}s"]
    told = _change(text, facts, rng, changes)
    return told or _say(text, rng.choice(claims), rng, facts)


# ---------------------------------------------------------------------- likings


_LIKED = r"(?<!well )\b(?:loved|liked|enjoyed)\b"


def liking_turned(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    dislikes = ["hated", "disliked", "could not stand", "were bored by", "regretted", "avoided"]
    changes: list[Change] = [
        (_LIKED, dislikes),
        (r"\byour (?:love of|liking for|fondness for)", ["your dislike of", "your hatred of"]),
    ]
    return _change(text, facts, rng, changes)


def loved_for_liked(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    loves = ["loved", "loved", "adored", "really loved", "absolutely loved"]
    changes: list[Change] = [
        (r"(?<!well )\b(?:liked|enjoyed)\b", loves),
        (r"\byour (?:liking|fondness) for", ["your love of", "your love for"]),
    ]
    return _change(text, facts, rng, changes)


def not_in_history(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """You are said to have met something that your history does not show."""
    title = rng.choice([_stranger(facts, rng, catalogue), facts.item.title])
    if title is None or not _are_distinct(facts):
        return None
    more = f"“{title}”"
    verbs = ["watched", "liked", "loved", "also enjoyed", "recently watched", "have seen"]
    claim = f"you {rng.choice(verbs)} {more}"
    if " " in title and title != facts.item.title and rng.random() < 0.2:
        claim = claim.replace(more, title)  # not even in quotation marks
    if facts.evidence and rng.random() < 0.5:
        name = f"“{rng.choice(facts.evidence).title}”"
        pattern = rf"(?:liked|loved|enjoyed|love of|liking for|fondness for) {re.escape(name)}"
        place = re.search(pattern, text)
        if place and not text[place.end() :].startswith(" ("):
            return f"{text[: place.end()]}{rng.choice([', ', ' and '])}{more}{text[place.end() :]}"
    return _say(text, claim, rng, facts)


# ---------------------------------------------------------------------- counts and logic


def count_wrong(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    n = len(facts.evidence)
    counts = {"both": 2, "all three": 3, "all four": 4, "all five": 5}
    # "All three" of four is true of three, so only what counts neither will do.
    wrong = [word for word, count in counts.items() if count not in (n, n + 1)]
    listed = r"\b(liked|loved|enjoyed) (?=\0)"
    too_many = rng.choice([w for w, count in counts.items() if count > n + 1])[4:]
    changes: list[Change] = [(r"\b(?:both|all three|all four)\b", wrong)] * 3
    changes.append((listed, [rf"\1 {too_many} {facts.noun.many}, such as "]))
    claim = rng.choice(["you liked", "you recently loved", "we picked it from"])
    told = _change(text, facts, rng, changes)
    return told or _say(text, f"{claim} {too_many} {facts.noun.many}", rng, facts)


def negated(text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]) -> str | None:
    nots = ["did not", "didn't", "never", "hardly"]
    changes: list[Change] = [
        (r"(?<=you )(?:recently )?(?:loved|liked|enjoyed)\b", [f"{n} like" for n in nots]),
        (r"\bwhich you (loved|liked|enjoyed)\b", [r"which you never \1", r"neither of which \1"]),
        (r"\bmay (?=suit|appeal|be for|be a|be next|like|enjoy)", ["may not ", "will never "]),
        (r"\bis (?=recommended|on your|next|here|well|one of|a favourite)", ["is not ", "isn't "]),
        (r"\bit is\b", ["it is not", "it isn't", "it is hardly", "it is no longer"]),
        (r"\bwe suggest\b", ["we do not suggest", "we don't suggest", "we cannot suggest"]),
        (r"\b(both|all three|all four) are\b", [r"not \1 are", r"\1 are not", "none are"]),
        (r"\b(both|all three|all four) came\b", [r"not \1 came", "none came"]),
        (r"\b(?:because|since) you\b", ["although you", "not because you"]),
        (r"\b(put) ", [r"did not \1 "]),
        (r"\bled\b", ["did not lead"]),
        (r"\bThanks to\b", ["No thanks to", "Not thanks to"]),
        (r"\bfollows from\b", ["does not follow from"]),
        (r"\b(?:here is|try|next for you)\b", [r"not \g", "here is not", "do not try"][1:]),
        (r"\bon your list\b", ["not on your list"]),
        (r"\bbelongs to\b", ["does not belong to"]),
        (r"(?<=, )((?:an?) )", [r"not \1"]),
    ]
    return _change(text, facts, rng, changes)


def because_added(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """A reason is claimed where the Facts know of none."""
    if facts.evidence_kind not in ("recent", "none"):
        return None
    claims = ["that is why it is here", "that is the reason for it", "it follows from your taste"]
    if facts.evidence_kind == "none":
        claims += [f"it is here because you like {facts.noun.many}", "it is here because of you"]
    else:
        titles = [f"“{entry.title}”" for entry in facts.evidence]
        claims += [f"it is here because of {rng.choice(titles)}", f"{titles[0]} led to it"]
        claims.append(f"thanks to {titles[0]}, we found it")
    changes: list[Change] = [
        (r"\. Here is\b", [", so here is", ", and that is why here is"]),
        (r"\. We suggest\b", [", so we suggest", ", which is why we suggest"]),
        (r"\. You may\b", [", so you may", ". Therefore you may"]),
        (r"\. (?:Lately you|You recently)\b", [", because you", ", as you", ", since you"]),
        (r"; ", [", so ", ", and so ", "; therefore "]),
        (r"^After\b", ["Because of", "Thanks to"]),
        (r"^You recently\b", ["Because you recently"]),
    ]
    told = _change(text, facts, rng, changes)
    return told if told and rng.random() < 0.7 else _say(text, rng.choice(claims), rng, facts)


# ---------------------------------------------------------------------- inventions


def _invented(facts: Facts, rng: random.Random, values: Sequence[str]) -> str | None:
    value = rng.choice(values)
    return None if value.casefold() in facts.model_dump_json().casefold() else value


def attribute_invented(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    people = ["Mira Nair", "Tom Hanks", "Agnès Varda", "Sidney Lumet", "Zadie Smith"]
    who = _invented(facts, rng, people)
    if who is None:
        return None
    asides = [f"directed by {who}", f"with {who}", f"by {who}", f"starring {who}"]
    name = f"“{rng.choice(_items(facts)).title}”"
    place = text.find(f"{name},")
    if place >= 0 and rng.random() < 0.5:
        end = place + len(name)
        return f"{text[:end]}, {rng.choice(asides)}{text[end:]}"
    claims = [
        f"its cast is ‘{who}’",
        f"its maker is ‘{who}’",
        f"its maker is {who}",
        f"it is by {who}",
        f"it stars {who}",
        f"{name} was made by {who}",
        "it runs for 97 minutes",
        "its length is ‘97’",
        "it is in Spanish",
        "its colour is ‘mauve’, the same as for " + name,
        "it won an award",
        "it costs $12",
    ]
    return _say(text, rng.choice(claims), rng, facts)


def attribute_value_wrong(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """What the Facts know of the item gets another value, or is shared with who has it not."""
    own = facts.item.attributes
    if not own:
        return None
    name, value = rng.choice(list(own.items()))
    others = [e.attributes[name] for e in facts.evidence if name in e.attributes]
    made_up = value + rng.choice([-1, 1, 10]) if isinstance(value, int) else f"{value} Jr."
    wrong = rng.choice([*others, made_up, "Omar Sharif"])
    if str(wrong).casefold() == str(value).casefold():
        return None
    if f"its {name} is ‘{value}’" in text.replace("Its", "its"):
        return text.replace(f"{name} is ‘{value}’", f"{name} is ‘{wrong}’")
    without = [e for e in facts.evidence if e.attributes.get(name) != value]
    if without and _are_distinct(facts) and rng.random() < 0.5:
        other = rng.choice(without).title
        return _say(text, f"its {name} is ‘{value}’, the same as for “{other}”", rng, facts)
    return _say(text, f"its {name} is ‘{wrong}’", rng, facts)


def reason_invented(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    adjective = rng.choice(["gripping", "clever", "moving", "dark", "beautiful", "funny"])
    thing = rng.choice(["plot", "atmosphere", "story", "cast", "soundtrack", "ending", "humour"])
    changes: list[Change] = [
        (r"(?<=\0)(?=[.,])", [f" for its {adjective} {thing}", f" with its {adjective} {thing}"]),
        (r"\b(?=because you\b)", [f"because of its {adjective} {thing} and "]),
        (r"(?<=\b[Yy]ou )(?=loved \0|liked \0)", ["rightly ", "always ", "often "]),
        (r"\ba (?=\d|\w+ (?:film|book|from))", [f"a {adjective} ", f"a very {adjective} "]),
        (r"\.$", [f", for its {adjective} {thing}.", f", so it has a {adjective} {thing}."]),
    ]
    claims = [
        f"its {thing} is {adjective}",
        "critics praise it",
        f"it has a {adjective} {thing}",
        f"you will like its {thing}",
        f"fans of {adjective} {facts.noun.many} like it",
        f"it is {adjective}",
        "it is a masterpiece",
        "it is a must",
        "it is good",
        "people like you like it",
        f"it is as {adjective} as what you liked",
        "you like this kind of thing",
        "it is new",
    ]
    if rng.random() < 0.5:
        return _change(text, facts, rng, changes)
    return _say(text, rng.choice(claims), rng, facts)


def popularity_invented(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    claims = ["it is the best liked of all", "it is liked by 1000 people", "it is a bestseller"]
    most = [
        "it is a favourite here",
        f"it is one of the {facts.noun.many} that people here like most",
    ]
    if facts.popularity == "favourite":
        return _say(text, rng.choice(claims), rng, facts)
    if facts.popularity == "well_liked":
        changes: list[Change] = [(r"\bwell liked here\b", [m[6:] for m in most])]
        return _change(text, facts, rng, changes) or _say(text, rng.choice(most), rng, facts)
    claims += [*most, *most, "it is well liked here", "it is also well liked here"]
    return _say(text, rng.choice(claims), rng, facts)


def series_wrong(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """Two are said to be of one series whose titles have not even a beginning in common."""
    stem = series(facts.item.title)[0]
    strangers = [e for e in facts.evidence if series(e.title)[0][:3] != stem[:3]]
    if not strangers:
        return None
    name = f"“{rng.choice(strangers).title}”"
    claims = [
        f"it belongs to the same series as {name}",
        f"it is part of the same series as {name}",
        f"it is the sequel to {name}",
        f"both belong to one series, like {name}",
    ]
    return _say(text, rng.choice(claims), rng, facts)


def broken_off(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """The text ends in the middle of a sentence, as when a model runs out of tokens."""
    begin = max((m.end() for m in re.finditer(r"[.?] ", _outside(text, facts))), default=0)
    cuts = [m.start() for m in re.finditer(r"\s", text[begin:])] + [len(text) - begin - 3]
    short = text[: begin + rng.choice(cuts)].rstrip()
    return None if len(short) <= begin or short[-1] in ".?!" else short


def mention_shared(
    text: str, facts: Facts, rng: random.Random, catalogue: Sequence[Item]
) -> str | None:
    """The whole of a description goes to the wrong item: what is said of it is said of another."""
    entry = rng.choice(facts.evidence) if facts.evidence else None
    if entry is None or not _are_distinct(facts):
        return None
    year = facts.item.year
    if year is None or year < 1000 or entry.year == year:
        return None
    claim = rng.choice(
        [
            f"“{entry.title}” is from {year}",
            f"“{entry.title}” came out in {year}",
            f"“{entry.title}” is {article(f'{year} {facts.noun.one}')}",
        ]
    )
    return _say(text, claim, rng, facts)


KINDS: dict[str, Corruption] = {
    "title from outside": title_from_outside,
    "title token changed": title_token_changed,
    "sequel number changed": sequel_number_changed,
    "titles blended": titles_blended,
    "title cut short": title_cut_short,
    "item and evidence swapped": swapped,
    "category wrong": category_wrong,
    "category claimed": category_claimed,
    "category moved to item": category_moved_to_item,
    "category moved to evidence": category_moved_to_evidence,
    "year wrong": year_wrong,
    "year moved to evidence": mention_shared,
    "decade wrong": decade_wrong,
    "liking turned": liking_turned,
    "loved for liked": loved_for_liked,
    "not in the history": not_in_history,
    "count wrong": count_wrong,
    "negated": negated,
    "because added": because_added,
    "attribute invented": attribute_invented,
    "attribute value wrong": attribute_value_wrong,
    "reason invented": reason_invented,
    "popularity invented": popularity_invented,
    "series wrong": series_wrong,
    "broken off": broken_off,
}
