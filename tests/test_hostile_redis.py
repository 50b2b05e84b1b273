"""Another client of Redis may write whatever it likes: nothing false is served, and nobody dies.

Every attack is made on a running gateway and worker, unsigned and signed, before or while texts are
asked for. Whatever it is, answers come, every text is true of its Facts, the metrics can be read,
and in the end all is as before.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cluster import SLOW_WORKER, Cluster, Process, beside, cluster, start_together, wait_for
from service_fixtures import GENEROUS_S, facts_about

from catalog.facts import Facts
from models.faithfulness import check
from models.language.grounded import explain
from service.cache import cache_key

pytestmark = pytest.mark.slow
LIE = "You hated “Heat”, so watch “Film 1” for its gripping plot."
DIGITS = "9" * 400
ESCAPES = "\x1b]0;owned\x07\x1b[2J[bold red]\u202e"
_NUMBERS = count(1000)


@dataclass(frozen=True)
class Target:
    """A gateway, a worker and their Redis; everything that an attacker can see of them."""

    cluster: Cluster
    gateway: Process
    worker: Process
    redis: Any
    fingerprint: str

    def key(self, facts: Facts) -> str:
        """Return the key of Facts."""
        return cache_key(bytes.fromhex(self.fingerprint), facts)

    def stream(self, name: str) -> str:
        """Return the name of a stream."""
        return f"prism:jobs:{self.fingerprint}:{name}"

    def texts_of(self, *facts: Facts) -> list[dict[str, Any]]:
        """Ask for explanations, which must be answered, and true."""
        body = {"facts": [one.model_dump() for one in facts], "deadline_ms": 1500}
        response = self.gateway.post("/explain", body)
        assert response.status_code == 200, response.text
        told: list[dict[str, Any]] = response.json()["explanations"]
        for one, explanation in zip(facts, told, strict=True):
            verdict = check(explanation["text"], one)
            assert verdict.passed, explanation
            found = {(c.start, c.end, c.type) for c in verdict.claims}
            assert {(c["start"], c["end"], c["type"]) for c in explanation["claims"]} <= found
        return told


def new_facts() -> Facts:
    """Return Facts that nobody has asked about."""
    return facts_about(str(next(_NUMBERS)))


def written(text: str, **more: object) -> str:
    """Return a text as a worker without a key would keep it."""
    return json.dumps({"text": text, "source": "prism", "claims": [], **more})


@pytest.fixture(scope="module")
def ranker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("ranker")) as running:
        yield running


@pytest.fixture(scope="module", params=["unsigned", pytest.param("signed", marks=pytest.mark.long)])
def target(
    request: pytest.FixtureRequest, ranker: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    settings = {"PRISM_RATE_PER_S": "1", "PRISM_RATE_BURST": "100000", "PRISM_TEST_TEXT_S": "0.002"}
    if request.param == "signed":
        (folder / "keys").write_text(f"{'ab' * 32}\n")
        settings["PRISM_SIGNING_KEY_FILE"] = str(folder / "keys")
    with beside(ranker, folder, **settings) as running:
        gateway, worker = running.new("gateway"), running.new("worker", SLOW_WORKER)
        start_together(gateway, worker)
        redis = running.redis.client
        wait_for(lambda: bool(redis.hkeys("prism:models")))
        [fingerprint] = redis.hkeys("prism:models")
        made = Target(running, gateway, worker, redis, str(fingerprint))
        wait_for(lambda: is_well(made))
        yield made


def is_well(target: Target) -> bool:
    """Return whether a new text is written by the worker."""
    [told] = target.texts_of(new_facts())
    return told["reason"] is None


# ---------------------------------------------------------------------- what is kept

KEPT: dict[str, Callable[[Any, str, str], object]] = {
    "a false text": lambda r, k, _: r.set(k, written(LIE)),
    "a false text under a signature": lambda r, k, _: r.set(k, f"{'0' * 64} {written(LIE)}"),
    "a text of others": lambda r, k, _: r.set(k, written(explain(facts_about("2")))),
    "a true text with false claims": lambda r, k, true: r.set(
        k, written(true, claims=[{"start": 0, "end": 3, "type": "title", "item_id": "x"}])
    ),
    "claims beyond the text": lambda r, k, true: r.set(
        k, written(true, claims=[{"start": -5, "end": 10**9, "type": "year"}])
    ),
    "a hundred thousand claims": lambda r, k, true: r.set(
        k, written(true, claims=[{"start": 0, "end": 1, "type": "year"}] * 100_000)
    ),
    "20 MB": lambda r, k, _: r.set(k, written("x" * 20_000_000)),
    "nothing": lambda r, k, _: r.set(k, ""),
    "null": lambda r, k, _: r.set(k, "null"),
    "a number of 400 digits": lambda r, k, _: r.set(k, DIGITS),
    "numbers of 400 digits": lambda r, k, true: r.set(
        k,
        written(true).replace("[]", f'[{{"start": {DIGITS}, "end": {DIGITS}, "type": "year"}}]'),
    ),
    "no UTF-8": lambda r, k, _: r.set(k, b"\xff\xfe\x00" * 50),
    "deep JSON": lambda r, k, _: r.set(k, "[" * 60_000),
    "another source": lambda r, k, true: r.set(k, written(true, source="oracle")),
    "another reason": lambda r, k, true: r.set(k, written(true, reason="just so")),
    "an empty text": lambda r, k, _: r.set(k, written("")),
    "terminal escapes": lambda r, k, true: r.set(k, written(true + ESCAPES)),
    "a lone surrogate": lambda r, k, _: r.set(k, '{"text": "\\ud800", "source": "prism"}'),
    "a list": lambda r, k, _: r.rpush(k, "a"),
    "a hash": lambda r, k, _: r.hset(k, "text", LIE),
    "a set": lambda r, k, _: r.sadd(k, "a"),
    "a stream": lambda r, k, _: r.xadd(k, {"text": LIE}),
    "a text that never expires": lambda r, k, true: r.set(k, written(true)),
}


@pytest.mark.parametrize("attack", KEPT)
def test_what_is_kept_under_the_key_of_a_text(target: Target, attack: str) -> None:
    facts, other = new_facts(), new_facts()
    KEPT[attack](target.redis, f"prism:text:{target.key(facts)}", explain(facts))
    told = target.texts_of(facts, other)
    assert [one["reason"] for one in told] == [None, None]
    assert all(one["text"] == explain(f) for one, f in zip(told, (facts, other), strict=True))
    unharmed(target)


# ---------------------------------------------------------------------- what is published

PUBLISHED: dict[str, Callable[[str], Any]] = {
    "a false text": lambda key: {"key": key, "written": json.loads(written(LIE))},
    "a text of others": lambda key: {
        "key": key, "written": json.loads(written(explain(facts_about("2")))),
    },
    "speed without end": lambda key: {"key": "0" * 32, "job_s": float("inf")},
    "speed that is no number": lambda key: {"key": "0" * 32, "job_s": float("nan")},
    "speed below nothing": lambda key: {"key": "0" * 32, "job_s": -1},
    "speed of 400 digits": lambda key: f'{{"key": "x", "job_s": {DIGITS}}}',
    "no speed at all": lambda key: {"key": "0" * 32, "job_s": 1e300, "worker": "w"},
    "a long name": lambda key: {"key": "0" * 32, "worker": "w" * 10**6},
    "a long failure": lambda key: {"key": "0" * 32, "failed": "f" * 10**6},
    "20 MB": lambda key: "x" * 20_000_000,
    "deep JSON": lambda key: "[" * 60_000,
    "bytes": lambda key: b"\xff\x00\xfe",
    "nothing": lambda key: "",
    "a list": lambda key: [key],
}  # fmt: skip


@pytest.mark.parametrize("attack", PUBLISHED)
def test_what_is_published_while_a_text_is_waited_for(target: Target, attack: str) -> None:
    facts, stop = [new_facts() for _ in range(20)], threading.Event()
    keys, channel = [target.key(one) for one in facts], f"prism:done:{target.fingerprint}"
    client = target.redis

    def publish() -> None:
        while not stop.is_set():
            for key in keys:
                message = PUBLISHED[attack](key)
                is_raw = isinstance(message, str | bytes)
                client.publish(channel, message if is_raw else json.dumps(message))
            time.sleep(0.05 if attack != "20 MB" else 1)

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        told = target.texts_of(*facts)
    finally:
        stop.set()
        publisher.join()
    assert all(one["text"] == explain(f) for one, f in zip(told, facts, strict=True))
    unharmed(target)


# ---------------------------------------------------------------------- what is queued


def entry(target: Target, facts: Facts, /, **fields: object) -> dict[str, Any]:
    """Return an entry as a gateway queues it, but for some fields."""
    now = int(time.time() * 1000)
    good = {
        "key": target.key(facts), "facts": facts.model_dump_json(), "created": now,
        "expires": now + 5000, "attempt": 1,
    }  # fmt: skip
    return {name: value for name, value in {**good, **fields}.items() if value is not None}


QUEUED: dict[str, dict[str, object]] = {
    "no key": {"key": None},
    "no Facts": {"facts": None},
    "no times": {"created": None, "expires": None},
    "a time of 400 digits": {"created": DIGITS},
    "a deadline of 400 digits": {"expires": DIGITS},
    "a deadline in a thousand years": {"expires": 10**14},
    "a time before all times": {"created": -5},
    "a time that is no number": {"created": "soon"},
    "no attempt yet": {"attempt": 0},
    "many attempts": {"attempt": DIGITS},
    "Facts of 5 MB": {"facts": "x" * 5_000_000},
    "Facts that are none": {"facts": "{}"},
    "deep Facts": {"facts": "[" * 60_000},
    "a key that is none": {"key": "../../etc/passwd"},
    "a key of 1 MB": {"key": "a" * 10**6},
    "bytes": {"facts": b"\xff\xfe"},
}


@pytest.mark.parametrize("attack", QUEUED)
def test_what_is_queued(target: Target, attack: str) -> None:
    names = [target.stream(stream) for stream in ("awaited", "failed", "bulk")]
    for name in names:
        target.redis.xadd(name, entry(target, new_facts(), **QUEUED[attack]))
    assert is_well(target)
    wait_for(lambda: all(target.redis.xlen(name) == 0 for name in names))
    unharmed(target)


def test_a_job_under_the_key_of_other_facts_is_not_kept_for_them(target: Target) -> None:
    facts, others = new_facts(), new_facts()
    name = target.stream("awaited")
    target.redis.xadd(name, entry(target, others, key=target.key(facts)))
    wait_for(lambda: target.redis.xlen(name) == 0)
    assert not target.redis.exists(f"prism:text:{target.key(facts)}")
    [told] = target.texts_of(facts)
    assert (told["text"], told["cached"]) == (explain(facts), False)


def test_a_thousand_entries_of_somebody_else_hold_nobody_up_for_long(target: Target) -> None:
    with target.redis.pipeline() as pipeline:
        for n in range(1000):
            pipeline.xadd(target.stream("awaited"), {"n": n})
        pipeline.execute()
    wait_for(lambda: is_well(target))
    assert target.redis.xlen(target.stream("awaited")) == 0


# ---------------------------------------------------------------------- everything else

FAR = "18446744073709551614-0"
ELSEWHERE: dict[str, Callable[[Any, Target], object]] = {
    "a string for a stream": lambda r, t: put(r, t.stream("awaited"), "x"),
    "a list for the bulk": lambda r, t: put(r, t.stream("bulk"), ["x"]),
    "a list for what failed": lambda r, t: put(r, t.stream("failed"), ["x"]),
    "ids from the end of time": lambda r, t: r.xadd(t.stream("awaited"), {"a": 1}, id=FAR),
    "no stream": lambda r, t: r.delete(t.stream("awaited")),
    "no group": lambda r, t: r.xgroup_destroy(t.stream("awaited"), "prism"),
    "no consumers": lambda r, t: [
        r.xgroup_delconsumer(t.stream("awaited"), "prism", consumer["name"])
        for consumer in r.xinfo_consumers(t.stream("awaited"), "prism")
    ],
    "a string for the models": lambda r, t: put(r, "prism:models", "x"),
    "models that are none": lambda r, t: r.hset("prism:models", mapping={"x": "y", "0" * 64: "{}"}),
    "a hundred thousand models": lambda r, t: r.hset(
        "prism:models", mapping={f"{n:064x}": "x" for n in range(100_000)}
    ),
    "a model of 20 MB": lambda r, t: r.hset("prism:models", "e" * 64, "x" * 20_000_000),
    "a model from tomorrow": lambda r, t: announce(r, seen=time.time() + 86_400),
    "a model with numbers of 400 digits": lambda r, t: r.hset(
        "prism:models", "e" * 64,
        f'{{"fingerprint": "{"e" * 64}", "model": "m", "since": {DIGITS}, "seen": {DIGITS}}}',
    ),
    "a model with escapes in its name": lambda r, t: announce(r, model=ESCAPES),
    "a string for the dead letters": lambda r, t: put(r, "prism:dead", "x"),
    "dead letters of somebody else": lambda r, t: r.xadd("prism:dead", {"why": "not"}),
    "dead letters with escapes": lambda r, t: r.xadd(
        "prism:dead", {"reason": ESCAPES, "key": ESCAPES, "fingerprint": ESCAPES, "facts": "{}"}
    ),
    "a list for a bucket": lambda r, t: put(r, str(r.keys("prism:rate:*")[0]), ["x"]),
    "a bucket of 400 digits": lambda r, t: [
        r.set(name, DIGITS) for name in r.scan_iter("prism:rate:*")
    ],
    "no scripts": lambda r, t: r.script_flush(),
    "nothing at all": lambda r, t: r.flushall(),
    "no connections": lambda r, t: r.client_kill_filter(skipme=True, _type="normal"),
    "no listeners": lambda r, t: r.client_kill_filter(_type="pubsub"),
}  # fmt: skip


def put(redis: Any, name: str, value: str | list[str]) -> None:
    """Put a value in the place of what was there."""
    redis.delete(name)
    if isinstance(value, list):
        redis.rpush(name, *value)
    else:
        redis.set(name, value)


def announce(redis: Any, **about: object) -> None:
    """Announce a model of nobody's."""
    now = time.time()
    one = {"fingerprint": "e" * 64, "model": "evil@1", "priority": 9, "since": now, "seen": now}
    redis.hset("prism:models", "e" * 64, json.dumps({**one, **about}))


