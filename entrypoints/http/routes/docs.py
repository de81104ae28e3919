"""The OpenAPI description at /openapi.json, and Swagger UI at /docs, which loads nothing from other
hosts."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from entrypoints.http.context import app_context
from entrypoints.http.openapi.sign_in import SignIn

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'{provider}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def get_openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs/")
async def get_docs_by_its_folder() -> Response:
    """Redirect to /docs: the page's relative links do not work below /docs/."""
    return Response(status_code=308, headers={"Location": "../docs"})


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


def _folder_of(package: str) -> Path:
    spec: Any = find_spec(package)
    return Path(spec.origin).parent


_PAGE = Path(__file__).parent / "docs_page"
_SWAGGER_UI = _folder_of("fastapi_offline") / "static"


def _serve(address: str, path: Path, media_type: str) -> None:
    @router.get(address)
    async def get_part(request: Request) -> Response:
        headers = {"Content-Security-Policy": app_context(request).docs_policy}
        return Response(_content(path), headers=headers, media_type=media_type)


_serve("/docs", _PAGE / "index.html", "text/html")
_serve("/docs/init.js", _PAGE / "init.js", "text/javascript")
_serve("/docs/style.css", _PAGE / "style.css", "text/css")
_serve("/docs/signed-in", _PAGE / "signed-in.html", "text/html")
_serve("/docs/signed-in.js", _PAGE / "signed-in.js", "text/javascript")
_serve("/docs/swagger-ui.css", _SWAGGER_UI / "swagger-ui.css", "text/css")
_serve("/docs/swagger-ui-bundle.js", _SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript")


def docs_policy(sign_in: SignIn | None) -> str:
    """Return the Content-Security-Policy of /docs: the service and the identity provider alone."""
    provider = f" {sign_in.origin}" if sign_in and sign_in.client_id else ""
    return _POLICY.format(provider=provider)
