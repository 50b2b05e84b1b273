"""A text as tokens: titles, categories, values and numbers that the Facts know, and words.

    You loved “Alien” and “Heat”, so we suggest “Aliens” (1986), a sci-fi thriller.
    you loved TT , so we suggest T , a C1 .

The second line is the sentence's skeleton: what stands in it of the Facts is one capital each (see
grammar.ebnf). Sentences of one skeleton are parsed once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, product

from catalog.facts import Facts
from models.faithfulness.reading.facts_words import Lexicon, first_word, lexicon_of
from models.faithfulness.reading.symbols import CATEGORIES, Title, Token, joined

LONGEST = 80
"""Tokens of a sentence beyond which it is not read."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens up to a full stop, in every way that they can be; a question "why" has its answer."""

    variants: list[list[Token]]

    @property
    def tokens(self) -> list[Token]:
        """The tokens, words of the grammar's as such."""
        return self.variants[0]

    @property
    def skeleton(self) -> str:
        """The symbols of these, a space between each."""
        return skeleton_of(self.tokens)


def skeleton_of(tokens: list[Token]) -> str:
    """Return the symbols of tokens, a space between each."""
    return " ".join(token.symbol for token in tokens)


_TOKEN = re.compile(
    r"“(?P<title>[^“”]*)”|(?P<decade>\b\d{3}0s\b)"
    r"|(?P<number>\b\d{1,3}(?:,\d{3})+\b(?![\w])|\b\d+\b(?!\w))"
    r"|(?P<possessive>['’]s\b)|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
    r"|(?P<mark>[.,;:?!()-])|(?P<other>\S)"
)
_YEAR_BEHIND = re.compile(r" \((\d{1,4})\)")
_CONTRACTED = {"'ve": "have", "'re": "are", "'ll": "will", "'d": "would"}
_SPELLED = {"favorite": "favourite", "favorites": "favourites"}
_IS = {"it's": "it", "that's": "that", "here's": "here", "what's": "what", "there's": "there"}
_ENDS = {".", "!", "?"}
_MOST_SEVERAL, _MOST_VARIANTS = 5, 32
"""Words of one sentence that are looked at as several things, and in how many ways together."""


def sentences_of(text: str, facts: Facts, own_words: frozenset[str]) -> list[Sentence]:
    """Return the sentences of a text; `own_words` are those of the grammar."""
    tokens = list(_split(text, lexicon_of(facts, own_words)))
    found: list[Sentence] = []
    current: list[Token] = []
    for n, token in enumerate(tokens):
        current.append(token)
        if token.symbol not in _ENDS:
            continue
        following = tokens[n + 1].symbol if n + 1 < len(tokens) else ""
        if token.symbol == "?" and current[0].symbol == "why" and following in {"because", "you"}:
            continue
        found.append(Sentence(_variants(current)))
        current = []
    return [*found, Sentence(_variants(current))] if current else found


def _variants(tokens: list[Token]) -> list[list[Token]]:
    """Return the tokens with every word that may be two things as each of them."""
    several = [n for n, token in enumerate(tokens) if token.others][:_MOST_SEVERAL]
    if not several:
        return [joined(iter(tokens))]
    choices = product(*((tokens[n].symbol, *tokens[n].others) for n in several))
    found = []
    for symbols in islice(choices, _MOST_VARIANTS):
        told = dict(zip(several, symbols, strict=True))
        found.append(joined(replace(t, symbol=told.get(n, t.symbol)) for n, t in enumerate(tokens)))
    return found


# ---------------------------------------------------------------------- one token after another


def _split(text: str, known: Lexicon) -> Iterator[Token]:
    position = 0
    before = ""
    while match := _TOKEN.search(text, position):
        start, end = match.span()
        if match.lastgroup == "word" and (word := match[0]).islower() and _is_plain(word, known):
            tokens = [Token(word, start, end, (word,))]  # most are: no more is asked of them
        elif token := _known(text, start, match, known, before):
            tokens = [token]
            end = token.end
        elif name := _name(text, match, known, before):
            tokens = [Token("P", start, start + len(name), (name.casefold(),))]
            if start + len(name) < end:
                tokens.append(Token("S", start + len(name), end))
        else:
            tokens = _plain(match)
        yield from tokens
        before = tokens[-1].symbol
        position = end


def _is_plain(word: str, known: Lexicon) -> bool:
    """Say whether a word is one of the grammar's that nothing of the Facts begins with."""
    return word in known.own_words and word not in known.phrases and word not in known.contextual