@pytest.mark.parametrize("attack", ELSEWHERE)
def test_what_is_put_elsewhere(target: Target, attack: str) -> None:
    ELSEWHERE[attack](target.redis, target)
    target.texts_of(new_facts())
    for process in (target.gateway, target.worker):
        assert process.get("/metrics").status_code == 200
    wait_for(lambda: is_well(target), lambda: f"after {attack} no text was written any more")
    wait_for(lambda: target.redis.type("prism:models") == "hash")
    target.redis.delete("prism:dead")
    target.redis.hdel("prism:models", "e" * 64)
    unharmed(target)


@pytest.mark.long
def test_a_model_that_nobody_has_costs_no_answer_and_is_soon_forgotten(target: Target) -> None:
    announce(target.redis)
    for _ in range(20):
        target.texts_of(new_facts())
        time.sleep(0.1)
    assert is_well(target) or "evil@1" in target.gateway.get("/metrics").text
    wait_for(lambda: is_well(target))
    target.redis.hdel("prism:models", "e" * 64)


def test_what_is_listed_holds_nothing_that_a_terminal_would_obey(
    target: Target, prism: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in target.cluster.settings.items():
        monkeypatch.setenv(name, value)
    target.redis.delete("prism:dead")
    target.redis.xadd("prism:dead", {"reason": ESCAPES, "fingerprint": ESCAPES, "facts": "{}"})
    announce(target.redis, model=ESCAPES)
    for command in (["dead-letters", "list"], ["models"]):
        listed = "".join(prism(*command))
        assert "owned" in listed or command == ["models"]
        assert "slow@1" in listed or command != ["models"]
        assert "\x1b" not in listed
        assert "\u202e" not in listed
    target.redis.delete("prism:dead")
    target.redis.hdel("prism:models", "e" * 64)


def test_a_signed_text_that_was_moved_or_changed_is_not_believed(target: Target) -> None:
    facts, moved_to = new_facts(), new_facts()
    target.texts_of(facts)
    kept = target.redis.get(f"prism:text:{target.key(facts)}")
    target.redis.set(f"prism:text:{target.key(moved_to)}", kept)
    [told] = target.texts_of(moved_to)
    assert (told["text"], told["cached"]) == (explain(moved_to), False)


def unharmed(target: Target) -> None:
    """Check that both processes live, and tell of themselves."""
    for process in (target.gateway, target.worker):
        assert process.running is not None
        assert process.running.poll() is None
        assert process.get("/metrics").status_code == 200
        assert process.get("/readyz", timeout=GENEROUS_S).status_code == 200
