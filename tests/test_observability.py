"""Rules, dashboard and runbook hold on a real Prometheus that scrapes real processes."""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import HTTP, Cluster, cluster, free_port, start_together, wait_for
from service_fixtures import samples_of

ROOT = Path(__file__).resolve().parent.parent
PROMETHEUS = ROOT / "docker" / "prometheus"
RULES = (PROMETHEUS / "rules" / "prism.yml").read_text("utf-8")
RULES_TESTS = (PROMETHEUS / "tests" / "prism.yml").read_text("utf-8")
GRAFANA = ROOT / "docker" / "grafana"
ALERTS = re.findall(r"alert: (\w+)", RULES)
RECORDS = re.findall(r"record: (\S+)", RULES)
LIMIT_S = 90.0
"""Time for what must happen in the end, on a machine that is busy with other things."""


def tool(name: str) -> str:
    """Return the path of a program that the tests cannot do without."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: install Debian's package prometheus", pytrace=False)
    return found


def promtool(*arguments: str | Path) -> None:
    """Run promtool, which must be content."""
    done = subprocess.run(
        [tool("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[Any]:
    """Return the dashboard's panels that show something."""
    dashboard = json.loads((GRAFANA / "dashboards" / "prism.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> dict[str, str]:
    """Return every query of the dashboard, by panel and letter."""
    return {
        f"{panel['title']}: {target['refId']}": target["expr"]
        for panel in panels()
        for target in panel["targets"]
    }


class TestRules:
    def test_prometheus_takes_configuration_and_rules(self) -> None:
        promtool("check", "config", PROMETHEUS / "prometheus.yml")
        promtool("check", "rules", "--lint-fatal", PROMETHEUS / "rules" / "prism.yml")

    def test_they_tell_a_failing_system_from_a_healthy_one(self) -> None:
        promtool("test", "rules", PROMETHEUS / "tests" / "prism.yml")

    def test_none_is_left_untested(self) -> None:
        cases = re.findall(r"alertname: (\w+)\W+eval_time: \w+\W+exp_alerts:( \[\])?", RULES_TESTS)
        assert set(cases) == {(alert, silent) for alert in ALERTS for silent in ("", " []")}
        assert set(re.findall(r"labels: '([\w:]+)", RULES_TESTS)) == set(RECORDS)

    def test_every_alert_says_how_bad_it_is_and_has_a_section_in_the_runbook(self) -> None:
        for rule in RULES.split("- alert: ")[1:]:
            name = rule.split()[0]
            assert re.search(r"severity: (critical|warning) ", rule), name
            assert "summary: " in rule, name
            assert f"runbook_url: docs/runbook.md#{name.lower()}\n" in rule, name
        runbook = (ROOT / "docs" / "runbook.md").read_text("utf-8")
        assert re.findall(r"^## (.*)", runbook, re.MULTILINE) == ALERTS


class TestDashboard:
    def test_every_query_is_one(self, tmp_path: Path) -> None:
        rules = [{"record": f"panel:{n}", "expr": e} for n, e in enumerate(queries().values())]
        file = tmp_path / "dashboard.yml"
        file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
        promtool("check", "rules", file)

    def test_every_panel_has_a_unit_a_legend_and_the_provisioned_source(self) -> None:
        sources = GRAFANA / "provisioning" / "datasources" / "prometheus.yml"
        [uid] = re.findall(r"uid: (\w+)", sources.read_text("utf-8"))
        for panel in panels():
            assert panel["datasource"] == {"type": "prometheus", "uid": uid}, panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


# ---------------------------------------------------------------------- real processes


_wait_for = partial(wait_for, limit_s=LIMIT_S)


class Deployment:
    """The distributed deployment with a Prometheus, all on this machine."""

    def __init__(self, running: Cluster) -> None:
        self._cluster, self._users = running, count(1)
        self._prometheus = free_port()
        [self._ranker] = running.processes
        self._gateway, self.worker = (running.new(role) for role in ("gateway", "worker"))

    def start(self) -> None:
        """Start everything, and return once a model is being served."""
        start_together(self._gateway, self.worker)
        _wait_for(
            lambda: any(
                name == "prism_model_info"
                for name, _ in samples_of(self._gateway.get("/metrics").text)
            )
        )

    def recommend(self, users: int, deadline_ms: int) -> None:
        """Ask for so many users who have not asked before, each of them twice."""
        for user in [next(self._users) % 671 + 1 for _ in range(users)] * 2:
            path = f"/recommend?user_id={user}&deadline_ms={deadline_ms}"
            answer = self._gateway.get(path)
            assert answer.status_code == 200
            told = answer.json()
            of = {
                "impression_id": told["impression_id"],
                "item_id": told["items"][0]["item_id"],
            }
            for kind in ("clicked", "helpful"):
                assert self._gateway.post("/feedback", {**of, "kind": kind}).status_code == 204

    def has_number(self, query: str) -> bool:
        """Whether Prometheus answers a query with a number, or several."""
        answer = self._ask("/api/v1/query", query=query).json()
        assert answer["status"] == "success", answer
        return any(math.isfinite(float(row["value"][1])) for row in answer["data"]["result"])

    def rules(self) -> list[Any]:
        """Return all rules with their health."""
        groups = self._ask("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = self._ask("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    @contextmanager
    def scraped(self) -> Iterator[None]:
        """Run a Prometheus with our configuration, but for addresses and for long times."""
        config = (PROMETHEUS / "prometheus.yml").read_text("utf-8").replace(" 5s", " 1s")
        one_worker = f'static_configs: [{{ targets: ["worker:{self.worker.port}"] }}]'
        config, replaced = re.subn(r"dns_sd_configs:(\n {6,}.*)+", one_worker, config)
        assert replaced == 1
        ports = {"gateway": self._gateway.port, "ranker": self._ranker.port}
        ports |= {"worker": self.worker.port, "localhost": self._prometheus}
        for name, port in ports.items():
            config, replaced = re.subn(rf"\b{name}:\d+", f"127.0.0.1:{port}", config)
            assert replaced == 1
        folder = self._cluster.folder
        (folder / "rules").mkdir()
        (folder / "prometheus.yml").write_text(config, "utf-8")
        rules = re.sub(r"for: \w+", "for: 2s", RULES)
        (folder / "rules" / "prism.yml").write_text(rules, "utf-8")
        command = [
            tool("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{self._prometheus}",
        ]
        file = folder / "prometheus.log"
        with file.open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(self._is_ready, lambda: file.read_text("utf-8"))
            yield
        finally:
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        try:
            return self._ask("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _ask(self, path: str, **params: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self._prometheus}{path}"
        return HTTP.get(url, params=params or None, timeout=LIMIT_S)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Return a deployment that this module has to itself."""
    with cluster(tmp_path_factory.mktemp("deployment")) as running:
        made = Deployment(running)
        made.start()
        with made.scraped():
            yield made


@pytest.mark.slow
class TestRealProcesses:
    def test_every_query_of_the_dashboard_and_every_recorded_rule_shows_a_number(
        self, deployment: Deployment
    ) -> None:
        expected = queries() | {record: record for record in RECORDS}
        without: list[str] = []

        def all_have_numbers() -> bool:
            deployment.recommend(3, deadline_ms=30_000)
            without[:] = [
                name for name, query in expected.items() if not deployment.has_number(query)
            ]
            return not without

        _wait_for(all_have_numbers, lambda: without)

    def test_a_healthy_system_fires_no_alert(self, deployment: Deployment) -> None:
        def calm() -> bool:
            deployment.recommend(1, deadline_ms=30_000)
            rules = deployment.rules()
            # PrismSlow is about time, which a busy test machine may take.
            return (
                len(rules) == len(RECORDS) + len(ALERTS)
                and all(rule["health"] == "ok" for rule in rules)
                and deployment.firing() <= {"PrismSlow"}
            )

        _wait_for(calm, lambda: (deployment.firing(), deployment.rules()))

    def test_the_death_of_the_worker_is_noticed_and_so_is_its_return(
        self, deployment: Deployment
    ) -> None:
        deployment.worker.kill()

        def noticed() -> bool:
            deployment.recommend(1, deadline_ms=50)
            return deployment.firing() >= {"PrismWorkerDown", "PrismQueueOld", "PrismManyStandIns"}

        _wait_for(noticed, deployment.firing)
        deployment.worker.start()
        gone = {"PrismWorkerDown", "PrismQueueOld"}
        _wait_for(lambda: not gone & deployment.firing(), deployment.firing)
