"""Facts, and texts of them: a true one, a false one, and one that goes beyond them."""

FACTS = {
    "noun": {"one": "film", "many": "films"},
    "item": {"id": "1", "title": "Heat", "categories": ["Crime"], "year": 1995},
    "evidence": [{"id": "2", "title": "Ronin", "liking": "loved"}],
    "evidence_kind": "contribution",
}
TRUE = "Since you loved “Ronin”, you might enjoy “Heat”, a 1995 crime film."
FALSE = "You loved “Ronin”, which is on your list, so we suggest “Heat”."
BEYOND = "“Heat” is a crime film that keeps you on the edge of your seat."
