"""Words by what they are forms of, by rule: hunts, hunted and hunting are hunt; bigger is not big.

    lemmas("stories") = {"stories", "story"}      lemmas("caring") = {"caring", "care"}

Two words are one where their lemmas meet. Comparatives, superlatives and who does a thing (hunter)
stay words of their own, as they say something else.
"""

import re
from functools import lru_cache

_IRREGULAR = {
    form: lemma
    for lemma, forms in {
        "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet",
        "tooth": "teeth", "mouse": "mice", "wife": "wives", "life": "lives", "wolf": "wolves",
        "knife": "knives", "thief": "thieves", "leaf": "leaves", "half": "halves",
        "begin": "began begun", "break": "broke broken", "bring": "brought", "build": "built",
        "buy": "bought", "catch": "caught", "choose": "chose chosen", "come": "came",
        "draw": "drew drawn", "drink": "drank drunk", "drive": "drove driven", "eat": "ate eaten",
        "fall": "fell fallen", "feel": "felt", "fight": "fought", "find": "found",
        "flee": "fled", "fly": "flew flown", "forget": "forgot forgotten", "get": "got gotten",
        "give": "gave given", "go": "went gone goes", "grow": "grew grown", "hide": "hid hidden",
        "hold": "held", "keep": "kept", "know": "knew known", "lead": "led", "leave": "left",
        "lose": "lost", "make": "made", "meet": "met", "pay": "paid", "ride": "rode ridden",
        "rise": "rose risen", "run": "ran", "say": "said", "see": "saw seen", "seek": "sought",
        "sell": "sold", "send": "sent", "sing": "sang sung", "sit": "sat", "sleep": "slept",
        "speak": "spoke spoken", "spend": "spent", "stand": "stood", "steal": "stole stolen",
        "swim": "swam swum", "take": "took taken", "teach": "taught", "tell": "told",
        "think": "thought", "wear": "wore worn", "win": "won", "write": "wrote written",
    }.items()
    for form in forms.split()
}  # fmt: skip
_SPELLED = {
    "cosy": "cozy", "theatre": "theater", "centre": "center", "grey": "gray", "mum": "mom",
    "colour": "color", "colourful": "colorful", "favourite": "favorite", "flavour": "flavor",
    "humour": "humor", "neighbour": "neighbor", "harbour": "harbor", "organise": "organize",
    "flavourful": "flavorful", "neighbourhood": "neighborhood", "doughnut": "donut",
}  # fmt: skip
_WHOLE = frozenset(
    "during evening morning nothing something everything anything thing king ring spring string "
    "wedding ceiling sibling pudding bed red seed need feed speed hundred sacred naked wicked bus "
    "gas news series species always perhaps less plus jazz physics politics mathematics christmas "
    "lens chess boss glass class dress princess business kindred building being".split()
)
"""Words that end like a form and are none."""
_VOWEL = re.compile("[aeiouy]")


@lru_cache(maxsize=65_536)
def lemmas(word: str) -> frozenset[str]:
    """Return a word, without capitals, and all that it may be a form of."""
    plain = word.casefold().replace("’", "'")
    plain = _SPELLED.get(plain, plain)
    found = {plain}
    if plain in _IRREGULAR:
        found.add(_IRREGULAR[plain])
    elif plain not in _WHOLE and plain.isalpha():
        found |= _singular(plain) | _stem(plain)
    return frozenset(_SPELLED.get(lemma, lemma) for lemma in found)


def _singular(word: str) -> set[str]:
    """Return what a word is the plural of, or of a verb the form of he and she."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return set()
    if word.endswith("ies"):
        return {f"{word[:-3]}y"} if len(word) > 4 else {word[:-1]}
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return {word[:-2], word[:-1]}
    return {word[:-2], word[:-1]} if word.endswith("oes") else {word[:-1]}


def _stem(word: str) -> set[str]:
    """Return what a word in -ed or -ing is of."""
    if word.endswith("ied"):
        return {f"{word[:-3]}y"}
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 2 or not _VOWEL.search(stem):
            continue
        if len(stem) > 3 and stem[-1] == stem[-2]:  # running, falling
            return {stem, stem[:-1]}
        # A short one keeps its e: caring is of care, not of car, whose form would be carring.
        if re.fullmatch("[^aeiou]*[aeiouy][^aeiouwxy]", stem):
            return {f"{stem}e"}
        return {stem, f"{stem}e"}
    return set()
