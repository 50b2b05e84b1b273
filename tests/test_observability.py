"""Rules, dashboard and runbook hold on a real Prometheus that scrapes real processes."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from cluster import HTTP, free_port, wait_for
from service_fixtures import samples_of

ROOT = Path(__file__).resolve().parent.parent
PROMETHEUS = ROOT / "docker" / "prometheus"
RULES = (PROMETHEUS / "rules" / "prism.yml").read_text("utf-8")
RULES_TESTS = (PROMETHEUS / "tests" / "prism.yml").read_text("utf-8")
GRAFANA = ROOT / "docker" / "grafana"
ALERTS = re.findall(r"alert: (\w+)", RULES)
RECORDS = re.findall(r"record: (\S+)", RULES)
PACKAGES = {"promtool": "prometheus", "prometheus": "prometheus", "redis-server": "redis-server"}
LIMIT_S = 90.0
"""Time for what must happen in the end, on a machine that is busy with other things."""


def tool(name: str) -> str:
    """Return the path of a program that the tests cannot do without."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is missing: install Debian's package {PACKAGES[name]}", pytrace=False)
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

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._users = count(1)
        self._ports = {
            name: free_port() for name in ("redis", "ranker", "worker", "gateway", "prometheus")
        }

    def start_all(self) -> None:
        """Start everything, and return once a model is being served."""
        self._run(
            "redis", [tool("redis-server"), "--port", str(self._ports["redis"]), "--save", ""]
        )
        for role in ("ranker", "worker", "gateway"):
            self._launch(role)
        for role in ("ranker", "worker", "gateway"):
            self._wait_until_ready(role, "/readyz")
        _wait_for(
            lambda: any(
                name == "prism_model_info"
                for name, _ in samples_of(self._get("gateway", "/metrics").text)
            )
        )
        self._start_prometheus()

    def start(self, role: str) -> None:
        """Start a process of Prism on the port of its role, and wait until it is ready."""
        self._launch(role)
        self._wait_until_ready(role, "/readyz")

    def _launch(self, role: str) -> None:
        data = ["--data", "data/demo", "--snapshot", "data/ranker"] if role == "ranker" else []
        prism = [sys.executable, "-c", "from service.cli.main import main; main()"]
        self._run(role, [*prism, role, "--port", str(self._ports[role]), *data])

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def close(self) -> None:
        """End everything."""
        for name in list(self._processes):
            self.kill(name)

    def recommend(self, users: int, deadline_ms: int) -> None:
        """Ask for so many users who have not asked before, each of them twice."""
        for user in [next(self._users) % 671 + 1 for _ in range(users)] * 2:
            path = f"/recommend?user_id={user}&deadline_ms={deadline_ms}"
            assert self._get("gateway", path).status_code == 200

    def has_number(self, query: str) -> bool:
        """Whether Prometheus answers a query with a number, or several."""
        answer = self._get("prometheus", "/api/v1/query", query=query).json()
        assert answer["status"] == "success", answer
        return any(math.isfinite(float(row["value"][1])) for row in answer["data"]["result"])

    def rules(self) -> list[Any]:
        """Return all rules with their health."""
        groups = self._get("prometheus", "/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = self._get("prometheus", "/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def _start_prometheus(self) -> None:
        """Start it with our configuration, but for addresses and for times too long for a test."""
        config = (PROMETHEUS / "prometheus.yml").read_text("utf-8").replace(" 5s", " 1s")
        one_worker = f'static_configs: [{{ targets: ["worker:{self._ports["worker"]}"] }}]'
        config, replaced = re.subn(r"dns_sd_configs:(\n {6,}.*)+", one_worker, config)
        assert replaced == 1
        for name in ("gateway", "ranker", "worker", "localhost"):
            port = self._ports["prometheus" if name == "localhost" else name]
            config, replaced = re.subn(rf"\b{name}:\d+", f"127.0.0.1:{port}", config)
            assert replaced == 1
        (self._folder / "rules").mkdir()
        (self._folder / "prometheus.yml").write_text(config, "utf-8")
        rules = re.sub(r"for: \w+", "for: 2s", RULES)
        (self._folder / "rules" / "prism.yml").write_text(rules, "utf-8")
        self._run(
            "prometheus",
            [
                tool("prometheus"),
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self._ports['prometheus']}",
            ],
        )
        self._wait_until_ready("prometheus", "/-/ready")

    def _run(self, name: str, command: list[str]) -> None:
        others = {key: value for key, value in os.environ.items() if not key.startswith("PRISM_")}
        ours = {
            "PRISM_REDIS_URL": f"redis://127.0.0.1:{self._ports['redis']}/0",
            "PRISM_RANKER_URL": f"http://127.0.0.1:{self._ports['ranker']}",
            "PRISM_WARM_USERS": "0",
        }
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT, env=others | ours
            )

    def _wait_until_ready(self, name: str, path: str) -> None:
        def ready() -> bool:
            assert self._processes[name].poll() is None, self._log(name).read_text("utf-8")
            try:
                return self._get(name, path).status_code == 200
            except httpx.TransportError:
                return False

        _wait_for(ready, lambda: self._log(name).read_text("utf-8"))

    def _get(self, name: str, path: str, **params: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self._ports[name]}{path}"
        return HTTP.get(url, params=params or None, timeout=LIMIT_S)

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Run a deployment for a while."""
    deployment = Deployment(folder)
    try:
        deployment.start_all()
        yield deployment
    finally:
        deployment.close()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Return a deployment that this module has to itself."""
    with deployed(tmp_path_factory.mktemp("deployment")) as running:
        yield running


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
        deployment.kill("worker")

        def noticed() -> bool:
            deployment.recommend(1, deadline_ms=50)
            return deployment.firing() >= {"PrismWorkerDown", "PrismQueueOld", "PrismManyStandIns"}

        _wait_for(noticed, deployment.firing)
        deployment.start("worker")
        gone = {"PrismWorkerDown", "PrismQueueOld"}
        _wait_for(lambda: not gone & deployment.firing(), deployment.firing)
