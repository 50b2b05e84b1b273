"""The Oracle behind a server that fails in every way: nothing is lost, nothing is paid twice."""

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from chat_server import KEY
from cluster import COMMAND, ROOT, environment, wait_for
from oracle_fixtures import ChatServer, chat_server, facts_folder, rows_of
from service_fixtures import GENEROUS_S

from models.oracle.budget import Budget, Prices, about, at_most
from models.oracle.openai_server import OpenAIOracle
from models.oracle.protocol import Message, Tokens
from models.oracle.setbacks import backoff, retry_after

CONCURRENCY = 8
Prism = Callable[..., tuple[str, str]]


def asking(facts: Path, texts: Path, server: ChatServer, *more: str) -> list[str]:
    """Return the command that lets a server write."""
    options = ["--oracle", "openai", "--model", "chat", "--url", server.url, "--timeout", "0.5"]
    return ["write", str(facts), str(texts), *options, "--concurrency", str(CONCURRENCY), *more]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(scope="module")
def calm() -> Iterator[ChatServer]:
    """Return a server that has no trouble."""
    with chat_server() as server:
        yield server


class TestTrouble:
    @pytest.mark.slow
    @pytest.mark.parametrize("kills", [4, pytest.param(10, marks=pytest.mark.long)])
    def test_however_often_it_is_killed_no_row_is_lost_and_only_what_was_in_flight_is_paid_again(
        self, prism: Prism, tmp_path: Path, kills: int
    ) -> None:
        facts, texts = facts_folder(tmp_path, 150), tmp_path / "texts"
        dice = random.Random(7)
        points = [str(dice.randint(0, 8)) for _ in range(kills)]
        with chat_server(trouble=0.2, seed=3) as server:
            command = asking(facts, texts, server)
            script = Path(__file__).with_name("killed_oracle.py")
            done = subprocess.run(
                [sys.executable, str(script), str(texts), *points, "--", *command],
                capture_output=True, text=True, cwd=ROOT, check=True,
            )  # fmt: skip
            assert done.stdout.split() == ["True"] * kills, done.stderr
            prism(*command)
            counts = server.counts()
        rows = rows_of(texts)
        answered = Counter(row["digest"] for row in rows if "text" in row)
        assert len(answered) == 150
        assert set(answered.values()) == {1}
        paid = counts["answered"]
        assert len(paid) == 150
        assert sum(paid) - 150 <= kills * CONCURRENCY
        for trouble in ("limited", "hanging", "broken off", "no json", "overloaded"):
            assert counts[trouble]

    def test_a_row_says_what_was_asked_and_what_came_back(
        self, prism: Prism, calm: ChatServer, tmp_path: Path
    ) -> None:
        facts = facts_folder(tmp_path, 3)
        prism(*asking(facts, tmp_path / "texts", calm, "--temperature", "0.5", "--seed", "4"))
        for row in rows_of(tmp_path / "texts"):
            assert row["text"] == f"You may like “{row['facts']['item']['title']}”."
            assert (row["oracle"], row["model"], row["finish"]) == ("openai", "chat", "stop")
            assert row["parameters"]["seed"] == 4
            assert row["tokens"]["text"] == 10
            assert row["tokens"]["prompt"] > 50
            assert len(row["prompt_sha256"]) == 64

    def test_sigterm_ends_a_run_after_what_is_in_flight(
        self, calm: ChatServer, tmp_path: Path
    ) -> None:
        facts, texts = facts_folder(tmp_path, 800), tmp_path / "texts"
        before = sum(calm.counts()["answered"])
        run = subprocess.Popen(
            [*COMMAND, *asking(facts, texts, calm)], stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=environment(OPENAI_API_KEY=KEY),
        )  # fmt: skip
        wait_for(lambda: texts.is_dir() and bool(rows_of_whole_lines(texts)))
        run.send_signal(signal.SIGTERM)
        _, told = run.communicate(timeout=GENEROUS_S)
        assert run.returncode == 1
        assert "stopped: run this again" in told
        rows = rows_of(texts)
        counts = calm.counts()
        assert 0 < len(rows) == sum(counts["answered"]) - before < 800
        assert 1 < counts["most in flight"] <= CONCURRENCY

    def test_a_key_that_is_refused_ends_the_run_at_once_and_is_not_told(
        self, prism: Prism, calm: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
        facts, texts = facts_folder(tmp_path, 50), tmp_path / "texts"
        _, told = prism(*asking(facts, texts, calm), status=1)
        assert "the server refuses: status 401" in told
        assert "sk-wrong" not in told
        assert rows_of(texts) == []

    def test_without_key_and_url_it_says_what_is_missing(
        self, prism: Prism, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENAI_API_KEY")
        facts = facts_folder(tmp_path, 1)
        _, told = prism(
            "write", facts, tmp_path / "texts", "--oracle", "openai", "--model", "m", status=1
        )
        assert "OPENAI_API_KEY is not set" in told


def rows_of_whole_lines(texts: Path) -> bool:
    return any(b"\n" in shard.read_bytes() for shard in texts.glob("*.jsonl"))


class TestBudget:
    @pytest.mark.parametrize("trouble", [0.0, 0.3])
    def test_it_is_never_exceeded_and_a_larger_one_goes_on(
        self, prism: Prism, trouble: float, tmp_path: Path
    ) -> None:
        facts, texts = facts_folder(tmp_path, 40), tmp_path / "texts"
        with chat_server(trouble, seed=1) as server:
            prices = ("--price-prompt", "1", "--price-text", "2")
            small = asking(facts, texts, server, *prices, "--budget-money", "0.005")
            _, told = prism(*small, status=1)
            assert "give it more and run this again" in told
            some = [row for row in rows_of(texts) if "text" in row]
            assert 0 < len(some) < 40
            counts = server.counts()
            assert counts["billed"] <= 5000  # if no token cost more than a prompt's
            _, told = prism(*small, status=1)  # what was used stays used
            assert server.counts()["billed"] <= 5000
            prism(*asking(facts, texts, server, *prices, "--budget-money", "1"))
            answered = [row["digest"] for row in rows_of(texts) if "text" in row]
            assert len(answered) == len(set(answered)) == 40

    def test_a_dry_run_tells_the_cost_and_asks_nobody(
        self, prism: Prism, calm: ChatServer, tmp_path: Path
    ) -> None:
        facts, before = facts_folder(tmp_path, 10), calm.counts()
        prices = ("--price-prompt", "100", "--price-text", "200")
        _, told = prism(*asking(facts, tmp_path / "texts", calm, *prices, "--dry-run"))
        assert "10 texts are left" in told
        assert "never more than" in told
        assert calm.counts() == before
        assert not (tmp_path / "texts").exists()

    def test_what_is_in_flight_counts_with_its_worst_case(self) -> None:
        budget = Budget(tokens=100)
        most = Tokens(40, 10)
        assert budget.reserve(most)
        assert budget.reserve(most)
        assert not budget.reserve(most)
        budget.settle(most, Tokens(20, 5))
        assert not budget.reserve(most)
        budget.settle(most, Tokens(20, 5))
        assert budget.reserve(most)

    def test_money_is_tokens_at_their_prices(self) -> None:
        budget = Budget(money=1.0, prices=Prices(prompt=1000, text=10_000))
        assert budget.reserve(Tokens(500, 50))
        assert not budget.reserve(Tokens(0, 1))

    def test_no_tokenizer_makes_more_tokens_than_the_worst_case(self) -> None:
        prompt = (Message("user", "Преступление и наказание"),)
        assert at_most(prompt, 7).prompt > len("Преступление и наказание".encode())
        assert at_most(prompt, 7).text == about(prompt, 7).text == 7


class TestWaiting:
    def test_retry_after_is_seconds_or_a_date(self) -> None:
        assert retry_after("1.5") == 1.5
        assert retry_after(None) is None
        assert retry_after("soon") is None
        later = datetime.now(UTC) + timedelta(minutes=2)
        seconds = retry_after(format_datetime(later, usegmt=True))
        assert seconds is not None
        assert 100 < seconds <= 120
        assert retry_after(format_datetime(later - timedelta(hours=1), usegmt=True)) == 0

    def test_each_wait_is_longer_than_the_one_before_up_to_a_minute(self) -> None:
        assert [0.125 * 2**n <= backoff(n) <= 0.25 * 2**n for n in range(6)] == [True] * 6
        assert backoff(100) <= 60


def test_the_server_is_no_part_of_what_a_text_is_known_by() -> None:
    one, other = (OpenAIOracle("m", url=url) for url in ("http://a/v1", "http://b/v1"))
    assert one.parameters == other.parameters
