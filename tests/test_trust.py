"""What is read from Redis is signed or checked again, and bounded; one that hangs costs little."""

import asyncio
import json
import signal
import stat
import time
from pathlib import Path

import pytest
from cluster import RedisServer
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import RedisError
from service_fixtures import (  # noqa: F401
    GENEROUS_S,
    BrokenCache,
    Clock,
    anyio_backend,
    facts_about,
    written,
)

from catalog.facts import Facts
from models.faithfulness import check
from models.language.grounded import explain
from models.prism.writer import Written
from service.breaker import Breaker, LeftAloneError
from service.cache import MemoryCache
from service.redis.cache import NearCache, RedisCache
from service.redis.trust import MOST_BYTES, Trust, open_trust
from service.settings import Settings
from service.signing import SigningKeyError

pytestmark = pytest.mark.anyio
OLD, NEW = b"o" * 32, b"n" * 32
PLAIN, SIGNED = Trust([], "strict"), Trust([NEW, OLD], "strict")
FACTS = {key: facts_about(key) for key in ("a", "b")}
LIE = "You hated “Heat” and its gripping plot."


class TestSealing:
    @given(place=st.text(), payload=st.text())
    def test_what_was_sealed_is_opened_in_its_place(self, place: str, payload: str) -> None:
        for trust in (PLAIN, SIGNED):
            if "\n" not in place and not (trust is PLAIN and len(payload) > 64):
                assert trust.open(place, trust.seal(place, payload)) == payload

    @given(sealed=st.text() | st.from_regex(r"[0-9a-f]{64} .*", fullmatch=True))
    def test_what_was_not_signed_is_never_believed(self, sealed: str) -> None:
        assert SIGNED.open("place", sealed) is None

    def test_nothing_is_believed_in_another_place_or_changed(self) -> None:
        sealed = SIGNED.seal("prism:text:a", "payload")
        assert SIGNED.open("prism:text:b", sealed) is None
        assert SIGNED.open("prism:text:a", f"{sealed}!") is None
        assert SIGNED.open("prism:text", SIGNED.seal("prism:text\na", "b")) is None

    def test_a_key_that_is_replaced_stays_valid_while_it_is_listed(self) -> None:
        before = Trust([OLD], "strict").seal("place", "payload")
        assert SIGNED.open("place", before) == "payload"
        assert Trust([NEW], "strict").open("place", before) is None

    def test_a_process_without_a_key_reads_what_others_have_signed(self) -> None:
        assert PLAIN.open("place", SIGNED.seal("place", '{"a": 1}')) == '{"a": 1}'

    def test_what_is_larger_than_any_text_is_not_looked_at(self) -> None:
        assert PLAIN.open("place", "x" * (MOST_BYTES + 1)) is None
        assert SIGNED.open("place", SIGNED.seal("place", "x" * MOST_BYTES)) is None

    async def test_without_a_key_a_text_and_its_claims_are_checked_again(self) -> None:
        facts = FACTS["a"]
        true = Written(text=explain(facts), source="prism")
        believed = await PLAIN.believed(true, facts)
        assert believed is not None
        assert (believed.text, believed.source) == (true.text, "prism")
        assert len(believed.claims) == len(check(true.text, facts).claims) > 0
        assert await PLAIN.believed(Written(text=LIE, source="prism"), facts) is None
        assert await SIGNED.believed(Written(text=LIE, source="prism"), facts) is not None


