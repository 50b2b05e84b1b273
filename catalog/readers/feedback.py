"""Feedback: what a value means, and which values are likings where nobody has said so.

Stars are judgements and need a threshold; hours and plays are counts; a click is an event. None can
be told from numbers alone, so an import that does not know stops, and suggests:

    what does 'stars' mean? It is 1 to 5, such as 5, 4, 3. If these are judgements, say --feedback
    ratings --liking 4 (64% of the sample are that much or more); if they count, …
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from catalog.readers.cells import number

_LIKING, _LOVED = 0.7, 0.9
"""Shares of the highest value of a scale from which its values are likings, and loved: 3.5 and 4.5
of 5 stars, 7 and 9 of 10."""


def suggestion(column: str, values: Sequence[Any], no_judgement: Sequence[float]) -> str:
    """Return what an import says that was not told what a value means."""
    numbers = [n for cell in values if (n := number(cell)) == n and n not in no_judgement]
    if not numbers:
        return f"what does {column!r} mean? None of its cells is a number"
    liking, loved = thresholds(numbers)
    share = sum(n >= liking for n in numbers) / len(numbers)
    common = ", ".join(f"{value:g}" for value, _ in Counter(numbers).most_common(5))
    zero = min(numbers) <= 0 < sum(n > 0 for n in numbers) and len(set(numbers)) > 2
    hint = f"; if {min(numbers):g} means not rated, --no-judgement {min(numbers):g}" if zero else ""
    return (
        f"what does {column!r} mean? It is {min(numbers):g} to {max(numbers):g}, mostly {common}. "
        f"If these are judgements, say --feedback ratings --liking {liking:g} "
        f"({share:.0%} of the sample are that much or more) --loved {loved:g}{hint}; "
        "if they count plays, hours or purchases, say --feedback counts; "
        "if only the event matters, leave --value out"
    )


def thresholds(numbers: Sequence[float]) -> tuple[float, float]:
    """Return the lowest values that may be called a liking, and loved, on the scale of a sample."""
    scale = sorted(set(numbers))
    top = scale[-1]
    return (
        next((n for n in scale if n >= _LIKING * top), top),
        next((n for n in scale if n >= _LOVED * top), top),
    )
