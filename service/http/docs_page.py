"""`/docs`: the API to read and to try, with Swagger UI, served by us and loading nothing elsewhere.

Of the package `fastapi-swagger` only the assets are used: its page has a script inside, which our
Content-Security-Policy would not run.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse

ASSETS = "/static/docs"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do: nothing inline, and nothing from elsewhere."""
_FOLDER = Path(str(files("fastapi_swagger") / "resources"))
_FILES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_AGE = {"Cache-Control": "private, max-age=86400"}
# Addresses without a leading slash: behind a proxy the service may have a path of its own.
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prism: the API</title>
<link rel="icon" type="image/png" href="static/docs/favicon-32x32.png">
<link rel="stylesheet" href="static/docs/swagger-ui.css">
<div id="api"></div>
<script src="static/docs/swagger-ui-bundle.js"></script>
<script src="static/docs/start.js"></script>
</html>
"""
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});
"""


def add_docs_page(app: FastAPI) -> None:
    """Add the page and its assets."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": DOCS_POLICY})

    @app.get(f"{ASSETS}/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript", headers=_AGE)

    for name, media_type in _FILES.items():
        _add_file(app, name, media_type)


def _add_file(app: FastAPI, name: str, media_type: str) -> None:
    @app.get(f"{ASSETS}/{name}", include_in_schema=False)
    async def asset() -> FileResponse:
        return FileResponse(_FOLDER / name, media_type=media_type, headers=_AGE)
