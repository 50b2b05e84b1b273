"""Labels of an Oracle's raw texts: normalised, checked, and of several samples the most faithful.

    raw      You loved *Ronin*, so try Heat, with Robert De Niro.    fails: the actor is not told
    raw      Because you loved "Ronin", "Heat" is worth a look.      kept, as below
    label    Because you loved “Ronin”, “Heat” is worth a look.

No language model is asked, so that it takes minutes and can be done again: with another policy,
another form, a check that reads more. This is the filter that lets a student be more faithful than
its teacher (Zhang & Zhang, arXiv 2511.16543): under the policy `strict` it sees nothing that the
teacher made up.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from catalog.facts import Facts
from catalog.facts_file import batched, write_shard
from models.distillation.labels import SCHEMA, config_of, label_row, write_config
from models.distillation.normalise import normalised
from models.faithfulness import Policy, check
from models.oracle.texts import read_rows, texts_shards
from models.prism.forms.protocol import FormName

_SHARD_ROWS = 10_000
CUT_OFF, UNSAID = "cut off at its longest", "quotes what is no title of the Facts"
NO_ITEM, NO_EVIDENCE = "does not name the item", "names none of what the user liked"
LESS = "another sample is as faithful, or more"


@dataclass(slots=True)
class Fallen:
    """Why texts are no labels: how many for each reason, and one example."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, why: str, text: str) -> None:
        """Count one."""
        self.counts[why] += 1
        self.examples.setdefault(why, text)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A text that may be the label of its Facts."""

    rank: tuple[int, ...]
    """How faithful it is: what is larger is kept."""
    text: str
    row: dict[str, str]


class LabelsOfTexts:
    """Labels being made of a folder of raw texts.

    Parameters
    ----------
    texts : folder of prism write
    policy : what a label must pass
    form : how a Prism will read the Facts, and write
    """

    def __init__(self, texts: Path, policy: Policy, form: FormName) -> None:
        self._texts, self._policy, self._form = texts, policy, form
        self.fallen = Fallen()
        self._best: dict[str, _Candidate] = {}

    def read(self) -> Iterator[None]:
        """Read all texts that are to be learnt from, yielding after each. Raises OracleError."""
        for shard in texts_shards(self._texts):
            for row in read_rows(shard):
                if "text" in row and row["split"] == "train":
                    self._read(row)
                    yield

    def write(self, out: Path) -> int:
        """Write the labels into a folder, in the place of those that are there; return how many."""
        out.mkdir(parents=True, exist_ok=True)
        for stale in out.glob("labels-*.parquet"):
            stale.unlink()
        rows: Iterable[dict[str, str]] = (best.row for best in self._best.values())
        for number, shard in enumerate(batched(rows, _SHARD_ROWS)):
            table = pa.Table.from_pylist(shard, SCHEMA)
            write_shard(out / f"labels-{number:05}.parquet", table)
        write_config(out, config_of(self._form, self._policy))
        return len(self._best)

    def _read(self, row: dict[str, Any]) -> None:
        facts = Facts.model_validate(row["facts"])
        text = normalised(row["text"], facts)
        found = self._candidate(text, facts, row["finish"])
        if isinstance(found, str):
            self.fallen.add(found, text)
            return
        before = self._best.setdefault(row["digest"], found)
        if before is found:
            return
        better, other = (found, before) if found.rank > before.rank else (before, found)
        self._best[row["digest"]] = better
        self.fallen.add(LESS, other.text)

    def _candidate(self, text: str, facts: Facts, finish: str) -> _Candidate | str:
        """Return a text as a label, or why it is none."""
        if finish == "length":
            return CUT_OFF
        if not _names_item(text, facts):
            return NO_ITEM
        if facts.evidence and not any(f"“{entry.title}”" in text for entry in facts.evidence):
            return NO_EVIDENCE
        verdict = check(text, facts, self._policy)
        if not verdict.passed:
            failure = verdict.failures()[0]
            return f"{failure.outcome} {failure.type}: {failure.why}"
        row = label_row(text, facts, self._form)
        if row is None:
            return UNSAID
        known = Counter(claim.outcome for claim in verdict.claims)
        strict = self._policy == "strict" or check(text, facts, "strict").passed
        return _Candidate((strict, -known["unverifiable"], known["supported"]), text, row)


def _names_item(text: str, facts: Facts) -> bool:
    """Say whether a text speaks of the item: by its title, or as "this film"."""
    called = rf"“{re.escape(facts.item.title)}”|\b(?:the|this) {re.escape(facts.noun.one)}\b"
    return bool(re.search(called, text, re.IGNORECASE))
