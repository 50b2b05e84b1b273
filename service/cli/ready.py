"""Whether a server here can serve, for health checks: `python -m service.cli.ready 8000`.

They run every few seconds in every container, so this imports next to nothing: `prism ready`, which
does the same, takes ten times as long, most of it for what the other commands need.
"""

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

_PROBE_S = 2.0


def why_not(port: int) -> str | None:
    """Return why the server on a port cannot serve, None if it can."""
    asked = HTTPConnection("127.0.0.1", port, timeout=_PROBE_S)
    try:
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
    except (OSError, HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        asked.close()
    return None if answer.status == HTTPStatus.OK else f"it answers {answer.status}"


if __name__ == "__main__":
    reason = why_not(int(sys.argv[1]))
    sys.exit(None if reason is None else f"not ready: {reason}")
