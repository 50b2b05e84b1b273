"""The page in a real headless Chromium, against real servers: all that it lets people do.

What it shows is compared with what the API answers to the same question.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from cluster import HTTP, SLOW_WORKER, Process, cluster, start_together, wait_for
from playwright.sync_api import Browser, Locator, Page, expect
from service_fixtures import GENEROUS_S, save_snapshot
from test_page import served

from bench.browser import chromium, settle
from catalog.dataset import load
from catalog.readers.importer import import_table
from catalog.readers.plan import Columns, Plan
from catalog.readers.sources import find
from catalog.tables import DatasetInfo
from service.http import keys

pytestmark = pytest.mark.long

DESK = {"width": 1360, "height": 900}
PHONE = {"width": 360, "height": 780}
Opening = Callable[..., Page]


# ---------------------------------------------------------------------- servers and pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a Chromium."""
    expect.set_options(timeout=GENEROUS_S * 1000)
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Return a `prism serve` over the demo."""
    with served(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture
def opening(browser: Browser) -> Iterator[Opening]:
    """Return a function that opens a page; in the end none may have complained, or asked others.

    A refusal, which a browser logs as well, is no complaint of the page.
    """
    contexts, troubles = [], []

    def open_page(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESK, "reduced_motion": "reduce", **options})
        contexts.append(context)
        page = context.new_page()
        origin = re.match(r"http://[^/]+/", url)
        assert origin is not None
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda told: troubles.append(told.text))
        page.on("dialog", lambda dialog: troubles.append(f"dialog {dialog.message}"))
        page.on(
            "request",
            lambda asked: (
                troubles.append(asked.url) if not asked.url.startswith(origin[0]) else None
            ),
        )
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [told for told in troubles if not told.startswith("Failed to load resource")] == []


def ask(server: Process, path: str, body: object = None) -> Any:
    """Ask the API directly."""
    answer = server.get(path) if body is None else server.post(path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(page: Page) -> list[tuple[str, str]]:
    """Return the ids and sentences of the recommendations on a page."""
    settle(page)
    cards = page.locator("#list > .card").all()
    return [(_id(card), card.locator(".sentence").inner_text()) for card in cards]


def answered(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the same of an answer of the API."""
    return [(item["item_id"], item["explanation"]["text"]) for item in answer["items"]]


def lit(page: Page) -> set[str]:
    """Return the ids of the entries of the history that are lit up."""
    return {_id(entry) for entry in page.locator("#entries > .lit").all()}


def _id(of: Locator) -> str:
    found = of.get_attribute("data-item")
    assert found is not None
    return found


def _evidence(item: dict[str, Any]) -> dict[str, float]:
    return {entry["item_id"]: entry["contribution"] for entry in item["explanation"]["evidence"]}


# ---------------------------------------------------------------------- what it shows


