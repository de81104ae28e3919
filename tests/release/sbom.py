"""A release's software bill of materials, in CycloneDX 1.6."""

import tomllib
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from entrypoints.version import VERSION
from tests.locks import asked_for, pinned


def sbom(tree: Path, wheel: Path, made: datetime) -> str:
    """The packages of the runtime lock, each with its package URL, the hashes of the files that are
    accepted for it, and what it asks for. What only builds the wheel has the scope `excluded`.
    The same wheel gives the same text."""
    digest = sha256(wheel.read_bytes()).hexdigest()
    service = Component(
        name="chat-sessions",
        version=VERSION,
        type=ComponentType.APPLICATION,
        bom_ref="chat-sessions",
        hashes=_hashes([digest]),
    )
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"sha256:{digest}"))
    bom.metadata.component, bom.metadata.timestamp = service, made
    packages = {_component(*one): one[0] for one in pinned(tree / "requirements" / "runtime.txt")}
    project = tomllib.loads((tree / "pyproject.toml").read_text())["project"]
    needed = _named(packages, map(Requirement, project["dependencies"]))
    bom.register_dependency(service, needed)
    served = set(needed)
    while needed:
        found = [one for each in needed for one in _named(packages, _asked(packages[each]))]
        needed = [one for one in dict.fromkeys(found) if one not in served]
        served.update(needed)
    for component, requirement in packages.items():
        if component not in served:
            component.scope = ComponentScope.EXCLUDED
        bom.components.add(component)
        bom.register_dependency(component, _named(packages, _asked(requirement)))
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(requirement: Requirement, digests: Iterable[str]) -> Component:
    version = str(requirement.specifier).removeprefix("==")
    url = PackageURL("pypi", name=requirement.name, version=version)
    return Component(
        name=requirement.name,
        version=version,
        purl=url,
        bom_ref=str(url),
        hashes=_hashes(digests),
    )


def _hashes(digests: Iterable[str]) -> list[HashType]:
    return [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in digests]


def _named(packages: dict[Component, Requirement], asked: Iterable[Requirement]) -> list[Component]:
    names = {canonicalize_name(one.name) for one in asked}
    return [component for component in packages if component.name in names]


def _asked(requirement: Requirement) -> list[Requirement]:
    try:
        return list(asked_for(requirement))
    except PackageNotFoundError:  # it is for another Python or platform
        return []
