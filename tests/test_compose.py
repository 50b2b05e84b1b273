"""docker-compose.yml and Dockerfile: what they start is what the tests start, and safely."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from service.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
PORTS = {"gateway": "8000", "ranker": "8001", "worker": "8002", "worker-gpu": "8002"}


@pytest.mark.parametrize("name", PORTS)
def test_a_role_is_started_by_the_command_that_the_tests_start(name: str) -> None:
    role = name.removesuffix("-gpu")
    assert OURS[name]["command"] == [role, "--port", PORTS[name]]
    assert CliRunner().invoke(app, [role, "--help"]).exit_code == 0
    assert OURS[name]["healthcheck"]["test"] == ["CMD", "prism", "ready", "--port", PORTS[name]]


def test_no_role_is_left_out() -> None:
    assert OURS.keys() == PORTS.keys()


@pytest.mark.parametrize("name", [*PORTS, "redis"])
def test_a_container_is_read_only_and_without_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_published_beyond_this_machine(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


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
    assert SERVICES["redis"]["user"] not in {"root", "0"}


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
