"""Placeholders: values that stand for nothing or for nobody: N/A, ?, [unknown], Various Artists."""

from typing import Any

_PLACEHOLDERS = {
    "", "-", "--", "—", "?", ".", "n/a", "n.a.", "na", "nan", "none", "null", "nil", "unknown",
    "undefined", "\\n", "no genres listed", "not available", "not specified", "not applicable",
    "does not apply", "unspecified", "tba", "tbd", "to be announced", "other", "others", "misc",
    "miscellaneous", "uncategorized", "uncategorised", "anonymous", "anon", "anon.", "unbranded",
    "no brand", "generic", "various", "multiple", "et al.", "and others",
}  # fmt: skip
_NOBODY = ("unknown ", "various ", "multiple ", "different ")
_WHO = {
    "artist", "artists", "author", "authors", "writer", "writers", "director", "directors",
    "composer", "composers", "performer", "performers", "publisher", "publishers", "brand",
    "brands", "actor", "actors", "creator", "creators", "developer", "developers", "label",
    "genre", "genres", "category", "categories", "interpreters", "people", "names", "makers",
}  # fmt: skip


def is_placeholder(value: Any) -> bool:
    """Say whether a text stands for nothing or nobody; in brackets as well."""
    if not isinstance(value, str):
        return False
    plain = value.strip("[]()<>{} ").casefold()
    kind = next((plain.removeprefix(word) for word in _NOBODY if plain.startswith(word)), "")
    return plain in _PLACEHOLDERS or kind in _WHO