class TestReading:
    def test_it_begins_with_somebody_and_says_so_in_the_address(
        self, opening: Opening, server: Process
    ) -> None:
        page = opening(f"{server.url}/")
        settle(page)
        found = re.search(r"#user=(\w+)$", page.url)
        assert found is not None
        expect(page.locator("h1")).to_have_text(f"For user {found[1]}")
        assert shown(page) == answered(ask(server, f"/recommend?user_id={found[1]}"))

    def test_another_user_is_found_by_a_part_of_the_id_and_back_leads_back(
        self, opening: Opening, server: Process
    ) -> None:
        page = opening(f"{server.url}/#user=42")
        settle(page)
        page.get_by_role("combobox", name="User").fill("67")
        page.get_by_role("option", name=re.compile("^67 ")).click()
        expect(page.locator("h1")).to_have_text("For user 67")
        assert shown(page) == answered(ask(server, "/recommend?user_id=67"))
        history = ask(server, "/users/67/history?limit=1000")["items"]
        assert [_id(entry) for entry in page.locator("#entries > li").all()] == [
            entry["item"]["id"] for entry in history
        ]
        page.go_back()
        expect(page.locator("h1")).to_have_text("For user 42")
        assert shown(page) == answered(ask(server, "/recommend?user_id=42"))

    def test_pointing_at_a_sentence_lights_up_its_claims_and_the_entries_with_exact_bars(
        self, opening: Opening, server: Process
    ) -> None:
        page = opening(f"{server.url}/#user=42")
        settle(page)
        for item in ask(server, "/recommend?user_id=42")["items"][:4]:
            card = page.locator(f'.card[data-item="{item["item_id"]}"]')
            card.locator(".sentence").hover()
            expect(card).to_have_class(re.compile(r"\blit\b"))
            evidence = _evidence(item)
            assert lit(page) == evidence.keys()
            named = card.locator(".claim.evidence").all()
            text, entries = item["explanation"]["text"], item["explanation"]["evidence"]
            told = {one["item_id"] for one in entries if f"“{one['title']}”" in text}
            assert {_id(title) for title in named} == told  # of what ties, no others are named
            most = max(evidence.values())
            for entry in page.locator("#entries > .lit").all():
                expect(entry).to_be_in_viewport()
                of_all = entry.evaluate(
                    "row => row.querySelector('.bar').offsetWidth / row.offsetWidth"
                )
                assert of_all == pytest.approx(evidence[_id(entry)] / most, abs=0.02)
            numbers = page.locator("#why .number").all_inner_texts()
            assert numbers == [f"+{share:.3f}" for share in evidence.values()]
            others, score = page.locator("#why .sum > :last-child").all_inner_texts()
            assert score == f"{item['score']:.3f}"
            assert _number(others) == pytest.approx(
                item["score"] - sum(evidence.values()), abs=0.0006
            )

    def test_a_long_history_begins_with_the_latest_entries_and_those_that_a_sentence_names(
        self, opening: Opening, server: Process
    ) -> None:
        history = ask(server, "/users/547/history?limit=1000")["items"]
        page = opening(f"{server.url}/#user=547")
        settle(page)
        expect(page.locator("#history-count")).to_have_text("the latest 1,000 films")
        known = {entry["item"]["id"] for entry in history}
        for item in ask(server, "/recommend?user_id=547")["items"]:
            page.locator(f'.card[data-item="{item["item_id"]}"] .sentence').click()
            assert lit(page) == _evidence(item).keys() & known
        assert page.locator("#entries > li").count() < 200
        page.get_by_role("button", name=re.compile(r"Show \d+ more")).click()
        expect(page.locator("#entries > li")).to_have_count(len(history))

    def test_badges_say_who_wrote_and_whether_it_was_written_before(
        self, opening: Opening, server: Process
    ) -> None:
        ask(server, "/recommend?user_id=99")
        page = opening(f"{server.url}/#user=99")
        settle(page)
        answer = ask(server, "/recommend?user_id=99")
        for badges, item in zip(page.locator(".badges").all(), answer["items"], strict=True):
            told = badges.inner_text()
            assert (
                item["explanation"]["source"] == told.split("\n")[0].split("·")[0].strip().lower()
            )
            assert "from the cache" in told
            assert re.search(r"after \d+ ms", told)
        expect(page.locator("#timing")).to_contain_text("first sentence after")


def _number(told: str) -> float:
    return float(told.replace("−", "-").replace("+", ""))


