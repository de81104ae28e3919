"""The files that people deploy with agree with the service, with each other, and with what careful
platforms ask for. `make test-image` builds and runs the image itself."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from entrypoints.cli.commands import commands
from entrypoints.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "docs" / "kubernetes"
PROBES = {"startupProbe": "/livez", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
PODS = ("deployment.yaml", "purge.yaml", "migrate/job.yaml")
SERVICE_ENDS_SECONDS = 10
"""From SIGTERM on, at most."""

UNSET = re.compile(r"\$\{\w+:-(.*?)\}")
"""A variable of compose's, with what stands where it is not set."""

COMPOSE = yaml.safe_load(UNSET.sub(r"\1", (ROOT / "compose.yaml").read_text()))["services"]
REALM = json.loads((ROOT / "docs" / "compose" / "realm.json").read_text())


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, in order, each with its arguments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines) if name]


def arguments(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def image_environment() -> dict[str, str]:
    pairs = (pair.partition("=") for rest in arguments("ENV") for pair in shlex.split(rest))
    return {name: value for name, _, value in pairs if name.startswith(PREFIX)}


def settings(environment: dict[str, str]) -> Settings:
    """As the service reads them in the image, where every name must be one of them."""
    assert {name.removeprefix(PREFIX).lower() for name in environment} <= set(Settings.model_fields)
    return Settings.from_environment(image_environment() | environment)


def test_the_image_is_made_from_the_lock_for_a_user_without_rights() -> None:
    installs = [rest for rest in arguments("RUN") if " install " in rest and "pip" in rest]
    locked, own = (rest for rest in installs if "apt-get" not in rest)
    assert "--require-hashes" in locked
    assert "--requirement requirements/runtime.txt" in locked
    assert "--no-deps --no-build-isolation ." in own
    (user,) = arguments("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)  # Kubernetes can tell a number from root
    assert arguments("VOLUME") == ["/data"]
    for name in ("ENTRYPOINT", "CMD"):
        assert all(isinstance(json.loads(rest), list) for rest in arguments(name))
    assert settings({"CHAT_SESSIONS_HOST": "127.0.0.1"}).key_file.parent == Path("/data")


def test_what_the_image_copies_is_what_its_builder_is_given() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    given = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [rest.split() for rest in arguments("COPY") if "--from" not in rest]
    sources = {source for *sources, _ in copied for source in sources}
    assert sources == given
    assert all((ROOT / source).exists() for source in sources)


def test_the_composed_service_has_settings_that_hold() -> None:
    serving, migrating = COMPOSE["chat-sessions"], COMPOSE["migrate"]
    read = settings(serving["environment"])
    assert read.storage == "postgresql"
    assert read.rate_limit_storage == "redis"
    assert serving["environment"] == migrating["environment"]
    assert serving["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert read.serves_at("192.0.2.1")


def test_the_composed_services_wait_for_what_can_be_waited_for() -> None:
    for service in COMPOSE.values():
        for other, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in COMPOSE[other], other
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_the_realm_gives_tokens_that_the_composed_service_takes() -> None:
    """As far as a file can say so: the audience, the issuer's name, and where the keys are."""
    read = settings(COMPOSE["chat-sessions"]["environment"])
    (client,) = REALM["clients"]
    (mapper,) = client["protocolMappers"]
    assert read.oidc_provider == "keycloak"
    assert mapper["config"]["included.custom.audience"] in (read.oidc_audience or ())
    assert mapper["config"]["access.token.claim"] == "true"
    assert client["clientId"] == read.oidc_docs_client_id
    assert client["redirectUris"] == [f"{read.public_url}/docs/signed-in"]
    assert read.oidc_issuer == f"{COMPOSE['keycloak']['environment']['KC_HOSTNAME']}/realms/chat"
    keys = urlsplit(read.oidc_keys_url or "")
    assert (keys.hostname in COMPOSE, keys.port) == (True, 8080)
    assert keys.path == "/realms/chat/protocol/openid-connect/certs"
    assert REALM["realm"] == "chat"
    assert REALM["accessTokenLifespan"] <= read.oidc_lifetime_max_seconds


def manifest(name: str) -> Any:
    return yaml.safe_load((KUBERNETES / name).read_text())


def pod(name: str) -> Any:
    """The template of the pods that a manifest makes."""
    spec = manifest(name)["spec"]
    return spec.get("jobTemplate", {"spec": spec})["spec"]["template"]


def configured() -> dict[str, str]:
    """What the pods' ConfigMap has, with what is only suggested there."""
    text = (KUBERNETES / "release" / "kustomization.yaml").read_text()
    return dict(re.findall(rf"- ({PREFIX}\w+)=(.+)", text))


def test_kustomize_takes_every_manifest() -> None:
    taken = set()
    for folder in (KUBERNETES, KUBERNETES / "migrate"):
        kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
        for part in kustomization["components"]:
            assert (folder / part / "kustomization.yaml").exists()
        taken |= {folder / name for name in kustomization["resources"]}
    written = {path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml"}
    assert taken == written


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_and_settings_that_hold(name: str) -> None:
    spec = pod(name)["spec"]
    (container,) = spec["containers"]
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["envFrom"] == [{"configMapRef": {"name": "chat-sessions"}}]
    (secret,) = container["env"]
    read = settings(configured() | {secret["name"]: "postgresql://chat:secret@db/chat"})
    assert read.storage == "postgresql"
    listed = {command.name for command in commands().registered_commands}
    assert container["args"][0] in listed


def test_the_pods_are_asked_where_the_service_answers() -> None:
    (container,) = pod("deployment.yaml")["spec"]["containers"]
    described = json.loads((ROOT / "docs" / "openapi.json").read_text())["paths"]
    assert {name: container[name]["httpGet"]["path"] for name in PROBES} == PROBES
    assert set(PROBES.values()) <= set(described)
    (port,) = container["ports"]
    assert port["containerPort"] == settings(configured()).port
    assert {container[name]["httpGet"]["port"] for name in PROBES} == {port["name"]}


def test_a_pod_leaves_before_it_is_killed() -> None:
    spec = pod("deployment.yaml")["spec"]
    (container,) = spec["containers"]
    asleep: int = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] > asleep + SERVICE_ENDS_SECONDS


def selectors() -> Iterator[dict[str, str]]:
    yield manifest("service.yaml")["spec"]["selector"]
    yield manifest("disruption-budget.yaml")["spec"]["selector"]["matchLabels"]
    deployment = manifest("deployment.yaml")["spec"]
    yield deployment["selector"]["matchLabels"]
    for spread in deployment["template"]["spec"]["topologySpreadConstraints"]:
        yield spread["labelSelector"]["matchLabels"]


def test_what_selects_pods_selects_those_that_serve_and_no_others() -> None:
    labels = [pod(name)["metadata"]["labels"] for name in PODS]
    for selector in selectors():
        matched = [selector.items() <= one.items() for one in labels]
        assert matched == [True, False, False]
