"""docker-compose.yml and Dockerfile: what they start is what the tests start, and safely."""

import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster import environment
from typer.testing import CliRunner

from service.cli.main import app
from service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
PORTS = {"gateway": "8000", "ranker": "8001", "worker": "8002", "worker-gpu": "8002"}
SECRETS = {"redis-password": "/secrets/redis", "signing-key": "/secrets/signing"}
OF_REDIS = {"redis", "gateway", "worker", "worker-gpu"}


@pytest.mark.parametrize("name", OURS)
def test_what_a_role_is_told_are_settings(name: str) -> None:
    given = {variable for variable in OURS[name].get("environment", {}) if variable[:6] == "PRISM_"}
    assert given <= {f"PRISM_{field}".upper() for field in Settings.model_fields}


@pytest.mark.parametrize("name", PORTS)
def test_a_role_is_started_by_the_command_that_the_tests_start(name: str) -> None:
    role = name.removesuffix("-gpu")
    assert OURS[name]["command"] == [role, "--port", PORTS[name]]
    assert CliRunner().invoke(app, [role, "--help"]).exit_code == 0
    check = ["CMD", "python", "-m", "service.cli.ready", PORTS[name]]
    assert OURS[name]["healthcheck"]["test"] == check


@pytest.mark.parametrize(
    ("status", "told"), [(200, ""), (503, "not ready: it answers 503\n"), (None, "not ready: ")]
)
def test_a_health_check_tells_whether_the_server_is_ready(status: int | None, told: str) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/readyz"
            if status is not None:
                self.send_response(status)
                self.end_headers()

    check = OURS["gateway"]["healthcheck"]["test"][1:-1]
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.handle_request).start()
        done = subprocess.run(
            [sys.executable, *check[1:], str(server.server_port)],
            capture_output=True, text=True, check=False, cwd=ROOT,
            env=environment(http_proxy="http://127.0.0.1:1"),
        )  # fmt: skip
    assert done.returncode == (status != 200)
    assert done.stderr.startswith(told)


def test_no_role_is_left_out() -> None:
    assert OURS.keys() == {*PORTS, "secrets"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_read_only_without_privileges_and_bounded(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"] > 0
    assert all(":size=" in folder for folder in service.get("tmpfs", []))


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_who_talks_to_whom_is_on_a_network_of_theirs(name: str) -> None:
    on = {
        "gateway": {"default", "ranking", "queue"},
        "prometheus": {"default", "ranking", "queue"},
        "ranker": {"ranking"},
        **{one: {"queue"} for one in ("redis", "worker", "worker-gpu")},
    }
    service = SERVICES[name]
    assert set(service.get("networks", [])) == on.get(name, set())
    assert all(COMPOSE["networks"][one]["internal"] for one in ("ranking", "queue"))


def test_secrets_are_made_first_and_who_needs_one_can_only_read_it() -> None:
    for name, service in SERVICES.items():
        mounts = [mount.split(":") for mount in service.get("volumes", [])]
        secret = {volume: rest for volume, *rest in mounts if volume in SECRETS}
        if name == "secrets":
            assert secret == {volume: [path] for volume, path in SECRETS.items()}
            continue
        read = SECRETS if name in OF_REDIS - {"redis"} else {"redis-password"}
        if name in OF_REDIS:
            assert secret == {volume: [SECRETS[volume], "ro"] for volume in read}
            made = service["depends_on"]["secrets"]
            assert made == {"condition": "service_completed_successfully"}
        else:
            assert not secret


def test_only_a_container_that_is_told_to_serves_without_keys() -> None:
    steps = [step for steps in dockerfile().values() for step in steps]
    assert any("PRISM_HOST=0.0.0.0" in rest for _, rest in steps)
    assert not any("PRISM_ALLOW_OPEN" in rest for _, rest in steps)
    assert all(OURS[name]["environment"]["PRISM_ALLOW_OPEN"] == 1 for name in PORTS)


def test_every_file_that_a_container_mounts_is_there() -> None:
    mounts = [volume for one in SERVICES.values() for volume in one.get("volumes", [])]
    files = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert files
    assert all((ROOT / file).exists() for file in files)


@pytest.mark.parametrize("name", OURS)
def test_an_image_of_ours_runs_as_an_ordinary_user(name: str) -> None:
    stages = dockerfile()
    stage = OURS[name]["build"]["target"]
    user = "root"  # where no stage says another
    while stage in stages:
        told = [rest for word, rest in stages[stage] if word == "USER"]
        if told:
            user = told[-1]
            break
        [(_, origin)] = [step for step in stages[stage] if step[0] == "FROM"]
        stage = origin.split()[0]
    assert user.partition(":")[0] not in {"root", "0"}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - OURS.keys()))
def test_an_image_of_others_does_too(name: str) -> None:
    assert SERVICES[name]["user"].partition(":")[0] not in {"root", "0"}


def test_what_is_built_where_no_target_is_named_is_what_compose_starts() -> None:
    [*_, (last, steps)] = dockerfile().items()
    assert steps == [("FROM", OURS["gateway"]["build"]["target"])], last


def dockerfile() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of every stage of the Dockerfile, by the name of the stage."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stages: dict[str, list[tuple[str, str]]] = {}
    steps: list[tuple[str, str]] = []
    for instruction in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        word, _, rest = instruction.strip().partition(" ")
        if word.upper() == "FROM":
            origin, _, name = re.sub(" as ", " AS ", rest, flags=re.IGNORECASE).partition(" AS ")
            steps = stages.setdefault(name.strip() or f"stage {len(stages)}", [])
            steps.append(("FROM", origin.strip()))
        elif word:
            steps.append((word.upper(), rest.strip()))
    return stages
