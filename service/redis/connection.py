"""One way to connect to Redis: pooled, with time limits, TLS, the password from a file."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service.settings import Settings

_CONNECT_S, _ANSWER_S = 1.0, 5.0


def connect(settings: Settings) -> Redis:
    """Return a client of the Redis in the settings; it connects when first used.

    It tries only once more, on a new connection: those of before a restart of Redis are broken, and
    whoever uses it has a deadline and a way to do without.
    """
    password = None
    if settings.redis_password_file is not None:
        password = settings.redis_password_file.read_text("utf-8").strip()
    given = {} if password is None else {"password": password}
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=settings.redis_connections,
        timeout=_CONNECT_S,
        socket_connect_timeout=_CONNECT_S,
        socket_timeout=_ANSWER_S,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
        encoding_errors="replace",  # a foreign value is a miss, no error
        **given,
    )
    return Redis.from_pool(pool)  # which is closed with it