class TestWhatIf:
    def test_it_equals_a_direct_request_for_the_same_history(
        self, opening: Opening, server: Process
    ) -> None:
        page = opening(f"{server.url}/#user=42")
        settle(page)
        page.get_by_role("button", name="Leave out Independence Day").click()
        page.get_by_label("How much The Rock was liked").select_option("disliked")
        page.get_by_label("Add to the history").fill("fargo")
        page.get_by_role("option", name=re.compile("Fargo")).click()
        usual = ask(server, "/dataset")["usual"]
        changes = [
            {"item_id": "780", "value": None},
            {"item_id": "733", "value": usual["disliked"]},
            {"item_id": "608", "value": usual["loved"]},
        ]
        direct = ask(server, "/recommend", {"user_id": "42", "history": changes})
        assert direct["items"] != ask(server, "/recommend?user_id=42")["items"]
        expect(page.locator("#what-if")).to_contain_text("1 left out, 1 liked otherwise, 1 added")
        expect(page.locator("#why .sum b")).to_have_text(f"{direct['items'][0]['score']:.3f}")
        assert shown(page) == answered(direct)
        first = direct["items"][0]
        assert lit(page) == _evidence(first).keys()
        # What the Dataset has of the user, put together by hand, is the same history.
        entries = ask(server, "/users/42/history?limit=1000")["items"]
        kept = [
            {"item_id": e["item"]["id"], "value": e["value"], "timestamp": e["timestamp"]}
            for e in entries
            if e["item"]["id"] not in {"780", "733"}
        ]
        inline = ask(server, "/recommend", {"history": kept + changes[1:]})
        assert [item["item_id"] for item in inline["items"]] == [id_ for id_, _ in shown(page)]

    def test_it_says_what_moved_and_can_be_undone(self, opening: Opening, server: Process) -> None:
        page = opening(f"{server.url}/#user=42")
        before = [item for item, _ in shown(page)]
        page.get_by_role("button", name="What if without").first.click()
        expect(page.locator("#what-if")).to_contain_text("1 left out")
        expect(page.locator(".without")).to_have_count(1)
        after = [item for item, _ in shown(page)]
        for rank, card in enumerate(page.locator(".card").all()):
            move = before.index(after[rank]) - rank if after[rank] in before else None
            told = card.locator(".moved")
            if move == 0:
                expect(told).to_have_count(0)
            elif move is None:
                expect(told).to_have_text("new")
            else:
                expect(told).to_have_text(f"{'up' if move > 0 else 'down'} {abs(move)}")
        page.get_by_role("button", name="As it was").first.click()
        expect(page.locator("#what-if")).to_be_hidden()
        assert [item for item, _ in shown(page)] == before

    def test_an_address_tells_it_to_somebody_else(self, opening: Opening, server: Process) -> None:
        page = opening(f"{server.url}/#user=42")
        settle(page)
        page.get_by_role("button", name="Leave out Independence Day").click()
        page.get_by_label("Add to the history").fill("fargo")
        page.get_by_role("option", name=re.compile("Fargo")).click()
        expect(page.locator("#what-if")).to_contain_text("1 left out, 1 added")
        page.locator(".sentence").nth(2).click()
        expect(page).to_have_url(re.compile(r"#user=42&without=780&loved=608&item=\d+$"))
        other = opening(page.url)
        assert shown(other) == shown(page)
        expect(other.locator("#why-title")).to_have_text(page.locator("#why-title").inner_text())

    def test_somebody_new_begins_with_nothing_and_gets_reasons_with_the_first_entries(
        self, opening: Opening, server: Process
    ) -> None:
        page = opening(f"{server.url}/#user=42")
        settle(page)
        page.get_by_role("button", name="Somebody new").click()
        expect(page.locator("#entries")).to_contain_text("Nothing yet")
        assert shown(page) == answered(ask(server, "/recommend", {"history": []}))
        expect(page.locator("#why")).to_contain_text("No entry of the history")
        page.get_by_role("button", name=re.compile("^I loved it")).click()
        expect(page.locator("#entries > li")).to_have_count(1)
        loved = _id(page.locator("#entries > li"))
        expect(page.locator("#why .bars")).to_be_visible()
        assert lit(page) == {loved}
        usual = ask(server, "/dataset")["usual"]
        history = [{"item_id": loved, "value": usual["loved"]}]
        assert shown(page) == answered(ask(server, "/recommend", {"history": history}))
        page.get_by_role("button", name=re.compile("^Take away")).click()
        expect(page.locator("#entries")).to_contain_text("Nothing yet")
        expect(page.get_by_label("Add to the history")).to_be_focused()


