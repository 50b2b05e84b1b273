"""The page at `/`: its files, and what its browser may do with them.

    GET /                        the document, which names everything else
    GET /static/page/main.js     what it names: modules, styles, a font; nothing is built

The document may load from this service and from nowhere else, run no script and apply no style that
stands in it, and make no markup of a text (`require-trusted-types-for`): an item may be called
anything.
"""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from starlette.staticfiles import StaticFiles

_FOLDER = Path(__file__).with_name("page")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


_CACHE = "no-cache"
"""Kept, but asked about each time, by ETag."""


def add_page(app: FastAPI) -> None:
    """Add the page and its files."""
    files = StaticFiles(directory=_FOLDER)

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        answer = await files.get_response("index.html", request.scope)
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["Cache-Control"] = _CACHE
        return answer

    @app.get("/static/page/{name}", include_in_schema=False)
    async def file(name: str, request: Request) -> Response:
        answer = await files.get_response(name, request.scope)
        answer.headers["Cache-Control"] = _CACHE
        return answer