def _name(text: str, match: re.Match[str], known: Lexicon, before: str) -> str:
    """Return what of a word is a name that the Facts do not know: Umberto Eco's without its 's.

    The first word of a sentence is one only where another follows, or a possessive.
    """
    word = match[0]
    if match.lastgroup != "word" or not word[0].isupper():
        return ""
    name = re.sub("['’]s$", "", word)
    if "'" in name or name.casefold() in known.own_words:
        return ""
    named = name != word or text[match.end() + 1 : match.end() + 2].isupper()
    return name if named or before not in {"", *_ENDS} else ""


def _known(
    text: str, start: int, match: re.Match[str], known: Lexicon, before: str
) -> Token | None:
    """Return what the Facts know and stands at `start`, or None."""
    kind = match.lastgroup
    if kind == "title":
        end = match.end()
        year = _YEAR_BEHIND.match(text, end)
        title = Title(match["title"], start, end, int(year[1]) if year else None)
        return Token("T", start, year.end() if year else end, titles=(title,))
    if kind == "other" and match[0] == "‘":
        value = text[start + 1 : max(start, text.find("’", start))]  # these have no such quotes
        end = start + len(value) + 2
        symbol = known.quoted.get(value)
        return Token(symbol, start, end, (value,)) if symbol else None
    if kind == "mark" and match[0] != "-":
        return None
    word = first_word(text, start)
    for form, symbol, meaning in known.contextual.get(word, ()):
        if _calls_for(symbol, before) and _stands_at(text, start, form, exact=False):
            return Token(symbol, start, start + len(form), (meaning,))
    near = known.phrases.get(word, ())
    found = [entry for entry in near if _stands_at(text, start, entry[0], exact=entry[1] == "V")]
    if found:
        form = found[0][0]
        plain = _plain_symbol(form, match, known.own_words)
        symbols = dict.fromkeys(s for f, s, _ in found if f.casefold() == form.casefold())
        symbol, *others = [*([plain] if plain else []), *symbols]
        return Token(symbol, start, start + len(form), (found[0][2],), others=tuple(others))
    return None


def _plain_symbol(form: str, match: re.Match[str], own_words: frozenset[str]) -> str:
    """Return what a form of the Facts would be without them, empty where that is nothing."""
    if form == match["decade"]:
        return "D"
    if form == match["number"]:
        return "N"
    word = form.casefold()
    return word if word in own_words else ""


def _calls_for(symbol: str, before: str) -> bool:
    """Say whether one of our own words is a noun or a key after this: "a 1994 list"."""
    if symbol == "K":
        return before in {"its", "same", "the"}
    return before in {"a", "an", "another", "N", "D", "Q", *CATEGORIES}


def _plain(match: re.Match[str]) -> list[Token]:
    """Return what the grammar knows by itself: words, numbers, marks."""
    start, end = match.span()
    raw, kind = match[0], match.lastgroup
    if kind == "word":
        word = raw.replace("’", "'").casefold()
        if "'" in word:
            return list(_words(word, start, end))
        word = _SPELLED.get(word, word)
        return [Token(word, start, end, (word,))]
    if kind == "number":
        return [Token("N", start, end, (raw.replace(",", ""),))]
    symbol = {"mark": raw, "decade": "D", "possessive": "S"}.get(kind or "", "OTHER")
    return [Token(symbol, start, end, (raw,))]


def _words(word: str, start: int, end: int) -> Iterator[Token]:
    """Yield what a word with an apostrophe is made of: "isn't" is "is not"."""
    if word in _IS:
        yield Token(_IS[word], start, end - 2, (_IS[word],))
        yield Token("is", end - 2, end, ("is",))
        return
    if word.endswith("n't"):
        first = {"ca": "can", "wo": "will"}.get(word[:-3], word[:-3])
        yield Token(first, start, end - 3, (first,))
        yield Token("not", end - 3, end, ("not",))
        return
    for ending, full in _CONTRACTED.items():
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            yield Token(stem, start, end - len(ending), (stem,))
            yield Token(full, end - len(ending), end, (full,))
            return
    yield Token(word, start, end, (word,))


def _stands_at(text: str, start: int, form: str, *, exact: bool) -> bool:
    """Say whether `form` stands in the text at `start`, as whole words."""
    end = start + len(form)
    found = text[start:end]
    same = found == form if exact else found.casefold() == form.casefold()
    return same and not re.match(r"\w", text[end : end + 1]) and not _GOES_ON.match(text, end)


_GOES_ON = re.compile(r"['’](?!s\b)\w")