class TestTheCheck:
    def test_an_edited_text_is_held_against_its_facts_and_the_failing_claim_is_named(
        self, opening: Opening, server: Process
    ) -> None:
        item, claims, year = next(
            (one["item_id"], len(found["claims"]), found["text"][claim["start"] : claim["end"]])
            for one in ask(server, "/recommend?user_id=42")["items"]
            for found in [one["explanation"]]
            for claim in found["claims"]
            if claim["type"] == "year"
        )
        page = opening(f"{server.url}/#user=42&item={item}")
        settle(page)
        verdict = page.locator(".verdict")
        expect(verdict).to_contain_text(f"All {claims} claims hold.")
        with page.expect_response("**/check") as asked:
            page.get_by_role("button", name="Move the year").click()
        moved = str(int(year) - 10)
        expect(verdict).to_contain_text(f"1 of {claims} claims fails")
        expect(verdict.locator(".marked .contradicted")).to_have_text(moved)
        direct = ask(server, "/check", json.loads(asked.value.request.post_data or ""))
        [failed] = [claim for claim in direct["claims"] if claim["outcome"] != "supported"]
        expect(verdict.locator("> ul > li")).to_have_text(f"{moved} year: {failed['why']}")
        page.get_by_role("button", name="Praise it").click()
        expect(verdict.locator("> ul")).to_contain_text("It has a gripping plot")
        page.get_by_label("The check at work").fill("")
        expect(verdict).to_contain_text("it says nothing")
        page.get_by_role("button", name="As it was").click()
        expect(verdict).to_contain_text(f"All {claims} claims hold.")

    def test_every_served_sentence_passes_it(self, opening: Opening, server: Process) -> None:
        page = opening(f"{server.url}/#user=15")
        settle(page)
        for text in page.locator(".sentence").all():
            text.click()
            expect(page.get_by_label("The check at work")).to_have_value(text.inner_text())
            with page.expect_response("**/check"):
                page.get_by_role("button", name="As it was").click()
            expect(page.locator(".verdict")).to_contain_text(re.compile(r"All \d+ claims hold\."))


# ---------------------------------------------------------------------- when something is wrong


class TestErrors:
    def test_an_unknown_user(self, opening: Opening, server: Process) -> None:
        page = opening(f"{server.url}/#user=nobody")
        expect(page.locator(".notice")).to_contain_text("Nobody here has this id")
        expect(page.locator(".card")).to_have_count(0)
        page.get_by_role("combobox", name="User").fill("zzz")
        expect(page.locator("#users")).to_contain_text("No user has “zzz” in the id.")
        page.get_by_role("combobox", name="User").fill("42")
        page.keyboard.press("Enter")
        settle(page)
        expect(page.locator(".notice")).to_have_count(0)

    def test_an_unknown_item_in_an_address(self, opening: Opening, server: Process) -> None:
        page = opening(f"{server.url}/#user=42&loved=nope")
        expect(page.locator(".notice")).to_contain_text("An item is not known")

    def test_a_key_is_asked_for_a_wrong_one_refused_and_the_right_one_kept_for_the_tab(
        self, opening: Opening, tmp_path: Path
    ) -> None:
        key, file = keys.new_key(), tmp_path / "keys"
        keys.append(file, keys.line_of("somebody", key))
        with served(tmp_path / "log", PRISM_API_KEYS=str(file)) as guarded:
            page = opening(f"{guarded.url}/#user=42")
            dialog = page.get_by_role("dialog", name="This service asks for a key")
            expect(dialog).to_be_visible()
            page.keyboard.press("Escape")
            expect(dialog).to_be_visible()
            page.get_by_label("API key").fill("prism_wrong")
            page.keyboard.press("Enter")
            expect(dialog).to_contain_text("That key is not, or no longer, valid here.")
            page.get_by_label("API key").fill(key)
            page.keyboard.press("Enter")
            settle(page)
            page.reload()
            settle(page)
            assert key not in page.url
            assert key not in page.content()
            page.get_by_role("button", name="Forget the key").click()
            expect(dialog).to_be_visible()

    def test_without_the_service_it_says_so_and_goes_on_when_it_is_back(
        self, opening: Opening, tmp_path: Path
    ) -> None:
        with served(tmp_path / "log") as server:
            page = opening(f"{server.url}/#user=42")
            settle(page)
            server.kill()
            page.get_by_role("button", name="What if without").first.click()
            expect(page.locator(".notice")).to_contain_text("The service cannot be reached")
            server.start()
            page.get_by_role("button", name="Try again").click()
            settle(page)
            expect(page.locator("#what-if")).to_contain_text("1 left out")


