"""Measuring an engine on held-out Facts: how faithful, whole and varied its raw texts are.

Raw means before the check: what a user would read without it.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from catalog.facts import Facts
from catalog.facts_file import Sample, batched
from models.distillation.normalise import normalised
from models.faithfulness import check
from models.language.english import category_words
from models.language.values import is_name
from models.oracle.protocol import OracleError
from models.oracle.texts import read_rows, texts_shards
from models.prism.engines.protocol import Engine

_PAGE = 10
_QUOTED = re.compile(r"“[^”]*”(?: \(\d+\))?|‘.*?’(?!\w)")
_TITLES = re.compile(r"T(?:(?:, T)* and T)?")


@dataclass(frozen=True, slots=True)
class Share:
    """A share of texts, with its 95% Wilson interval."""

    count: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return its lower and upper bound."""
        if not self.total:
            return 0.0, 1.0
        z, n, p = 1.96, self.total, self.count / self.total
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low = max(0.0, middle - spread)  # not -0.0
        return low / (1 + z * z / n), (middle + spread) / (1 + z * z / n)

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = self.interval
        return f"{self.count / self.total:.1%} [{low:.1%}, {high:.1%}]"


@dataclass(slots=True)
class Quality:
    """What was found in the texts of one engine on one slice of the Facts."""

    strict: Share
    factual: Share
    names_evidence: Share
    whole: Share
    patterns: float
    """Distinct patterns on the median page of ten."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Rejected texts by the type of their first failing claim."""


def written(engine: Engine, facts: Iterable[Facts], size: int = 64) -> list[str]:
    """Return an engine's text for each of the Facts, in batches as a worker would."""
    texts: list[str] = []
    for batch in batched(facts, size):
        texts += engine.write(batch)
    return texts


def teachers_texts(
    samples: Sequence[Sample], texts: Path
) -> tuple[list[Sample], dict[str, Sequence[str]]]:
    """Return the samples of which an Oracle wrote, and its normalised texts by its name.

    Of several samples the first counts; of several Oracles, the rows that all wrote of. Raises
    OracleError, also where there are none.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for shard in texts_shards(texts):
        for row in read_rows(shard):
            if "text" in row and row["split"] == "test":
                facts = Facts.model_validate(row["facts"])
                writer = f"{row['oracle']} {Path(row['model']).name}"
                found[writer].setdefault(row["digest"], normalised(row["text"], facts))
    digests = [sample.facts.digest().hex() for sample in samples]
    rows = [n for n, digest in enumerate(digests) if all(digest in of for of in found.values())]
    if not found or not rows:
        raise OracleError(f"{texts} has no texts of held-out rows: run prism write --rows test")
    written: dict[str, Sequence[str]] = {
        writer: [of[digests[n]] for n in rows] for writer, of in found.items()
    }
    return [samples[n] for n in rows], written


def measure(samples: Sequence[Sample], texts: Sequence[str]) -> Quality:
    """Measure the texts that an engine wrote for the samples.

    Parameters
    ----------
    samples : n rows of a Facts file
    texts : n texts, in the same order
    """
    rows = [(sample.facts, text) for sample, text in zip(samples, texts, strict=True)]
    verdicts = [check(text, facts) for facts, text in rows]
    with_evidence = [(facts, text) for facts, text in rows if facts.evidence]
    pages: dict[int, list[str]] = defaultdict(list)
    for sample, text in zip(samples, texts, strict=True):
        pages[sample.page].append(pattern(text, sample.facts))
    full = [page[:_PAGE] for page in pages.values() if len(page) >= _PAGE]
    return Quality(
        strict=_share(verdict.passed for verdict in verdicts),
        factual=_share(verdict.outcome != "contradicted" for verdict in verdicts),
        names_evidence=_share(
            any(f"“{entry.title}”" in text for entry in facts.evidence)
            for facts, text in with_evidence
        ),
        whole=_share(text.endswith((".", "?", "!")) for text in texts),
        patterns=median(len(set(page)) for page in full) if full else math.nan,
        rejected=Counter(v.failures()[0].type for v in verdicts if not v.passed),
    )


def _share(found: Iterable[bool]) -> Share:
    outcomes = list(found)
    return Share(sum(outcomes), len(outcomes))


def bare(text: str, facts: Facts) -> str:
    """Return a text with every quoted span as one letter, T or C, and the names in it as V."""
    masked = _QUOTED.sub(lambda match: "T" if match[0][0] == "“" else "C", text)
    values = {v for item in (facts.item, *facts.evidence) for _, v in item.pairs()}
    told = (value for value in values if isinstance(value, str) and value in masked)
    names = sorted((v for v in told if is_name(v, counts=True)), key=len, reverse=True)
    for name in names:
        masked = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "V", masked)
    return re.sub(r"V(?:, V)* and V\b", "V", masked)


def pattern(text: str, facts: Facts) -> str:
    """Return a text with titles, categories, years and attribute values masked.

    A list of titles counts as one, so that its length alone makes no pattern of its own.
    """
    masked = _TITLES.sub("T", bare(text, facts))
    forms = {facts.noun.one, facts.noun.many}
    for category in {c for item in (facts.item, *facts.evidence) for c in item.categories}:
        words = category_words(category)
        forms |= {w for w in (words.attributive, words.noun, words.plural) if w}
    form = "|".join(re.escape(word) for word in sorted(forms, key=len, reverse=True))
    masked = re.sub(rf"\b(?:an? )?(?:{form})\b(?:(?: and)? (?:{form})\b)*", "C", masked)
    return re.sub(r"\b(?:an? )?\d+s?\b", "Y", masked)
