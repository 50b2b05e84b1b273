"""Entries of which is only known that they were used: what is said of them, and by whom."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest

from catalog.dataset import Dataset
from catalog.facts import Evidence, Facts, Noun, Verb
from catalog.tables import DatasetInfo
from catalog.types import Item, RankedItem
from models.faithfulness import Policy, check
from models.language.grounded import STYLES, GroundedEngine, explain
from models.oracle.prompts import facts_in_words
from models.prism.writer import Writer
from ranker.evidence import recommendations

SmallDataset = Callable[..., Dataset]
GAMES = Noun(one="game", many="games")
PLAYS = DatasetInfo(name="games", noun=GAMES, verb="played", feedback="counts", loved_quantile=0.9)
PORTAL = Evidence(id="1", title="Portal", categories=("Puzzle",), liking="used")
DOOM = Evidence(id="2", title="Doom", liking="loved")
QUAKE = Evidence(id="3", title="Quake", liking="liked")
MYST = Item(id="9", title="Myst", categories=("Puzzle",), year=1993)


USED_DOOM = DOOM.model_copy(update={"liking": "used"})
EVIDENCE = [
    (PORTAL,),
    (PORTAL, DOOM),
    (PORTAL, USED_DOOM),
    (DOOM, QUAKE, PORTAL),
    (PORTAL, USED_DOOM, QUAKE),
]


def facts(*evidence: Evidence, kind: str = "contribution", **more: object) -> Facts:
    """Return Facts on one game."""
    return Facts.model_validate(
        {"noun": GAMES, "verb": "played", "item": MYST, "evidence": evidence,
         "evidence_kind": kind, **more}
    )  # fmt: skip


class TestFacts:
    def test_counts_and_events_are_used_and_only_ratings_liked(
        self, small_dataset: SmallDataset
    ) -> None:
        log = [("ann", "a", 1.0), ("ann", "b", 1.0), ("ann", "c", 90.0)]
        plays = small_dataset(log, info=PLAYS)
        assert plays.likings(np.array([1.0, 1.0, 90.0])) == ["used", "used", "loved"]
        assert plays.likings(np.array([1.0, 1.0, 1.0])) == ["used"] * 3
        clicks = small_dataset(log, info=DatasetInfo(name="x", feedback="events"))
        assert clicks.likings(np.array([1.0])) == ["used"]

    def test_the_verb_comes_from_the_dataset_where_it_is_said(
        self, small_dataset: SmallDataset
    ) -> None:
        plays = small_dataset([("ann", "a", 1.0), ("bob", "b", 1.0)], info=PLAYS)
        [with_used] = recommendations(
            plays, plays.history("ann"), [RankedItem("b", 1.0, np.array([1.0]))]
        )
        assert with_used.facts.verb == "played"
        [without] = recommendations(
            plays, plays.history("ann"), [RankedItem("b", 1.0, np.array([-1.0]))]
        )
        assert without.facts.verb == "chose"

    def test_facts_without_it_have_the_bytes_they_had(self) -> None:
        told = Facts(item=MYST, evidence=(DOOM,), evidence_kind="contribution").canonical()
        assert b"verb" not in told


class TestTexts:
    @pytest.mark.parametrize("kind", ["contribution", "similar", "recent"])
    @pytest.mark.parametrize("evidence", EVIDENCE, ids=len)
    def test_every_pattern_says_played_and_nothing_warmer(
        self, evidence: tuple[Evidence, ...], kind: str
    ) -> None:
        texts = {explain(facts(*evidence, kind=kind), style) for style in range(STYLES)}
        assert len(texts) > 10
        for text in texts:
            assert "played" in text
            assert "“Portal”" in text
            if {entry.liking for entry in evidence} == {"used"}:
                words = set(text.lower().replace(".", " ").replace(",", " ").split())
                assert not words & {"loved", "liked", "enjoyed", "love", "fondness", "liking"}

    def test_an_oracle_is_told_the_verb(self) -> None:
        assert "They played “Portal”" in facts_in_words(facts(PORTAL))


class TestTheCheck:
    @pytest.mark.parametrize("kind", ["contribution", "similar", "recent"])
    @pytest.mark.parametrize("evidence", EVIDENCE, ids=len)
    def test_every_text_of_the_grammar_passes(
        self, evidence: tuple[Evidence, ...], kind: str
    ) -> None:
        verbs = get_args(Verb)
        for style in range(STYLES):
            told = facts(*evidence, kind=kind, verb=verbs[style % len(verbs)])
            text = explain(told, style)
            assert check(text, told).passed, text

    @pytest.mark.parametrize(
        "text",
        [
            "You loved “Portal”, so we suggest “Myst”.",
            "You enjoyed “Portal”, so we suggest “Myst”.",
            "Your fondness for “Portal” led us to “Myst”.",
            "“Portal”, which you liked, led us to “Myst”.",
            "You watched “Portal”, so we suggest “Myst”.",
            "“Portal”, which you read, led us to “Myst”.",
            "Because you played “Myst”, we suggest “Portal”.",
            "You played and loved “Portal”, so we suggest “Myst”.",
            "You enjoyed playing “Portal”, so we suggest “Myst”.",
        ],
    )
    def test_what_says_more_or_other_than_that_it_was_used_fails(self, text: str) -> None:
        assert check("You played “Portal”, so we suggest “Myst”.", facts(PORTAL)).passed
        assert not check(text, facts(PORTAL)).passed

    def test_a_liking_passes_for_no_use_and_a_use_for_no_liking(self) -> None:
        assert not check("You played “Quake”, so we suggest “Myst”.", facts(QUAKE)).passed
        for policy in get_args(Policy):
            told = check("You enjoyed “Portal”, so we suggest “Myst”.", facts(PORTAL), policy)
            assert not told.passed, policy

    def test_what_was_used_is_a_claim_of_its_own(self) -> None:
        [written] = Writer(GroundedEngine(), "strict").write([facts(PORTAL)])
        assert "played “Portal”" in written.text
        assert "liking" in {claim.type for claim in written.claims}