class TestDistributed:
    def test_it_streams_and_lives_through_the_death_of_a_worker_and_of_the_ranker(
        self, opening: Opening, tmp_path: Path
    ) -> None:
        with cluster(tmp_path, PRISM_TEST_TEXT_S="0.1") as running:
            gateway, worker = running.new("gateway"), running.new("worker", SLOW_WORKER)
            start_together(gateway, worker)
            wait_for(lambda: not ask(gateway, "/recommend?user_id=1&k=1")["degraded"])
            page = opening(f"{gateway.url}/#user=42")
            # Items are there before the first sentence, and sentences before the last.
            expect(page.locator(".card h2")).to_have_count(10)
            assert page.locator(".card.waits").count() > 0
            settle(page)
            expect(page.locator(".badges").first).not_to_contain_text("no Prism")

            worker.kill()
            page.get_by_role("combobox", name="User").fill("67")
            page.get_by_role("option", name=re.compile("^67 ")).click()
            settle(page)
            expect(page.locator(".notice")).to_contain_text("The Prism is away.")
            expect(page.locator(".badge.grounded")).to_have_count(10)
            worker.start()
            wait_for(lambda: not ask(gateway, "/recommend?user_id=3&k=1")["degraded"])
            page.get_by_role("button", name="Try again").click()
            settle(page)
            expect(page.locator(".notice")).to_have_count(0)

            running.processes[0].kill()
            page.get_by_role("button", name="Somebody new").click()
            settle(page)
            expect(page.locator(".notice")).to_contain_text("The ranking service is away.")
            for user in ("67", "68"):  # the last list known to be good, and what most users like
                page.goto(f"{gateway.url}/#user={user}")
                page.reload()
                settle(page)
                expect(page.locator(".notice")).to_contain_text("The ranking service is away.")
                expect(page.locator("#entries")).to_contain_text("Not known while")
            page.get_by_role("combobox", name="User").fill("4")
            expect(page.locator("#users")).to_contain_text("the ranking service does not answer")


# ---------------------------------------------------------------------- everybody


