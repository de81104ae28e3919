"""The application is FastAPI's: what its documentation promises to who adds a route holds here."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Header, HTTPException
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.owner import Owner
from entrypoints.http.dependencies import BEARER, Caller, SessionId
from entrypoints.http.pipeline import PipelineRoute
from tests.entrypoints.conftest import Api, problem

LEVELS = ("route", "router", "inclusion", "application")
OTHER = "01a20abe-9820-7a13-8f00-5d1a0c7f3b11"


@pytest.fixture
def backend() -> str:
    return "memory"


@pytest.fixture
def app(api: Api) -> FastAPI:
    assert isinstance(api.app, FastAPI)
    return api.app


@pytest.fixture
def router() -> APIRouter:
    return APIRouter(prefix="/sessions/{session_id}", route_class=PipelineRoute)


async def refuse() -> None:
    raise HTTPException(418, headers={"X-Refused": "yes"})


async def test_a_dependency_of_a_parameter_is_resolved(
    api: Api, app: FastAPI, router: APIRouter
) -> None:
    async def shouted(caller: Caller) -> str:
        return caller.subject.upper()

    @router.get("/name")
    async def get_name(session_id: SessionId, name: Annotated[str, Depends(shouted)]) -> list[str]:
        return [str(session_id), name]

    app.include_router(router)
    assert (await api.ask("GET", f"/sessions/{OTHER}/name")).json() == [OTHER, "ALICE"]
    problem(await api.ask("GET", f"/sessions/{OTHER}/name", None), 401)
    problem(await api.ask("GET", "/sessions/other/name"), 404)


@pytest.mark.parametrize("level", LEVELS)
async def test_a_dependency_of_any_level_runs(api: Api, app: FastAPI, level: str) -> None:
    refusing = {name: [Depends(refuse)] if name == level else [] for name in LEVELS}
    app.router.dependencies += refusing["application"]
    router = APIRouter(route_class=PipelineRoute, dependencies=refusing["router"])

    @router.get("/sessions/{session_id}/refused", dependencies=refusing["route"])
    async def get_refused(session_id: SessionId) -> None:
        raise AssertionError(session_id)

    app.include_router(router, dependencies=refusing["inclusion"])
    response = await api.ask("GET", f"/sessions/{OTHER}/refused")
    assert problem(response, 418)["type"] == "about:blank"
    assert response.headers["x-refused"] == "yes"


async def test_a_dependency_is_overridden(api: Api, app: FastAPI) -> None:
    await api.create()
    app.dependency_overrides[BEARER] = lambda: Owner("https://issuer.example", "nobody")
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 0
    app.dependency_overrides.clear()
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 1


async def test_middleware_is_added(api: Api, app: FastAPI) -> None:
    class Marked:
        def __init__(self, app: ASGIApp, mark: bytes) -> None:
            self.app, self.mark = app, mark

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async def marked(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"x-mark", self.mark)]
                await send(message)

            await self.app(scope, receive, marked)

    app.add_middleware(Marked, mark=b"seen")
    for path, status in (("/sessions", 200), ("/nowhere", 404)):
        response = await api.ask("GET", path)
        assert (response.status_code, response.headers["x-mark"]) == (status, "seen")


async def test_a_path_has_two_ids(api: Api, app: FastAPI, router: APIRouter) -> None:
    @router.get("/parts/{part_id}")
    async def get_part(session_id: SessionId, part_id: UUID) -> list[str]:
        return [str(session_id), str(part_id)]

    app.include_router(router)
    one, two = OTHER, OTHER.replace("a", "b")
    assert (await api.ask("GET", f"/sessions/{one}/parts/{two}")).json() == [one, two]


async def test_a_dependency_reads_a_header(api: Api, app: FastAPI, router: APIRouter) -> None:
    async def language(accept_language: Annotated[str, Header()] = "en") -> str:
        return accept_language

    @router.get("/language")
    async def get_language(found: Annotated[str, Depends(language)]) -> str:
        return found

    app.include_router(router)
    headers = {"Accept-Language": "pt"}
    assert (await api.ask("GET", f"/sessions/{OTHER}/language", headers=headers)).json() == "pt"


async def test_a_background_task_runs(api: Api, app: FastAPI, router: APIRouter) -> None:
    done: list[object] = []

    @router.post("/touch", status_code=202)
    async def touch(session_id: SessionId, tasks: BackgroundTasks) -> None:
        tasks.add_task(done.append, session_id)

    app.include_router(router)
    assert (await api.ask("POST", f"/sessions/{OTHER}/touch")).status_code == 202
    assert done == [UUID(OTHER)]


async def test_a_router_has_a_route_class_and_an_error_form_of_its_own(
    api: Api, app: FastAPI
) -> None:
    class PlainErrors(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def plain(request: Request) -> Response:
                try:
                    return await handle(request)
                except ValueError as error:
                    return JSONResponse({"error": {"message": str(error)}}, 400)

            return plain

    router = APIRouter(prefix="/v1", route_class=PlainErrors)

    @router.get("/fail")
    async def fail() -> None:
        raise ValueError("no")

    @router.get("/me")
    async def get_me(caller: Caller) -> str:
        return caller.subject

    app.include_router(router)
    response = await api.ask("GET", "/v1/fail", None)
    assert (response.status_code, response.json()) == (400, {"error": {"message": "no"}})
    assert response.headers["x-request-id"]
    assert (await api.ask("GET", "/v1/me")).json() == "alice"
    problem(await api.ask("GET", "/v1/me", None), 401)
    problem(await api.ask("GET", "/sessions", None), 401)
