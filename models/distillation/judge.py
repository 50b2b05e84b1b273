"""A second opinion on texts: a model of natural language inference, beside the check's verdicts.

    premise     The item is “Heat”, a film from 1995. Crime. … The user loved “Ronin”.
    hypothesis  Since you loved “Ronin”, you might enjoy “Heat”, a 1995 crime film.
    entailment, 0.98 -> supported

Such models err: what one says is reported beside a policy's verdict, and decides nothing. Anything
of transformers for sequence classification will do that has a label for entailment, such as one
trained on MultiNLI (Williams et al. 2018, NAACL) or on consistency of summaries (Laban et al. 2022,
SummaC, TACL 10).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from catalog.facts import Facts
from catalog.types import Item
from models.faithfulness.claims import Claim, Outcome, Verdict
from models.language.english import listing

_LONGEST = 512
"""Tokens of premise and hypothesis together, where a tokenizer has no limit of its own."""


class Judge:
    """A model that says whether a text follows from its Facts.

    Parameters
    ----------
    model : name on the hub, or folder

    Raises
    ------
    ValueError
        If it cannot be loaded, or has no label for entailment.
    """

    def __init__(self, model: str) -> None:
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(model)
            loaded = AutoModelForSequenceClassification.from_pretrained(model, use_safetensors=True)
        except (OSError, ValueError) as error:
            raise ValueError(f"no model for sequence classification: {model}: {error}") from None
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = loaded.to(device).eval()
        self._labels: dict[int, str] = loaded.config.id2label
        if not any(_outcome(label) == "supported" for label in self._labels.values()):
            told = ", ".join(self._labels.values())
            raise ValueError(f"{model} has no label for entailment, but {told}")
        self._most = min(self._tokenizer.model_max_length, _LONGEST)

    def verdicts(self, rows: Sequence[tuple[str, Facts]]) -> list[Verdict]:
        """Return for each text and its Facts a verdict of one claim: the whole text.

        A text that is too long for the model together with its Facts is judged by their first part.
        """
        encoded = self._tokenizer(
            [premise(facts) for _, facts in rows],
            [text for text, _ in rows],
            truncation=True,
            max_length=self._most,
            padding=True,
            return_tensors="pt",
        ).to(self._model.device)
        with torch.inference_mode():
            shares = self._model(**encoded).logits.float().softmax(-1)
        best = shares.max(-1)
        found = zip(rows, best.indices.tolist(), best.values.tolist(), strict=True)
        return [self._verdict(text, label, share) for (text, _), label, share in found]

    def _verdict(self, text: str, label: int, share: float) -> Verdict:
        name = self._labels[label]
        why = f"{name}, {share:.2f}"
        claim = Claim(0, len(text), "other", _outcome(name), why=why)
        return Verdict("strict", (claim,))


@dataclass(slots=True)
class Agreement:
    """How often a judge and the check let the same texts pass: (check, judge) and how many."""

    counts: Counter[tuple[bool, bool]] = field(default_factory=Counter)

    def add(self, checked: bool, judged: bool) -> None:
        """Count one text."""
        self.counts[checked, judged] += 1

    def __str__(self) -> str:
        both, neither = self.counts[True, True], self.counts[False, False]
        return (
            f"the judge agrees on {both + neither:,} of {self.counts.total():,}: both let pass "
            f"{both:,}, only the check {self.counts[True, False]:,}, "
            f"only the judge {self.counts[False, True]:,}, neither {neither:,}"
        )


def premise(facts: Facts) -> str:
    """Return Facts as plain sentences, all that they hold."""
    return " ".join(_sentences(facts))


def _sentences(facts: Facts) -> Iterator[str]:
    yield from _told(f"The recommended {facts.noun.one} is", facts.item)
    if facts.popularity:
        liked = "one of the most liked" if facts.popularity == "favourite" else "well liked"
        yield f"“{facts.item.title}” is {liked} by other users."
    for entry in facts.evidence:
        yield from _told(f"You {entry.liking} the {facts.noun.one}", entry)
    titles = listing([f"“{entry.title}”" for entry in facts.evidence])
    if facts.evidence_kind in {"contribution", "similar"}:
        yield f"“{facts.item.title}” is recommended because you liked {titles}."


def _told(opening: str, item: Item) -> Iterator[str]:
    title = f"“{item.title}”"
    yield f"{opening} {title}."
    if item.categories:
        yield f"{title} belongs to {listing(item.categories)}."
    if item.year:
        yield f"{title} is from {item.year}."
    for name, value in item.pairs():
        yield f"The {name} of {title} is {value}."
    if item.description:
        yield f"About {title}: {item.description}"


def _outcome(label: str) -> Outcome:
    told = label.casefold()
    if told.startswith(("entail", "consistent", "faithful")):
        return "supported"
    return "contradicted" if told.startswith("contradict") else "unverifiable"