class TestKeyboardAndScreens:
    def test_everything_can_be_done_by_keyboard(self, opening: Opening, server: Process) -> None:
        page = opening(f"{server.url}/#user=42")
        settle(page)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the recommendations")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator(".sentence").first).to_be_focused()
        page.keyboard.press("Tab")
        second = page.locator(".card").nth(1)
        expect(second).to_have_class(re.compile(r"\blit\b"))
        page.keyboard.press("Enter")
        expect(page.locator("#why-title")).to_be_focused()
        page.keyboard.press("Tab")  # an entry, and then the button that leaves it out
        page.keyboard.press("Escape")
        expect(second.locator(".sentence")).to_be_focused()

        user = page.get_by_role("combobox", name="User")
        user.focus()
        page.keyboard.press("Control+A")
        page.keyboard.type("67")
        expect(page.get_by_role("option").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        expect(user).to_have_attribute("aria-activedescendant", "users-0")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("For user 67")
        settle(page)
        out = page.locator("#entries .out").first
        out.focus()
        page.keyboard.press("Space")
        expect(out).to_have_attribute("aria-pressed", "true")
        settle(page)
        expect(out).to_be_focused()
        page.keyboard.press("Space")
        expect(page.locator("#what-if")).to_be_hidden()

    def test_on_a_phone_nothing_is_wider_than_the_screen_and_a_tap_opens_why(
        self, opening: Opening, server: Process
    ) -> None:
        page = opening(f"{server.url}/#user=42", viewport=PHONE, has_touch=True, is_mobile=True)
        settle(page)
        expect(page.locator("#entries")).to_be_hidden()
        expect(page.locator("#why")).to_be_hidden()
        page.locator(".sentence").first.tap()
        expect(page.locator(".card").first.locator("#why")).to_be_visible()
        page.get_by_role("button", name="Praise it").tap()
        expect(page.locator(".verdict")).to_contain_text("gripping plot")
        page.locator("#history > summary").tap()
        expect(page.locator("#entries")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.locator(".sentence").first.tap()
        expect(page.locator("#why")).to_be_hidden()

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
    def test_axe_finds_nothing_wrong(
        self, opening: Opening, server: Process, scheme: str, viewport: dict[str, int]
    ) -> None:
        page = opening(f"{server.url}/#user=42", color_scheme=scheme, viewport=viewport)
        settle(page)
        assert_accessible(page)
        page.locator(".sentence").nth(1).click()
        page.get_by_role("button", name="Praise it").click()
        expect(page.locator(".verdict")).to_contain_text("gripping plot")
        page.get_by_role("button", name="What if without").first.click()
        expect(page.locator("#what-if")).to_be_visible()
        page.locator("#history").evaluate("history => { history.open = true }")
        settle(page)
        assert_accessible(page)
        page.get_by_label("Add to the history").fill("matrix")
        expect(page.get_by_role("option").first).to_be_visible()
        assert_accessible(page)
        page.goto(f"{server.url}/#user=nobody")
        page.reload()
        expect(page.locator(".notice")).to_be_visible()
        assert_accessible(page)
        page.locator("dialog").evaluate("dialog => dialog.showModal()")
        assert_accessible(page)

    def test_in_the_dark_it_is_dark(self, opening: Opening, server: Process) -> None:
        lightness = []
        for scheme in ("light", "dark"):
            page = opening(f"{server.url}/#user=42", color_scheme=scheme)
            painted = page.evaluate("getComputedStyle(document.body).backgroundColor")
            lightness.append(sum(map(int, re.findall(r"\d+", painted))))
        assert lightness[0] > 700
        assert lightness[1] < 80


def assert_accessible(page: Page) -> None:
    """Assert that axe finds nothing on a page."""
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_titles_and_ids_are_text_whatever_they_hold(opening: Opening, tmp_path: Path) -> None:
    evil, quoted = "<script>alert(1)</script>", "\"'><img src=x onerror=alert(2)>"
    rows = [f"{user},{item},5" for user in ("ann", "bob", "cat") for item in "123"]
    rows += [f'"{quoted.replace(chr(34), 2 * chr(34))}",{item},5' for item in "12"]
    (tmp_path / "log.csv").write_text("\n".join(["user_id,item_id,value", *rows]) + "\n")
    titles = {"1": "Heat", "2": "<b>Ronin</b> & “co”", "3": evil}
    lines = [f'{item},"{title}"' for item, title in titles.items()]
    (tmp_path / "items.csv").write_text("\n".join(["item_id,title", *lines]) + "\n")
    data, log, items = (tmp_path / name for name in ("data", "log.csv", "items.csv"))
    info = DatasetInfo(name="evil", liking_threshold=3, loved_threshold=4)
    import_table(data, Plan(info=info, columns=Columns(value="value")), find(log), find(items))
    snapshot = save_snapshot(load(data), tmp_path / "snapshot")
    folders = {"PRISM_DATA": str(data), "PRISM_SNAPSHOT": str(snapshot)}
    with served(tmp_path / "log.txt", **folders) as server:
        page = opening(f"{server.url}/")
        page.get_by_role("combobox", name="User").fill("img")
        page.get_by_role("option", name=quoted).click()
        settle(page, 1)
        expect(page.locator("h1")).to_have_text(f"For user {quoted}")
        expect(page.locator(".card h2")).to_contain_text(evil)
        expect(page.locator(".card .sentence")).to_contain_text(f"“{evil}”")
        expect(page.locator("#why-title")).to_contain_text(evil)
        expect(page.locator("#entries")).to_contain_text("<b>Ronin</b> & ")
        page.get_by_role("button", name=f"I loved it: add {evil}").click()
        expect(page.locator("#entries > li")).to_have_count(3)
        expect(page.locator("#list")).to_contain_text("There is nothing left")
        other = opening(page.url)
        expect(other.locator("#entries")).to_contain_text(evil)
        for opened in (page, other):
            assert (
                opened.evaluate("document.querySelectorAll('main script, main img, b b').length")
                == 0
            )
    assert HTTP is not None
