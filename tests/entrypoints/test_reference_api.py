"""The page at /docs, as a program gets it. A browser's view is in `tests/system`."""

import re

import pytest

from tests.entrypoints.conftest import Api

PARTS = ("", "/init.js", "/style.css", "/swagger-ui.css", "/swagger-ui-bundle.js")


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
