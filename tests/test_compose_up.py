"""docker-compose for real: started, used, cut, killed and upgraded as a stranger would do it.

It takes a Docker engine, and the ports that docker-compose.yml publishes. Where the images of
others come from is printed: their versions are those that the figures are of.
"""

import json
import math
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import pytest
import yaml
from cluster import HTTP, free_port
from service_fixtures import GENEROUS_S

from service.http import keys

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "prism-verify"
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
CALLERS = 4
START_S = 120.0
"""For a container to be ready on a busy machine, its waits between two starts included."""
IMAGE_S = 1800.0
INSTALL = (
    "needs a running Docker engine: install docker.io and docker-compose (Debian), Docker Desktop, "
    "or name one by DOCKER_HOST"
)


# ---------------------------------------------------------------------- the deployment


def docker(*arguments: str, given: str | None = None, may_fail: bool = False) -> str:
    """Run docker; return what it says."""
    return run(["docker", *arguments], given, may_fail)


def wait_for(
    happened: Callable[[], bool], why_not: Callable[[], object] = lambda: "it never happened"
) -> None:
    """Wait for something that must happen in the end, and leave the machine its time meanwhile."""
    end = time.monotonic() + START_S
    while not happened():
        assert time.monotonic() < end, why_not()
        time.sleep(0.5)


def say(line: str) -> None:
    """Print a line for whoever reads the figures."""
    sys.stdout.write(f"{line}\n")


def run(command: list[str], given: str | None = None, may_fail: bool = False) -> str:
    """Run a command, which must succeed; return what it says, its errors too."""
    done = subprocess.run(
        command, input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, cwd=ROOT, timeout=IMAGE_S,
    )  # fmt: skip
    assert may_fail or done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"
    return done.stdout.strip()


@dataclass
class Deployment:
    """What docker-compose.yml starts."""

    command: list[str]
    grafana: bool = False

    def compose(self, *arguments: str) -> str:
        """Run docker-compose on a project of the test's own."""
        return run([*self.command, "-p", PROJECT, *arguments])

    def up(self, *arguments: str) -> None:
        """Start what is not running, and wait until all of it is well."""
        wanted = {name for name, one in SERVICES.items() if "profiles" not in one}
        self.compose("up", "-d", *arguments, *(wanted if self.grafana else wanted - {"grafana"}))
        self.wait()

    def wait(self) -> None:
        """Wait until every container is well, and the gateway answers with all its parts."""
        wait_for(lambda: not self._unwell(), self._unwell)
        wait_for(self._whole, lambda: self.compose("logs", "--tail", "20"))

    def _unwell(self) -> list[str]:
        found = json.loads(docker("inspect", *self.containers()))
        return [
            f"{one['Name']}: {one['State']}"
            for one in found
            if one["State"]["Status"] != "running"
            or one["State"].get("Health", {"Status": "healthy"})["Status"] != "healthy"
        ]

    def _whole(self) -> bool:
        try:
            answer = HTTP.get(f"{GATEWAY}/recommend?user_id=42&k=1", timeout=GENEROUS_S)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and not answer.json()["degraded"]

    def containers(self, service: str | None = None) -> list[str]:
        """Return the ids of the containers of a service, of all that go on running by default."""
        label = "label=com.docker.compose"
        mine = ["ps", "-q", "--all", "--no-trunc", "--filter", f"{label}.project={PROJECT}"]
        if service is not None:
            return docker(*mine, "--filter", f"{label}.service={service}").split()
        once = docker(*mine, "--filter", f"{label}.service=secrets").split()
        return [one for one in docker(*mine).split() if one not in once]

    def one(self, service: str) -> str:
        """Return the id of the only container of a service."""
        [found] = self.containers(service)
        return found


GATEWAY, PROMETHEUS = "http://127.0.0.1:8000", "http://127.0.0.1:9090"


def inspect(container: str) -> Any:
    """Return what the engine knows about a container."""
    return json.loads(docker("inspect", container))[0]