class TestKeys:
    def settings(self, file: Path) -> Settings:
        return Settings.model_validate({"signing_key_file": file})

    def test_the_first_of_a_file_signs_and_all_are_accepted(self, tmp_path: Path) -> None:
        file = tmp_path / "keys"
        file.write_text(f"{NEW.decode()}\n{OLD.decode()}\n")
        trust = open_trust(self.settings(file))
        assert trust.seal("place", "payload") == SIGNED.seal("place", "payload")
        assert trust.open("place", Trust([OLD], "strict").seal("place", "p")) == "p"

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"", "is empty"),
            (b"short\n", "less than 32"),
            (NEW + b"\nshort\n", "less than 32"),
            (b"\xff" * 40, "no plain text"),
        ],
    )
    def test_one_that_cannot_be_used_is_refused_with_what_to_do(
        self, tmp_path: Path, content: bytes, why: str
    ) -> None:
        file = tmp_path / "keys"
        file.write_bytes(content)
        with pytest.raises(SigningKeyError, match=f"(?s){why}.*openssl rand") as refusal:
            open_trust(self.settings(file))
        assert "short\n" not in str(refusal.value)

    def test_one_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SigningKeyError, match="there is no file"):
            open_trust(self.settings(tmp_path / "none"))
        folder = tmp_path / "folder"
        folder.mkdir(mode=stat.S_IRWXU)
        with pytest.raises(SigningKeyError, match="cannot be read"):
            open_trust(self.settings(folder))


def cache_of(redis: Redis, ttl_s: float = 60, trust: Trust = SIGNED) -> RedisCache:
    return RedisCache(redis, ttl_s, trust, Breaker(failures=1, open_s=60, fair_s=0))


@pytest.fixture(params=[PLAIN, SIGNED], ids=["unsigned", "signed"])
def trust(request: pytest.FixtureRequest) -> Trust:
    found: Trust = request.param
    return found


def true(key: str) -> Written:
    """Return a true text about the Facts under a key, as a worker writes it."""
    facts = FACTS[key]
    return Written(text=explain(facts), source="prism")


