"""The cache of explanations: bounded, forgetful, and blind to who asks."""

import asyncio
import inspect
import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from random_facts import hostile_facts
from service_fixtures import Clock, anyio_backend, facts_about, written  # noqa: F401

from catalog.facts import Evidence, Facts
from catalog.types import Item
from models.faithfulness import Policy
from models.language.grounded import GroundedEngine
from models.prism.writer import TextClaim, Writer, Written
from service.cache import MemoryCache, cache_key

pytestmark = pytest.mark.anyio


async def get(cache: MemoryCache, key: str) -> Written | None:
    """Look one key up."""
    return (await cache.get_many([key])).get(key)


async def put(cache: MemoryCache, texts: dict[str, Written]) -> None:
    """Put texts, about Facts that do not matter here."""
    await cache.put_many(texts, {})


async def size_of(key: str, value: Written) -> int:
    """Return what one entry takes of a cache."""
    cache = MemoryCache(10**9, ttl_s=1)
    await put(cache, {key: value})
    return cache.bytes


async def cache_for(entries: Sequence[tuple[str, Written]], ttl_s: float = 60) -> MemoryCache:
    """Return a cache that these entries fill to the last byte."""
    cache = MemoryCache(sum([await size_of(key, value) for key, value in entries]), ttl_s)
    for key, value in entries:
        await put(cache, {key: value})
    return cache


class TestKeeping:
    async def test_what_was_put_comes_back_whole(self) -> None:
        cache = MemoryCache(10**6, ttl_s=60)
        claim = TextClaim(start=0, end=6, type="title", item_id="50")
        value = Written(text="“Amélie” 🎬", source="grounded", reason="rejected", claims=(claim,))
        await put(cache, {"a": value})
        assert await cache.get_many(["b", "a"]) == {"a": value}

    async def test_the_first_write_wins(self) -> None:
        cache = MemoryCache(10**6, ttl_s=60)
        await put(cache, {"a": written("the first")})
        before = cache.bytes
        await put(cache, {"a": written("the second")})
        assert await get(cache, "a") == written("the first")
        assert cache.bytes == before


class TestForgetting:
    async def test_an_entry_is_gone_once_its_time_is_over(self) -> None:
        clock = Clock()
        cache = MemoryCache(10**6, ttl_s=60, clock=clock)
        await put(cache, {"a": written()})
        clock.now = 59.9
        assert await get(cache, "a") == written()
        clock.now = 60
        assert await get(cache, "a") is None
        assert cache.bytes == 0

    async def test_reading_and_writing_again_do_not_make_it_live_longer(self) -> None:
        clock = Clock()
        cache = MemoryCache(10**6, ttl_s=60, clock=clock)
        await put(cache, {"a": written("the first")})
        clock.now = 30
        await get(cache, "a")
        await put(cache, {"a": written("the second")})
        clock.now = 60
        assert await get(cache, "a") is None

    async def test_after_its_time_another_text_may_take_its_place(self) -> None:
        clock = Clock()
        cache = MemoryCache(10**6, ttl_s=60, clock=clock)
        await put(cache, {"a": written("the first")})
        clock.now = 60
        await put(cache, {"a": written("the second")})
        assert await get(cache, "a") == written("the second")
        assert cache.bytes == await size_of("a", written("the second"))

    async def test_the_least_recently_used_makes_room(self) -> None:
        cache = await cache_for([(key, written()) for key in "abc"])
        await get(cache, "a")
        await put(cache, {"d": written()})
        assert [await get(cache, key) is not None for key in "abcd"] == [True, False, True, True]

    async def test_a_write_that_lost_counts_as_a_use(self) -> None:
        cache = await cache_for([(key, written()) for key in "abc"])
        await put(cache, {"a": written("too late")})
        await put(cache, {"d": written()})
        assert [await get(cache, key) is not None for key in "abcd"] == [True, False, True, True]

    async def test_a_long_text_may_take_the_place_of_several(self) -> None:
        cache = await cache_for([(key, written()) for key in "abc"])
        long = written("long " * 80)
        await put(cache, {"d": long})
        assert await get(cache, "a") is None
        assert await get(cache, "d") == long

    async def test_what_could_never_fit_drives_nothing_out(self) -> None:
        cache = await cache_for([(key, written()) for key in "abc"])
        await put(cache, {"d": written("x" * 10_000)})
        assert [await get(cache, key) is not None for key in "abcd"] == [True, True, True, False]

    async def test_no_bytes_keep_nothing(self) -> None:
        cache = MemoryCache(0, ttl_s=60)
        await put(cache, {"a": written()})
        assert await get(cache, "a") is None
        assert cache.bytes == 0


class TestBound:
    @pytest.mark.parametrize("claims", [0, 3, 20])
    @pytest.mark.parametrize("words", ["Text number {}. ", "Текст номер {}. ", "🎬 {} "])
    async def test_its_bytes_are_about_those_that_the_process_spends(
        self, words: str, claims: int
    ) -> None:
        cache = MemoryCache(10**9, ttl_s=60)
        tracemalloc.start()
        try:
            for n in range(1000):
                told = [TextClaim(c, 300 + c, "title", f"item {20 * n + c}") for c in range(claims)]
                one = Written(words.format(n) * 8, "prism", None, tuple(told))
                await put(cache, {f"{n:032x}": Written.from_json(one.to_json())})
            spent, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert 0.75 * cache.bytes < spent < 1.25 * cache.bytes