@pytest.fixture(scope="module")
def whole() -> Iterator[Deployment]:
    """Yield the deployment, built from this tree, new and running; nothing of it is left."""
    if which("docker") is None or "Server Version" not in docker("info", may_fail=True):
        pytest.fail(INSTALL, pytrace=False)
    if which("docker-compose"):
        command = ["docker-compose"]
    elif "version" in docker("compose", "version", may_fail=True):
        command = ["docker", "compose"]
    else:
        pytest.fail(INSTALL, pytrace=False)
    made = Deployment(command)
    made.compose("down", "-v", "--remove-orphans")  # of a run that was broken off
    for port in ("8000", "9090", "3000"):
        with socket.socket() as sock:
            taken = sock.connect_ex(("127.0.0.1", int(port))) == 0
        if taken:
            pytest.fail(f"port {port} is taken: stop what listens there", pytrace=False)
    made.grafana = has(SERVICES["grafana"]["image"])
    versions(made)
    try:
        began = time.monotonic()
        made.compose("build", "gateway")
        built = time.monotonic()
        made.up()
        up = time.monotonic()
        say(f"built in {built - began:.1f} s, up and well in {up - built:.1f} s")
        yield made
    finally:
        made.compose("down", "-v", "--remove-orphans")


@pytest.fixture
def deployment(whole: Deployment) -> Iterator[Deployment]:
    """Yield the deployment while all of it is well; say what it logged where a test fails."""
    whole.wait()
    yield whole
    whole.wait()


def has(image: str) -> bool:
    """Whether an image is here, or can be had."""
    here = docker("image", "inspect", image, may_fail=True).startswith("[\n")
    return here or "Status:" in docker("pull", image, may_fail=True)


def versions(made: Deployment) -> None:
    """Print what runs here, which need not be what the published images hold."""
    compose = run([*made.command, "version", "--short"])
    engine = docker("version", "--format", "{{.Server.Version}}")
    say(f"\nengine {engine}, compose {compose}")
    tools = {"redis": "redis-server", "prometheus": "prometheus"}
    for name, tool in tools.items():
        image = SERVICES[name]["image"]
        assert has(image), f"the image {image} cannot be had"
        [version, *_] = docker("run", "--rm", "--entrypoint", tool, image, "--version").splitlines()
        digests = docker("image", "inspect", "--format", "{{.RepoDigests}}", image)
        say(f"{image}: {version}; published as {digests}")
    if not made.grafana:
        say(f"{SERVICES['grafana']['image']} cannot be had: Grafana is not started")


# ---------------------------------------------------------------------- callers


@dataclass(frozen=True)
class Answer:
    """One answer, or why there was none."""

    at: float
    status: int | str
    took_s: float
    degraded: tuple[str, ...] = ()
    model: str = ""
    reasons: tuple[str, ...] = ()


@dataclass
class Load:
    """Callers that ask again as soon as they are answered, each time for texts never written."""

    deadline_s: float
    answers: list[Answer] = field(default_factory=list)

    def count(self) -> Counter[object]:
        """Return how many there were of each kind, with why texts are stand-ins."""
        return Counter((one.status, *one.degraded, *one.reasons) for one in self.answers)

    def since(self, moment: float) -> list[Answer]:
        """Return the answers to what was asked later."""
        return [one for one in self.answers if one.at >= moment]

    def ask_for(self, seconds: float) -> None:
        """Let the callers go on for a while."""
        time.sleep(seconds)

    def check(self) -> None:
        """Fail if one caller was not answered, or later than its deadline."""
        assert self.answers
        assert {one.status for one in self.answers} == {200}, self.count()
        assert max(one.took_s for one in self.answers) < self.deadline_s + GENEROUS_S

    def check_texts(self, until: float = math.inf) -> None:
        """Fail if a text was not written although its deadline left all the time for it.

        Where the machine is so busy that Redis takes no job for half a second, a text is
        `unavailable` at once: no job was lost then, for there was none.
        """
        ended = [one for one in self.answers if one.at + one.took_s < until]
        late = [one for one in ended if {"deadline", "shed"} & set(one.reasons)]
        assert ended
        assert not late, (late, self.count())


