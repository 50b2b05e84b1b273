"""Writing on a Ray cluster of several nodes, one of which is killed."""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from chat_server import KEY
from cluster import COMMAND, ROOT, environment, wait_for
from oracle_fixtures import chat_server, facts_folder, rows_of

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.filterwarnings("ignore")  # of ray's own
def test_all_rows_are_there_though_a_node_is_killed(tmp_path: Path) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["OPENAI_API_KEY"] = KEY
    os.environ["PYTHONPATH"] = str(ROOT)
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    facts, texts = facts_folder(tmp_path, 400), tmp_path / "texts"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        doomed = cluster.add_node(num_cpus=2)
        cluster.wait_for_nodes()
        with chat_server(trouble=0.2) as server:
            options = ["--oracle", "openai", "--model", "m", "--url", server.url, "--timeout", "1"]
            command = ["write", str(facts), str(texts), *options, "--concurrency", "2"]
            run = subprocess.Popen(
                [*COMMAND, *command, "--ray", "8"], cwd=ROOT, stderr=subprocess.PIPE, text=True,
                env=environment(RAY_ADDRESS=cluster.address),
            )  # fmt: skip
            wait_for(lambda: lines(texts) > 60, limit_s=300)
            cluster.remove_node(doomed, allow_graceful=False)
            before = lines(texts)
            _, told = run.communicate(timeout=400)
            assert run.returncode == 0, told
            assert "0 texts are left" in told
        assert before < 400
    finally:
        cluster.shutdown()
    answered = Counter(row["digest"] for row in rows_of(texts) if "text" in row)
    assert len(answered) == sum(answered.values()) == 400
    assert len(list(texts.glob("*.jsonl"))) == 8


def lines(texts: Path) -> int:
    return sum(shard.read_bytes().count(b"\n") for shard in texts.glob("*.jsonl"))