class Operations(RuleBasedStateMachine):
    """Any sequence of reads, writes and waits, beside what must hold after each."""

    MAX_BYTES, TTL_S = 1500, 10.0
    keys = st.sampled_from("abcdefgh")

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.loop = Clock(), asyncio.Runner()
        self.cache = MemoryCache(self.MAX_BYTES, self.TTL_S, self.clock)
        self.first: dict[str, tuple[float, Written]] = {}  # when and what was put and stayed

    def teardown(self) -> None:
        self.loop.close()

    def found(self, key: str) -> Written | None:
        return self.loop.run(get(self.cache, key))

    @rule(key=keys, length=st.integers(0, 2000))
    def put(self, key: str, length: int) -> None:
        value, known = written("x" * length), self.found(key)
        self.loop.run(put(self.cache, {key: value}))
        fits = self.loop.run(size_of(key, value)) <= self.MAX_BYTES
        if known is None and fits:
            self.first[key] = self.clock.now, value
        # The last used always stays.
        assert self.found(key) == (known or (value if fits else None))

    @rule(key=keys)
    def get(self, key: str) -> None:
        found = self.found(key)
        if found is not None:
            put_at, value = self.first[key]
            assert found == value
            assert self.clock.now < put_at + self.TTL_S
            assert self.found(key) == value

    @rule(seconds=st.floats(0, 12))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def is_bounded(self) -> None:
        assert 0 <= self.cache.bytes <= self.MAX_BYTES


TestAnySequenceOfOperations = Operations.TestCase


class TestKeys:
    FINGERPRINT = b"fingerprint"

    def key(self, facts: Facts) -> str:
        return cache_key(self.FINGERPRINT, facts)

    def test_equal_facts_have_one_key_however_they_were_made(self) -> None:
        facts = facts_about("7")
        again = Facts.model_validate_json(facts.model_dump_json())
        assert self.key(facts) == self.key(again) == self.key(facts_about("7"))
        assert len(self.key(facts)) == 32

    def test_the_key_tells_neither_the_version_nor_what_is_left_out(self) -> None:
        facts = Facts(item=Item(id="1", title="Heat"))
        assert facts.canonical() == b'{"item":{"id":"1","title":"Heat"}}'

    @given(facts=hostile_facts())
    def test_it_is_of_all_that_is_no_default(self, facts: Facts) -> None:
        told = facts.model_dump_json(exclude={"version"}, exclude_defaults=True)
        assert facts.canonical() == facts.canonical() == told.encode()

    def test_what_is_changed_of_a_part_has_a_form_of_its_own(self) -> None:
        item = facts_about("1").item
        before = item.canonical
        other = item.model_copy(update={"title": "Ronin"})
        assert json.loads(other.canonical) == {**json.loads(before), "title": "Ronin"}
        evidence = Evidence.of(item, "loved")
        assert json.loads(evidence.canonical) == {**json.loads(before), "liking": "loved"}
        assert item.model_copy() == item == Item.model_validate_json(before)
        assert dict(item) == dict(Item.model_validate_json(before))

    @pytest.mark.parametrize(
        "change",
        [
            {"item": {"title": "Film 2"}},
            {"item": {"year": 1996}},
            {"item": {"description": "A heist."}},
            {"item": {"categories": ["Drama"]}},
            {"item": {"attributes": {"director": "Mann"}}},
            {"evidence": [{"id": "heat", "title": "Heat", "liking": "liked"}]},
            {"evidence_kind": "similar"},
            {"popularity": "favourite"},
            {"noun": {"one": "film", "many": "films"}},
        ],
    )
    def test_whatever_a_text_may_say_changes_the_key(self, change: dict[str, object]) -> None:
        known = facts_about("1").model_dump()
        item = change.get("item", {})
        assert isinstance(item, dict)
        changed = Facts.model_validate({**known, **change, "item": {**known["item"], **item}})
        assert self.key(changed) != self.key(facts_about("1"))

    def test_another_engine_or_policy_never_meets_the_texts_of_this_one(self) -> None:
        class Retrained(GroundedEngine):
            version = "retrained"

        class Renamed(GroundedEngine):
            name = "other"

        fingerprints = {
            Writer(GroundedEngine(), "strict").fingerprint,
            Writer(GroundedEngine(), "factual").fingerprint,
            Writer(Retrained(), "strict").fingerprint,
            Writer(Renamed(), "strict").fingerprint,
        }
        assert len(fingerprints) == 4
        assert len({cache_key(one, facts_about("1")) for one in fingerprints}) == 4
        assert Writer(GroundedEngine(), "strict").fingerprint in fingerprints

    def test_what_judges_descriptions_changes_only_the_policy_that_asks_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fingerprints() -> dict[Policy, bytes]:
            return {one: Writer(GroundedEngine(), one).fingerprint for one in get_args(Policy)}

        before = fingerprints()
        monkeypatch.setattr("models.faithfulness.DESCRIBED_VERSION", "another")
        after = fingerprints()
        assert {policy for policy in before if before[policy] != after[policy]} == {"described"}

    def test_nothing_of_a_user_goes_into_a_key_or_a_value(self) -> None:
        assert list(inspect.signature(cache_key).parameters) == ["fingerprint", "facts"]
        assert not [
            name
            for name in {*Facts.model_fields, *(one.name for one in fields(Written))}
            if "user" in name
        ]