@contextmanager
def load(deadline_s: float = 2.0, k: int = 10) -> Iterator[Load]:
    """Let callers ask meanwhile."""
    made, over = Load(deadline_s), threading.Event()
    liked = [
        {"item_id": entry["item"]["id"], "value": entry["value"]}
        for user in (15, 30, 73, 311)
        for entry in HTTP.get(f"{GATEWAY}/users/{user}/history", timeout=GENEROUS_S).json()["items"]
    ]

    def call(chance: random.Random) -> None:
        while not over.is_set():
            body = {"history": chance.sample(liked, 20), "k": k}
            body["deadline_ms"] = int(1000 * deadline_s)
            made.answers.append(_ask(body, deadline_s + GENEROUS_S))
            if isinstance(made.answers[-1].status, str):
                time.sleep(0.1)  # as anybody would who found nobody there

    callers = [
        threading.Thread(target=call, args=[random.Random(str((time.time(), number)))])
        for number in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    try:
        wait_for(lambda: len(made.answers) > CALLERS)
        yield made
    finally:
        over.set()
        for caller in callers:
            caller.join()


def _ask(body: object, limit_s: float) -> Answer:
    at = time.monotonic()
    try:
        answer = HTTP.post(f"{GATEWAY}/recommend", json=body, timeout=limit_s)
    except httpx.TransportError as error:
        return Answer(at, type(error).__name__, time.monotonic() - at)
    took_s = time.monotonic() - at
    if answer.status_code != 200:
        return Answer(at, answer.status_code, took_s)
    content = answer.json()
    why = {item["explanation"]["reason"] for item in content["items"]} - {None}
    return Answer(at, 200, took_s, tuple(content["degraded"]), content["model"], tuple(sorted(why)))


def metric(name: str) -> float:
    """Return a metric of the gateway that has no labels."""
    text = HTTP.get(f"{GATEWAY}/metrics", timeout=GENEROUS_S).text
    [value] = re.findall(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(value)


def nothing_is_lost() -> None:
    """Fail if a job stays undone."""
    wait_for(lambda: metric("prism_queue_depth") == 0)
    assert metric("prism_dead_letters") == 0


def targets() -> Counter[tuple[str, str]]:
    """Return how many targets Prometheus has, by job and health."""
    found = HTTP.get(f"{PROMETHEUS}/api/v1/targets", timeout=GENEROUS_S).json()["data"]
    return Counter((one["labels"]["job"], one["health"]) for one in found["activeTargets"])


def scraped(workers: int) -> None:
    """Wait until Prometheus reads every process."""
    roles = {"gateway": 1, "ranker": 1, "worker": workers, "prometheus": 1}
    expected = Counter({(job, "up"): number for job, number in roles.items()})
    wait_for(lambda: targets() == expected, targets)


# ---------------------------------------------------------------------- as it comes


def test_the_first_request_of_the_readme_is_answered(deployment: Deployment) -> None:
    [url] = re.findall(r"^curl '(localhost:8000/recommend\?[^']*)'$", readme(), re.MULTILINE)
    asked = httpx.URL(f"http://{url}").params

    def whole() -> bool:
        answer = HTTP.get(f"http://{url}", timeout=GENEROUS_S)
        assert answer.status_code == 200
        content = answer.json()
        assert (content["user_id"], len(content["items"])) == (asked["user_id"], int(asked["k"]))
        sources = {item["explanation"]["source"] for item in content["items"]}
        return not content["degraded"] and "prism" in sources

    wait_for(whole)  # at once, unless the machine has more to do than Prism


def readme() -> str:
    """Return the README."""
    return (ROOT / "README.md").read_text("utf-8")


def test_every_process_is_scraped_and_no_alert_fires(deployment: Deployment) -> None:
    scraped(workers=1)
    alerts = HTTP.get(f"{PROMETHEUS}/api/v1/alerts", timeout=GENEROUS_S).json()["data"]["alerts"]
    assert not [alert for alert in alerts if alert["state"] == "firing"]


def test_grafana_shows_the_dashboard_and_lets_nobody_in(deployment: Deployment) -> None:
    if not deployment.grafana:
        pytest.skip(f"{SERVICES['grafana']['image']} cannot be had here: Grafana was not tried")
    grafana = "http://127.0.0.1:3000"
    wait_for(lambda: HTTP.get(f"{grafana}/api/dashboards/uid/prism").status_code == 200)
    refused = HTTP.get(f"{grafana}/api/admin/settings", auth=("admin", "admin"))
    assert refused.status_code == 401


def test_every_container_is_bound_as_the_file_says(deployment: Deployment) -> None:
    for container in deployment.containers():
        about = inspect(container)
        host, name = about["HostConfig"], about["Name"]
        assert host["ReadonlyRootfs"] is True, name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert about["Config"]["User"].partition(":")[0] not in {"", "0", "root"}, name
        for ports in host["PortBindings"].values():
            assert {port["HostIp"] for port in ports} == {"127.0.0.1"}, name


@pytest.mark.parametrize("role", ["serve", "gateway", "ranker", "worker"])
def test_the_image_alone_serves_nobody_without_keys(deployment: Deployment, role: str) -> None:
    told = docker("run", "--rm", "prism", role, may_fail=True)
    assert told.startswith("error: ")
    assert "this machine only, not 0.0.0.0" in told
    assert "PRISM_ALLOW_OPEN=1" in told


@contextmanager
def alone(*options: str) -> Iterator[str]:
    """Yield where a container of the image serves, all of Prism in it."""
    port = free_port()
    ours = ["run", "-d", "--rm", "-p", f"127.0.0.1:{port}:8000", *options, "prism"]
    container = docker(*ours)
    try:
        wait_for(lambda: status(f"http://127.0.0.1:{port}/readyz") == 200)
        yield f"http://127.0.0.1:{port}/recommend?user_id=42&k=1"
    finally:
        docker("kill", container)


def status(url: str, **headers: str) -> int | None:
    """Return the status of an answer, None where there is none."""
    try:
        return HTTP.get(url, headers=headers, timeout=GENEROUS_S).status_code
    except httpx.TransportError:
        return None


def test_the_image_serves_others_when_it_is_told_to_or_has_keys(
    deployment: Deployment, tmp_path: Path
) -> None:
    with alone("-e", "PRISM_ALLOW_OPEN=1") as url:
        assert status(url) == 200
    key = keys.new_key()
    (tmp_path / "keys.txt").write_text(keys.line_of("website", key))
    tmp_path.chmod(0o755)
    mounted = ["-v", f"{tmp_path / 'keys.txt'}:/keys.txt:ro", "-e", "PRISM_API_KEYS=/keys.txt"]
    with alone(*mounted) as url:
        assert status(url) == 401
        assert status(url, authorization=f"Bearer {key}") == 200


# ---------------------------------------------------------------------- secrets


def secrets(deployment: Deployment) -> dict[str, str]:
    """Return the secrets of the deployment, as a worker reads them."""
    worker = deployment.containers("worker")[0]
    paths = ("/secrets/redis/password", "/secrets/signing/key")
    return {path: docker("exec", worker, "cat", path) for path in paths}


def test_no_secret_is_seen_from_outside(deployment: Deployment) -> None:
    made = secrets(deployment)
    assert len(set(made.values())) == 2
    for secret in made.values():
        assert re.fullmatch("[0-9a-f]{64}", secret)
    for container in deployment.containers():
        seen = docker("inspect", container) + docker("top", container)
        seen += docker("logs", container) + docker("exec", container, "env")
        assert not [path for path, secret in made.items() if secret in seen]


def test_a_secret_is_only_where_it_is_needed(deployment: Deployment) -> None:
    for service, paths in {
        "redis": {"/secrets/redis"},
        "ranker": set(),
        "prometheus": set(),
        "gateway": {"/secrets/redis", "/secrets/signing"},
        "worker": {"/secrets/redis", "/secrets/signing"},
    }.items():
        mounts = inspect(deployment.one(service))["Mounts"]
        secret = [mount for mount in mounts if mount["Destination"].startswith("/secrets")]
        assert {mount["Destination"] for mount in secret} == paths
        assert not any(mount["RW"] for mount in secret)
    listed = docker("exec", deployment.one("worker"), "find", "/secrets", "-type", "f", "-perm",
                    "/077")  # fmt: skip
    assert listed == ""


def test_redis_answers_nobody_without_the_password_and_is_administered_by_nobody(
    deployment: Deployment,
) -> None:
    def redis(command: str, prefix: str = "") -> str:
        shell = f"{prefix} redis-cli {command}"
        return docker("exec", deployment.one("redis"), "sh", "-c", shell, may_fail=True)

    assert "NOAUTH" in redis("get x")
    assert "NOAUTH" in redis("get x", "REDISCLI_AUTH=guessed")
    known = "REDISCLI_AUTH=$(cat /secrets/redis/password)"
    assert redis("ping", known) == "PONG"
    for command in ("config get dir", "module list", "replicaof example.org 6379", "shutdown"):
        assert "NOPERM" in redis(command, known), command
    longer = "head -c 2000000 /dev/zero | tr '\\0' x | " + known
    assert redis("-x set x", longer) != "OK"  # the connection is closed, whatever is read of why
    assert redis("exists x", known) == "0"


# ---------------------------------------------------------------------- more, and less


@pytest.fixture
def three_workers(deployment: Deployment) -> Iterator[Deployment]:
    """Yield the deployment with three workers; it has one afterwards."""
    deployment.up("--no-recreate", "--scale", "worker=3")
    assert len(deployment.containers("worker")) == 3
    yield deployment
    deployment.up("--no-recreate", "--scale", "worker=1")


def test_three_workers_write_for_one_gateway(three_workers: Deployment) -> None:
    scraped(workers=3)
    with load(deadline_s=20) as callers:
        callers.ask_for(5)
    callers.check()
    callers.check_texts()
    nothing_is_lost()


def test_a_worker_killed_for_lack_of_memory_costs_nobody_anything(
    three_workers: Deployment,
) -> None:
    worker, *others = three_workers.containers("worker")
    enough = inspect(worker)["HostConfig"]["Memory"]
    before = inspect(worker)["RestartCount"]
    with load(deadline_s=30, k=20) as callers:  # so many texts that it has some in hand
        limit(worker, used_bytes(worker) + 24 * 2**20)
        docker("pause", *others)
        # What stands in a tmpfs counts, and the largest process is killed for it.
        docker("exec", worker, "sh", "-c", "head -c 60M /dev/zero >/tmp/full", may_fail=True)
        docker("unpause", *others)
        wait_for(lambda: inspect(worker)["RestartCount"] > before)
        limit(worker, enough)
        three_workers.wait()
        callers.ask_for(10)  # so that jobs of the one that was killed are taken over
    killed = docker(
        "events", "--since", "10m", "--until", "0s", "--filter", f"container={worker}",
        "--filter", "event=oom", "--format", "{{.Action}}",
    )  # fmt: skip
    assert "oom" in killed
    callers.check()
    callers.check_texts()
    say(f"killed: {callers.count()}; longest {max(one.took_s for one in callers.answers):.1f} s")
    nothing_is_lost()
    scraped(workers=3)


def limit(container: str, most_bytes: int) -> None:
    """Let a container use so much memory, and no swap."""
    docker("update", "--memory", str(most_bytes), "--memory-swap", str(most_bytes), container)


def used_bytes(container: str) -> int:
    """Return the memory that a container uses."""
    used = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container)
    number, unit = re.findall(r"([\d.]+)(KiB|MiB|GiB) /", used)[0]
    return int(float(number) * {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit])


@pytest.mark.parametrize("service", ["redis", "ranker", "worker"])
def test_a_part_that_is_restarted_costs_nobody_an_answer(
    deployment: Deployment, service: str
) -> None:
    with load() as callers:
        deployment.compose("restart", service)
        deployment.wait()
    callers.check()
    nothing_is_lost()


# ---------------------------------------------------------------------- cuts


@pytest.mark.parametrize(("network", "missing"), [("queue", "worker"), ("ranking", "ranker")])
def test_a_network_that_is_cut_costs_the_answers_their_style_only(
    deployment: Deployment, network: str, missing: str
) -> None:
    gateway = deployment.one("gateway")
    cut = [f"{PROJECT}_{network}", gateway]
    with load() as callers:
        docker("network", "disconnect", *cut)
        began = time.monotonic()
        callers.ask_for(15)
        ended = time.monotonic()
        docker("network", "connect", "--alias", "gateway", *cut)
        deployment.wait()
        healed = time.monotonic()
        callers.ask_for(5)
    callers.check()
    during = [one for one in callers.since(began) if one.at < ended]
    assert during
    assert all(missing in one.degraded for one in during), callers.count()
    say(f"{network} cut: {len(during)} answers, degraded; whole {healed - ended:.1f} s after it")
    nothing_is_lost()
    scraped(workers=1)


# ---------------------------------------------------------------------- upgrades


@contextmanager
def another_image(deployment: Deployment) -> Iterator[None]:
    """Give the name `prism` to an image with another model, as building a new version does.

    Afterwards the deployment is of the version before again.
    """
    before = docker("image", "inspect", "--format", "{{.Id}}", "prism")
    docker("build", "-t", "prism", "-", given="FROM prism\nENV PRISM_MODEL=grounded\n")
    try:
        yield
    finally:
        docker("tag", before, "prism")
        deployment.up()


def test_an_upgrade_under_load_costs_nobody_an_answer_but_while_the_gateway_is_replaced(
    deployment: Deployment,
) -> None:
    """The steps are those of docs/operating.md."""
    with another_image(deployment), load(deadline_s=20) as callers:
        old = deployment.containers("worker")
        deployment.compose(
            "up", "-d", "--no-deps", "--no-recreate", "--scale", "worker=2", "worker"
        )
        deployment.wait()
        docker("stop", *old)
        docker("rm", *old)
        deployment.wait()
        workers_new = time.monotonic()
        deployment.compose("up", "-d", "--no-deps", "ranker")
        deployment.wait()
        ranker_new = time.monotonic()
        deployment.compose("up", "-d", "--no-deps", "gateway")
        deployment.wait()
        gateway_new = time.monotonic()
        callers.ask_for(5)
    callers.check_texts(until=workers_new)
    unanswered = [one for one in callers.answers if one.status != 200]
    assert all(isinstance(one.status, str) for one in unanswered), callers.count()
    assert all(ranker_new < one.at + one.took_s for one in unanswered)
    assert all(one.at < gateway_new for one in unanswered)
    models = [one.model.partition("@")[0] for one in (callers.answers[0], callers.answers[-1])]
    assert models == ["prism-small", "grounded"]
    moments = [one.at for one in unanswered] or [gateway_new]
    away_s = max(moments) - min(moments)
    say(f"upgraded: {callers.count()}; the gateway was away for {away_s:.1f} s")
    nothing_is_lost()


def test_down_and_up_again_keeps_what_stands_in_volumes(deployment: Deployment) -> None:
    def kept() -> object:
        answer = HTTP.get(f"{GATEWAY}/recommend?user_id=42&k=3", timeout=GENEROUS_S).json()
        return secrets(deployment), answer["ranker"], answer["model"]

    scraped(workers=1)
    was, then = kept(), time.time()
    deployment.compose("down")
    with pytest.raises(httpx.TransportError):
        HTTP.get(GATEWAY)
    deployment.up()
    assert kept() == was
    scraped(workers=1)
    query = f"{PROMETHEUS}/api/v1/query?query=up&time={then}"
    assert HTTP.get(query, timeout=GENEROUS_S).json()["data"]["result"]
