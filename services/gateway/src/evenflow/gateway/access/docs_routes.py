"""`/docs`: the endpoints to look at and try, from files that are installed; needs no internet."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

router: Final = APIRouter()
SWAGGER: Final = Path(str(files("fastapi_offline"))) / "static"
"""Swagger UI as a maintained package bundles it; of the package nothing else is used."""
# Swagger UI sets style attributes, and draws its icons as data.
_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HTML: Final = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Evenflow: endpoints</title>
  <link rel="stylesheet" href="/static/swagger/swagger-ui.css">
  <link rel="icon" href="data:,">
  <script src="/static/swagger/swagger-ui-bundle.js" defer></script>
  <script src="/static/docs.js" defer></script>
</head>
<body><div id="swagger"></div></body>
</html>
"""


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """Return the page that shows every endpoint."""
    headers = {"Content-Security-Policy": _POLICY}
    return HTMLResponse(_HTML, headers=headers)
