"""The faithfulness check: a text is read by a declared grammar, then judged against its Facts.

    You loved “Ronin”, which is on your list, so we suggest “Heat”.

The grammar reads it: “Ronin” is loved and offered, “Heat” offered. Judged against Facts of which
“Heat” is the item and “Ronin” the evidence, the second of these is false, and the text fails.

A text goes through these files in this order: tokens, grammar, parser, reading, judge, policies;
spots reads what the grammar does not.
"""

from models.faithfulness.claims import Claim, ClaimType, Outcome, Policy, Verdict
from models.faithfulness.policies import check

CHECK_VERSION = "2"
"""Raised whenever a text may get another verdict: part of every cache key and label."""

__all__ = ["CHECK_VERSION", "Claim", "ClaimType", "Outcome", "Policy", "Verdict", "check"]
