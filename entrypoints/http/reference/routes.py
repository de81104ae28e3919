"""The description at /openapi.json, and the page at /docs that shows it, with nothing on it from
elsewhere."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def get_openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs")
async def get_docs() -> Response:
    return _asset(_PAGE / "index.html", "text/html")


@router.get("/docs/")
async def get_docs_by_its_folder() -> Response:
    """Where the page's own addresses would lead astray."""
    return Response(status_code=308, headers={"Location": "../docs"})


@router.get("/docs/init.js")
async def get_docs_script() -> Response:
    return _asset(_PAGE / "init.js", "text/javascript")


@router.get("/docs/style.css")
async def get_docs_style() -> Response:
    return _asset(_PAGE / "style.css", "text/css")


@router.get("/docs/swagger-ui.css")
async def get_swagger_ui_style() -> Response:
    return _asset(_SWAGGER_UI / "swagger-ui.css", "text/css")


@router.get("/docs/swagger-ui-bundle.js")
async def get_swagger_ui() -> Response:
    return _asset(_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript")


def _asset(path: Path, media_type: str) -> Response:
    headers = {"Content-Security-Policy": DOCS_POLICY}
    return Response(_content(path), headers=headers, media_type=media_type)


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


def _folder_of(package: str) -> Path:
    spec: Any = find_spec(package)
    return Path(spec.origin).parent


_PAGE = Path(__file__).parent / "page"
_SWAGGER_UI = _folder_of("fastapi_offline") / "static"
