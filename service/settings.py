"""Settings of every process: flags of the command line, or `PRISM_*` environment variables."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.faithfulness import Policy
from models.prism.engines.choice import Runtime

LARGEST_BODY = 8 * 2**20
"""Bytes of a body that a gateway may be set to accept; what the ranking service accepts follows."""
MOST_EXCLUDED = 10_000
"""Items that a request may leave out."""
MOST_CANDIDATES = 1000
"""Items of somebody else's that a request may bring."""
MOST_EXCLUDED_IN_URL = 400
"""The same in a query string: so many of the longest ids, if they are of ASCII, fit into 64 KiB."""


class Settings(BaseSettings):
    """What an operator may choose. `PRISM_PORT=8080` sets `port`."""

    model_config = SettingsConfigDict(env_prefix="PRISM_", frozen=True)

    host: str = Field("127.0.0.1", description="Address to bind.")
    port: int = Field(8000, ge=0, le=65535, description="Port to bind; 0 for any free one.")
    data: Path = Field(Path("data/demo"), description="Dataset folder.")
    snapshot: Path = Field(Path("data/ranker"), description="Ranker snapshot folder.")
    ranker: Literal["als", "popularity"] = Field("als", description="Which ranker is served.")
    model: str = Field(
        "small",
        description="Writer: small, grounded, a folder of BART's layout, or a name on the hub.",
    )
    runtime: Runtime = Field(
        "auto",
        description="Runs the model: ctranslate2, torch; auto is torch only for a GPU that "
        "CTranslate2 cannot use.",
    )
    engines: Path = Field(Path("data/engines"), description="Folder for converted models.")
    policy: Policy = Field(
        "strict",
        description="Faithfulness policy of what is served; only strict guarantees anything.",
    )

    api_keys: Path | None = Field(
        None, description="File of the API keys that are valid; without it everybody may ask."
    )
    allow_open: bool = Field(
        False, description="Serve other machines although there are no API keys."
    )
    rate_per_s: float | None = Field(
        None, ge=0.001, le=1e6, description="Requests a second of one caller; none: no limit."
    )
    rate_burst: int = Field(
        20, ge=1, le=1_000_000, description="Requests a caller may make at once, after a rest."
    )

    max_k: int = Field(100, ge=1, description="Most items of one answer.")
    max_history: int = Field(10_000, ge=1, description="Most entries of an inline history.")
    max_body: int = Field(
        2 * 2**20, ge=1, le=LARGEST_BODY, description="Largest request body, bytes."
    )
    max_deadline_ms: int = Field(30_000, ge=1, description="Longest deadline a request may set.")

    cache_bytes: int = Field(64 * 2**20, ge=0, description="Size of the explanation cache, bytes.")
    cache_ttl_s: int = Field(7 * 86_400, ge=1, description="Age at which a cached text expires.")
    queue_limit: int = Field(10_000, ge=1, description="Most jobs that wait; more are shed.")
    batch_size: int = Field(
        32, ge=1, description="Most explanations in a batch; a worker has two in flight."
    )
    shutdown_s: int = Field(30, ge=1, description="Seconds for requests in flight at shutdown.")
    ranker_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:8001"), description="Gateway: the ranking service."
    )
    last_good_users: int = Field(
        10_000, ge=0, description="Users whose last answer is kept, for when the ranker is gone."
    )
    last_good_age_s: int = Field(86_400, ge=1, description="Age at which it is forgotten, seconds.")
    reload_s: int = Field(10, ge=1, description="Ranker: how often to look for a new snapshot.")
    warm_users: int = Field(
        100, ge=0, description="Gateway: most active users explained in advance after a retrain."
    )

    redis_url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="Redis; rediss:// for TLS."
    )
    redis_password_file: Path | None = Field(None, description="File with the password of Redis.")
    signing_key_file: Path | None = Field(
        None,
        description="File of the keys that sign what is in Redis and ids of impressions, one a "
        "line; the first signs.",
    )
    redis_connections: int = Field(64, ge=2, description="Most connections to Redis.")
    near_cache_bytes: int = Field(
        16 * 2**20, ge=0, description="Gateway: size of its own cache before Redis, bytes."
    )
    claim_after_s: float = Field(
        5.0, gt=0.1, description="Silence of a worker after which another takes its jobs, seconds."
    )
    batch_limit_s: float = Field(
        60.0, gt=0, description="Worker: time for a batch, after which others take its jobs."
    )
    priority: int = Field(
        0, ge=-1000, le=1000,
        description="Worker: of several models served, the one of the highest priority is asked.",
    )  # fmt: skip
    deliveries: int = Field(3, ge=2, description="Attempts after which a job is given up.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Logs.")

    @property
    def max_values(self) -> int:
        """Most values of a JSON body.

        They are counted by commas and brackets, so there is room for some in texts. An entry of a
        history is four values; Facts are up to 150, and their titles have commas.
        """
        return max(5 * (self.max_history + MOST_EXCLUDED // 4), 500 * self.max_k)


def misspelt() -> dict[str, str]:
    """Return the `PRISM_*` variables that set nothing, each with what may be meant, or ""."""
    known = [name.upper() for name in Settings.model_fields]
    found = {}
    for variable in os.environ:
        prefix, _, name = variable.upper().partition("_")
        if prefix == "PRISM" and name not in known:
            near = get_close_matches(name, known, 1)
            found[variable] = f"PRISM_{near[0]}" if near else ""
    return found
