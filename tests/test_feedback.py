"""Impressions and feedback: what was shown, told by an id alone, and counted once."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_fixtures import Client, Clock, client_of, problem_of, wrong_fields
from structlog.testing import capture_logs

from catalog.dataset import Dataset
from models.prism.writer import Reason, Written
from service.deployments.embedded import embedded_app
from service.impressions import VALID_S, Impressions, UnknownImpressionError, longest
from service.settings import Settings

DATA = Path(__file__).parent.parent / "data"
KEY, OTHER = b"k" * 32, b"o" * 32
_texts = st.none() | st.builds(
    Written,
    text=st.just("Watch “Heat”."),
    source=st.sampled_from(["prism", "grounded"]),
    reason=st.none() | st.sampled_from(get_args(Reason)),
)


class TestImpressions:
    @given(
        shown=st.dictionaries(st.text(min_size=1), _texts, max_size=20),
        style=st.sampled_from(["prism", "grounded", "none"]),
    )
    def test_an_id_tells_of_every_item_what_was_shown_and_where(
        self, shown: dict[str, Written | None], style: Any
    ) -> None:
        made = Impressions([KEY]).seal(style, list(shown.items()))
        assert len(made) == longest(len(shown))
        for rank, (item_id, text) in enumerate(shown.items(), start=1):
            told = Impressions([KEY]).open(made, item_id)
            assert (told.rank, told.style) == (rank, style)
            written = ("none", None) if text is None else (text.source, text.reason)
            assert (told.source, told.reason) == written

    def test_no_two_answers_have_the_same_and_none_names_an_item(self) -> None:
        impressions = Impressions([KEY])
        ids = {impressions.seal("prism", [("an item of some", None)]) for _ in range(50)}
        assert len(ids) == 50
        assert not any(b"an item" in urlsafe_b64decode(one + "==") for one in ids)

    @given(place=st.integers(0, 200), change=st.integers(1, 255))
    def test_no_byte_of_it_can_be_changed(self, place: int, change: int) -> None:
        raw = urlsafe_b64decode(Impressions([KEY]).seal("prism", [("1", None), ("2", None)]) + "==")
        changed = bytearray(raw)
        changed[place % len(raw)] ^= change
        with pytest.raises(UnknownImpressionError):
            Impressions([KEY]).open(urlsafe_b64encode(changed).decode().rstrip("="), "1")

    @given(made_up=st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
    def test_none_can_be_made_up(self, made_up: str) -> None:
        with pytest.raises(UnknownImpressionError):
            Impressions([KEY]).open(made_up, "1")

    def test_one_id_has_one_spelling(self) -> None:
        made = Impressions([KEY]).seal("prism", [("1", None)])
        for spelling in (made + "=", made + "==", made + "\n", f" {made}", made + "A"):
            with pytest.raises(UnknownImpressionError):
                Impressions([KEY]).open(spelling, "1")

    def test_keys_may_change_and_strangers_keys_are_none(self) -> None:
        made = Impressions([KEY]).seal("prism", [("1", None)])
        assert Impressions([OTHER, KEY]).open(made, "1").rank == 1
        for others in ([OTHER], []):
            with pytest.raises(UnknownImpressionError):
                Impressions(others).open(made, "1")

    def test_it_is_understood_for_a_week(self) -> None:
        clock = Clock()
        impressions = Impressions([KEY], clock)
        made = impressions.seal("prism", [("1", None)])
        clock.now = VALID_S
        assert impressions.open(made, "1").age_s == VALID_S
        clock.now += 1
        with pytest.raises(UnknownImpressionError, match="too old"):
            impressions.open(made, "1")

    def test_another_item_is_not_in_it(self) -> None:
        impressions = Impressions([])
        with pytest.raises(UnknownImpressionError, match="no such item"):
            impressions.open(impressions.seal("prism", [("1", None)]), "2")


@pytest.fixture(scope="module")
def client(demo: Dataset) -> Iterator[Client]:
    """Return a client of the embedded service over the demo."""
    options = Settings(data=DATA / "demo", snapshot=DATA / "ranker", model="grounded")
    with client_of(embedded_app(options)) as made:
        yield made


def told(client: Client, impression: str, item: str, kind: str = "clicked") -> httpx.Response:
    """Send feedback."""
    body = {"impression_id": impression, "item_id": item, "kind": kind}
    return client.post("/feedback", json=body)


def counted(client: Client, name: str, **labels: str) -> float:
    """Return how often something was counted."""
    return client.samples().get((f"prism_{name}_total", frozenset(labels.items())), 0.0)


class TestFeedback:
    @pytest.mark.parametrize("style", ["prism", "grounded", "none"])
    def test_it_is_counted_by_what_was_shown(self, client: Client, style: str) -> None:
        labels = {"style": style, "reason": ""}
        labels["source"] = "none" if style == "none" else "grounded"
        shown = counted(client, "impressions", **labels)
        answer = client.get(f"/recommend?user_id=42&k=4&style={style}").json()
        assert counted(client, "impressions", **labels) == shown + 4
        for kind in ("helpful", "not_helpful", "clicked", "dismissed"):
            item = answer["items"][2]["item_id"]
            before = counted(client, "feedback", kind=kind, **labels)
            for _ in range(3):  # told again, it is no news
                assert told(client, answer["impression_id"], item, kind).status_code == 204
            assert counted(client, "feedback", kind=kind, **labels) == before + 1

    def test_it_is_one_event_of_the_log_that_names_no_user(self, client: Client) -> None:
        answer = client.get("/recommend?user_id=564&k=3").json()
        item = answer["items"][1]["item_id"]
        with capture_logs() as logs:
            told(client, answer["impression_id"], item)
            told(client, answer["impression_id"], item)
        [event] = [line for line in logs if line["event"] == "feedback"]
        assert event.pop("age_s") in range(60)
        assert len(event.pop("impression")) == 16
        assert event == {
            "event": "feedback", "log_level": "info", "kind": "clicked", "item_id": item,
            "rank": 2, "style": "prism", "source": "grounded", "reason": None,
        }  # fmt: skip

    @pytest.mark.parametrize("body", [None, {"history": [], "candidates": ["318"]}])
    def test_of_a_stream_the_last_event_knows_the_explanations(
        self, client: Client, body: object
    ) -> None:
        way = "?user_id=42&k=1" if body is None else ""
        raw = client.request("POST" if body else "GET", f"/recommend/stream{way}", json=body).text
        items, *_, done = [
            json.loads(line.removeprefix("data: "))
            for line in raw.splitlines()
            if line.startswith("data: ")
        ]
        item = items["items"][0]["item_id"]
        for event, source in ((items, "none"), (done, "grounded")):
            with capture_logs() as logs:
                assert told(client, event["impression_id"], item).status_code == 204
            assert logs[0]["source"] == source

    def test_explanations_of_others_facts_are_shown_too(self, client: Client) -> None:
        item = {"id": "'\"<script>", "title": "<script>alert(1)</script>"}
        answer = client.post("/explain", json={"facts": [{"item": item}]}).json()
        with capture_logs() as logs:
            assert told(client, answer["impression_id"], item["id"]).status_code == 204
        assert logs[0]["item_id"] == item["id"]
        assert "<script" not in client.get("/metrics").text

    def test_what_is_forged_or_of_another_item_is_refused_and_not_counted(
        self, client: Client
    ) -> None:
        answer = client.get("/recommend?user_id=42&k=1").json()
        item, impression = answer["items"][0]["item_id"], answer["impression_id"]
        before = client.get("/metrics").text.count("prism_feedback_total{")
        for forged in (
            "",
            "AAAA",
            impression[:-1],
            impression.swapcase(),
            "é",
            "😀",
        ):
            problem = problem_of(told(client, forged, item), 404)
            assert problem["type"] == "urn:prism:unknown-impression"
        problem_of(told(client, impression, "no such item"), 404)
        assert client.get("/metrics").text.count("prism_feedback_total{") == before

    def test_the_wrong_field_is_named(self, client: Client) -> None:
        assert wrong_fields(told(client, "x" * 1000, "1")) == ["impression_id"]
        assert wrong_fields(told(client, "x", "")) == ["item_id"]
        assert wrong_fields(told(client, "x", "1", "loved")) == ["kind"]