class TestCache:
    async def test_the_first_write_wins_and_everybody_learns_which(
        self,
        redis: Redis,
    ) -> None:
        cache = cache_of(redis)
        first, second = {"a": written("first")}, {"a": written("second")}
        assert await cache.put_many(first, FACTS) == first
        assert await cache.put_many(second, FACTS) == first
        assert await cache.get_many(FACTS, GENEROUS_S) == first

    @pytest.mark.parametrize(
        "value",
        [
            b"", b"{}", b"\xff\xfe", b"null", b"[]", b"9" * 400, b"[" * 60_000,
            b'{"text": "cut sho', b'{"text": 7, "source": "prism"}',
            b'{"text": "by somebody else", "source": "oracle"}',
            b'{"text": "t", "source": "prism", "claims": [{"start": "?"}]}',
            json.dumps({"text": LIE, "source": "prism"}).encode(),
            json.dumps({"text": "x" * MOST_BYTES, "source": "prism"}).encode(),
        ],
    )  # fmt: skip
    async def test_what_is_corrupt_foreign_or_false_is_a_miss_and_is_replaced(
        self,
        redis: Redis,
        trust: Trust,
        value: bytes,
    ) -> None:
        cache = cache_of(redis, trust=trust)
        await redis.set("prism:text:a", value)
        assert await cache.get_many(FACTS, GENEROUS_S) == {}
        kept = await cache.put_many({"a": true("a")}, FACTS)
        assert kept["a"].text == explain(FACTS["a"])
        found = await cache.get_many(FACTS, GENEROUS_S)
        assert found["a"].text == explain(FACTS["a"])

    async def test_another_kind_of_value_is_a_miss_and_is_replaced(
        self,
        redis: Redis,
        trust: Trust,
    ) -> None:
        cache = cache_of(redis, trust=trust)
        await redis.rpush("prism:text:a", "x")
        assert await cache.get_many(FACTS, GENEROUS_S) == {}
        await cache.put_many({"a": true("a")}, FACTS)
        assert [*await cache.get_many(FACTS, GENEROUS_S)] == ["a"]

    async def test_of_a_large_value_no_more_is_read_than_of_any_text(
        self,
        redis: Redis,
    ) -> None:
        await redis.set("prism:text:a", "x" * 10_000_000)
        before = (await redis.info("stats"))["total_net_output_bytes"]
        assert await cache_of(redis).get_many(FACTS, GENEROUS_S) == {}
        assert (await redis.info("stats"))["total_net_output_bytes"] - before < 10 * MOST_BYTES

    async def test_every_text_expires_and_not_all_at_once(self, redis: Redis) -> None:
        await cache_of(redis, 1000).put_many(
            {str(n): written() for n in range(50)}, {str(n): facts_about(str(n)) for n in range(50)}
        )
        lives = [await redis.pttl(f"prism:text:{n}") for n in range(50)]
        assert all(890_000 < life <= 1_100_000 for life in lives)
        assert max(lives) - min(lives) > 50_000

    async def test_a_near_cache_saves_the_way_and_outlives_the_far_one(
        self,
        redis: Redis,
    ) -> None:
        failures: list[int] = []
        near = MemoryCache(10**6, 60)
        cache = NearCache(near, cache_of(redis), lambda: failures.append(1))
        await cache_of(redis).put_many({"a": written()}, FACTS)
        assert await cache.get_many({"a": FACTS["a"]}, 1) == {"a": written()}
        alone = NearCache(near, _Gone(), lambda: failures.append(1))
        assert await alone.get_many(FACTS, 1) == {"a": written()}
        assert failures == [1]

    async def test_a_redis_that_hangs_is_waited_for_once_and_near_texts_are_there_all_the_same(
        self, redis: Redis, redis_server: RedisServer
    ) -> None:
        assert redis_server.running is not None
        failures: list[int] = []
        near = MemoryCache(10**6, 60)
        await near.put_many({"a": written()}, FACTS)
        cache = NearCache(near, cache_of(redis), lambda: failures.append(1))
        redis_server.running.send_signal(signal.SIGSTOP)
        try:
            started = time.monotonic()
            for _ in range(20):
                assert await cache.get_many(FACTS, 0.3) == {"a": written()}
            assert 0.3 <= time.monotonic() - started < 20 * 0.3 / 2
            assert len(failures) == 20
        finally:
            redis_server.running.send_signal(signal.SIGCONT)

    async def test_who_has_little_time_does_not_decide_that_redis_is_gone(self) -> None:
        clock = Clock()
        breaker = Breaker(failures=1, open_s=1, fair_s=0.25, clock=clock)
        breaker.before()
        clock.now = 0.1
        breaker.timed_out()
        assert not breaker.open
        breaker.succeeded()
        for clock.now in (1.0, 1.1, 1.2, 1.3):  # but all of them together do
            breaker.before()
            breaker.timed_out()
        assert breaker.open
        with pytest.raises(LeftAloneError):
            breaker.before()
        clock.now = 2.4
        breaker.before()  # one question
        with pytest.raises(LeftAloneError):
            breaker.before()
        breaker.succeeded()
        breaker.before()


class _Gone(BrokenCache):
    async def get_many(self, wanted: object, within_s: float) -> dict[str, Written]:
        await asyncio.sleep(0)
        raise RedisError("gone")


def test_no_text_of_ours_is_nearly_as_large_as_what_is_read(demo_facts: list[Facts]) -> None:
    for facts in demo_facts:
        assert 4 * len(true_of(facts).to_json()) < MOST_BYTES


def true_of(facts: Facts) -> Written:
    """Return the grounded text with its claims."""
    from models.prism.writer import grounded_text  # noqa: PLC0415

    return grounded_text(facts, "deadline")


@pytest.fixture
def demo_facts() -> list[Facts]:
    """Return Facts with the longest names that there may be."""
    facts = facts_about("1").model_dump()
    title = "Ж" * 200
    facts["item"] |= {"title": title, "categories": [f"{n} {'ж' * 70}" for n in range(8)]}
    facts["evidence"] = [
        {"id": f"e{n}", "title": f"{n}{title[1:]}", "categories": facts["item"]["categories"],
         "liking": "loved"}
        for n in range(3)
    ]  # fmt: skip
    return [Facts.model_validate(facts)]
