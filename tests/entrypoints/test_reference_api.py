"""The page at /docs, as a program gets it. A browser's view is in `tests/system`."""

import re
from typing import Any

import pytest

from tests.entrypoints.conftest import Api

PARTS = (
    "",
    "/init.js",
    "/signed-in",
    "/signed-in.js",
    "/style.css",
    "/swagger-ui.css",
    "/swagger-ui-bundle.js",
)


@pytest.fixture
def backend() -> str:
    return "memory"


async def test_it_needs_nothing_from_elsewhere(api: Api) -> None:
    page = await api.ask("GET", "/docs", None)
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) == 6
    for source in sources:
        if not source.startswith("data:"):
            assert (await api.ask("GET", f"/{source}", None)).status_code == 200
            assert "//" not in source
    assert not re.search(r"<script>|<style|style=|\son\w+=", page.text)


@pytest.mark.parametrize("part", PARTS)
async def test_its_policy_lets_in_what_the_service_serves(api: Api, part: str) -> None:
    policy = (await api.ask("GET", f"/docs{part}", None)).headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_of_a_part_is_not_to_be_had(api: Api, part: str) -> None:
    """Nothing is cached, so nothing needs ranges; and no refusal is anything but a problem."""
    for unfit in ("x", "bytes=0-9", "bytes=99999999-"):
        response = await api.ask("GET", f"/docs{part}", None, headers={"Range": unfit})
        assert response.status_code == 200


async def test_its_folder_leads_to_it_by_no_name_that_a_client_gave(api: Api) -> None:
    response = await api.ask("GET", "/docs/", None, headers={"Host": "localhost"})
    assert (response.status_code, response.headers["location"]) == (308, "../docs")


class TestWithAProvider:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "development_key_file": None,
            "oidc_issuer": "https://login.example/realms/chat",
            "oidc_audience": "https://chat.example",
            "oidc_require_scopes": True,
        }

    async def test_the_description_leads_to_the_provider(self, api: Api) -> None:
        description = (await api.ask("GET", "/openapi.json", None)).json()
        scheme = description["components"]["securitySchemes"]["openIdConnect"]
        assert scheme["openIdConnectUrl"] == (
            "https://login.example/realms/chat/.well-known/openid-configuration"
        )
        sessions = description["paths"]["/sessions"]
        for method, scope in (("get", "chat:read"), ("post", "chat:write")):
            ways = sessions[method]["security"]
            assert ways == [{"bearerAuth": []}, {"openIdConnect": [scope]}]
        assert "security" not in description["paths"]["/livez"]["get"]

    async def test_the_page_asks_the_service_alone(self, api: Api) -> None:
        """It is no client of the provider's, so it cannot sign anybody in there."""
        policy = (await api.ask("GET", "/docs", None)).headers["content-security-policy"]
        assert "connect-src 'self';" in policy
        description = (await api.ask("GET", "/openapi.json", None)).json()
        assert "x-sign-in" not in description["components"]["securitySchemes"]["openIdConnect"]


class TestAsAClientOfTheProvider(TestWithAProvider):
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "development_key_file": None,
            "oidc_issuer": "https://login.example/realms/chat",
            "oidc_audience": "https://chat.example",
            "oidc_require_scopes": True,
            "oidc_docs_client_id": "docs",
        }

    async def test_the_page_asks_the_service_alone(self, api: Api) -> None:
        """And the provider's origin, to sign its reader in there."""
        policy = (await api.ask("GET", "/docs", None)).headers["content-security-policy"]
        assert "connect-src 'self' https://login.example;" in policy
        description = (await api.ask("GET", "/openapi.json", None)).json()
        assert description["components"]["securitySchemes"]["openIdConnect"]["x-sign-in"] == {
            "client_id": "docs",
            "audience": "https://chat.example",
            "scopes": ["openid", "chat:read", "chat:write"],
        }
