"""What went wrong with a request to a server: whether it may cost, and when to try again."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
)
from pydantic import ValidationError

from models.oracle.protocol import OracleError

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 60.0
_LONGEST_RETRY_AFTER_S = 900.0
_TRIED_AGAIN = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Setback:
    """An attempt that came to nothing.

    Attributes
    ----------
    reason : in a line
    may_cost : whether the server may have generated something
    again : whether another attempt makes sense
    retry_after : seconds that the server asks to be left alone, None if it does not
    """

    reason: str
    may_cost: bool
    again: bool = True
    retry_after: float | None = None


def setback_of(error: Exception) -> Setback:
    """Return what an error of the client, or of reading its answer, means for a request.

    Raises OracleError for one that every request would meet.
    """
    if isinstance(error, ValidationError):
        return Setback("the answer is no chat completion", may_cost=True)
    if isinstance(error, APITimeoutError):
        return Setback("no answer in time", may_cost=not _never_sent(error))
    if isinstance(error, APIConnectionError):
        cause = error.__cause__ or error
        reason = f"the connection failed: {str(cause) or type(cause).__name__}"
        return Setback(reason, may_cost=not _never_sent(error))
    if not isinstance(error, APIStatusError):
        raise error
    status, reason = error.status_code, f"status {error.status_code}: {_line(error)}"
    if isinstance(error, AuthenticationError | PermissionDeniedError | NotFoundError):
        raise OracleError(f"the server refuses: {reason}") from None
    if error.code == "insufficient_quota":
        raise OracleError(f"the account has no credit left: {reason}") from None
    wait = retry_after(error.response.headers.get("retry-after"))
    if wait is not None and wait > _LONGEST_RETRY_AFTER_S:
        raise OracleError(f"the server asks to come back in {wait:,.0f} s: {reason}") from None
    return Setback(
        reason,
        may_cost=status >= 500,
        again=status >= 500 or status in _TRIED_AGAIN,
        retry_after=wait,
    )


def retry_after(header: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date (RFC 9110)."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (date.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds)


def backoff(attempt: int) -> float:
    """Return seconds before the attempt after the `attempt`-th, from 0; longer each time.

    They are drawn, so that requests that failed together do not all come back together.
    """
    wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0**attempt)
    return wait * random.uniform(0.5, 1.0)  # noqa: S311


def _never_sent(error: APIConnectionError) -> bool:
    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
