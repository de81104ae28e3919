"""What a client must know to get a token: OAuth 2.0 Protected Resource Metadata (RFC 9728)."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from entrypoints.http.context import app_context
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.openapi.sign_in import SignIn

METADATA_PATH = "/.well-known/oauth-protected-resource"


class ProtectedResourceResponse(BaseModel):
    """What a client must know to get a token for this service (RFC 9728 section 2)."""

    resource: Annotated[
        str,
        Field(description="The service.", examples=["https://chat.example"]),
        Field(json_schema_extra={"format": "uri"}),
    ]
    resource_name: Annotated[str, Field(description="Its name.", examples=["chat-sessions"])]
    resource_documentation: Annotated[
        str,
        Field(description="Where it is described.", examples=["https://chat.example/docs"]),
        Field(json_schema_extra={"format": "uri"}),
    ]
    bearer_methods_supported: Annotated[
        list[Literal["header"]],
        Field(description="How a token is sent.", examples=[["header"]]),
    ]
    authorization_servers: Annotated[
        list[str],
        Field(
            description="Whose tokens are taken; absent where it is those of a development key.",
            examples=[["https://login.example"]],
        ),
    ] = []
    scopes_supported: Annotated[
        list[str],
        Field(
            description="What a token must allow; absent where every token allows all.",
            examples=[["chat:read", "chat:write"]],
        ),
    ] = []


router = APIRouter(tags=["service"], responses=problems(400, 431, 500, 503))


@router.get(
    METADATA_PATH,
    operation_id="getProtectedResource",
    response_model=ProtectedResourceResponse,
    responses={200: success("What is known."), **problems(421)},
)
async def get_protected_resource(request: Request) -> JSONResponse:
    """What a client must know to get a token for this service (RFC 9728 section 2)."""
    return JSONResponse(app_context(request).protected_resource)


def protected_resource(
    base_url: str, sign_in: SignIn | None, scopes: Sequence[str] = ()
) -> Mapping[str, str | list[str]]:
    """Return the service's metadata (RFC 9728 section 2), without members that have no value."""
    description: dict[str, str | list[str]] = {
        "resource": base_url,
        "resource_name": "chat-sessions",
        "resource_documentation": f"{base_url}/docs",
        "bearer_methods_supported": ["header"],
    }
    if sign_in:
        description["authorization_servers"] = [sign_in.issuer, *sign_in.others]
    if scopes:
        description["scopes_supported"] = list(scopes)
    return description


def metadata_url(base_url: str) -> str:
    """Return the URL of the metadata, which has the well-known part between the host and the path
    of the service (RFC 9728 section 3.1)."""
    parts = urlsplit(base_url)
    return parts._replace(path=METADATA_PATH + parts.path).geturl()


def serve_metadata_of(app: FastAPI, base_url: str) -> None:
    """Serve the metadata also at the URL that it has behind a proxy which publishes the service
    under a path. That path is the last part of the URL, so the proxy does not remove it."""
    path = unquote(urlsplit(base_url).path)
    if path:
        app.add_api_route(METADATA_PATH + path, get_protected_resource, include_in_schema=False)
