"""The faithfulness check: a text is read by a declared grammar, then judged against its Facts.

    You loved “Ronin”, which is on your list, so we suggest “Heat”.

The grammar reads it: “Ronin” is loved and offered, “Heat” offered. Judged against Facts of which
“Heat” is the item and “Ronin” the evidence, the second of these is false, and the text fails.

A text goes through these files in this order:

- reading/: titles, and what the Facts know (facts_words), become symbols (tokens): each sentence
  has a skeleton. The grammar's parses of it (parser) become statements (walker, measuring, sharing,
  casts, makers, details, meaning);
- judging/: statements are held against the Facts, by what they are about (context) and by kind
  (kinds);
- spotting/: in what is not read or not verified, patterns find what cannot be so;
- describing/: for the policy `described`, open language is held against descriptions;
- policies: which claims a text may make and pass.
"""

from models.faithfulness.claims import Claim, ClaimType, Outcome, Policy, Verdict
from models.faithfulness.describing.described import DESCRIBED_VERSION
from models.faithfulness.policies import check, warm

CHECK_VERSION = "6"
"""Raised whenever a text may get another verdict."""


def version_of(policy: Policy) -> str:
    """Return what changes with any verdict of a policy: part of cache keys and of labels."""
    return f"{CHECK_VERSION}.{DESCRIBED_VERSION}" if policy == "described" else CHECK_VERSION


__all__ = [
    "CHECK_VERSION", "Claim", "ClaimType", "Outcome", "Policy", "Verdict", "check", "version_of",
    "warm",
]  # fmt: skip
