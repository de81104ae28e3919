"""Read the issuers whose tokens are accepted, each with its own settings."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from entrypoints.settings import ISSUER_KEYS, PREFIX, Settings, SettingsError, line_of

_KEY = "OIDC_ISSUERS_FILE"


@dataclass(frozen=True, slots=True)
class Issuer:
    """An issuer has settings of its own for its tokens. `acts_for` is another issuer, for whose
    people this one's tokens speak."""

    settings: Settings
    acts_for: str | None = None

    @property
    def name(self) -> str:
        return self.settings.oidc_issuer or ""


def issuers_of(settings: Settings) -> tuple[Issuer, ...]:
    """Return the issuer of the settings, or those of their file; none for a development key.

    Raises SettingsError for a file of which any part cannot be used.
    """
    if settings.oidc_issuers_file is None:
        return (Issuer(settings),) if settings.oidc_issuer else ()
    path = settings.oidc_issuers_file
    try:
        with path.open("rb") as file:
            found = tuple(_read(tomllib.load(file)))
        _check_together(found)
    except OSError as error:
        raise SettingsError(f"{PREFIX}{_KEY}: {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{PREFIX}{_KEY}: {path}: {error}") from error
    return found


def _read(document: dict[str, Any]) -> Iterator[Issuer]:
    """Read the file's issuers. Raises ValueError."""
    tables = document.pop("issuer", None)
    if document or not isinstance(tables, list) or not tables:
        raise ValueError("it must have [[issuer]] tables, and nothing else")
    for number, table in enumerate(tables, 1):
        where = f"issuer {number}"
        if not isinstance(table, dict):
            raise ValueError(f"{where} is no table")  # noqa: TRY004 - of a file
        acts_for = table.pop("acts_for", None)
        if not isinstance(acts_for, str | None):
            raise ValueError(f"{where}: acts_for must be the name of an issuer")  # noqa: TRY004 - likewise
        unknown = sorted(table.keys() - ISSUER_KEYS)
        if unknown:
            raise ValueError(f"{where}: {unknown[0]!r} is no key of an issuer")
        for key in ("issuer", "audience"):
            if key not in table:
                raise ValueError(f"{where}: it lacks {key}")
        values = {f"oidc_{key}": value for key, value in table.items()}
        try:
            yield Issuer(Settings.model_validate(values), acts_for)
        except ValidationError as error:
            names = {f"oidc_{key}": key for key in ISSUER_KEYS}
            line = line_of(error, names).replace(f"{PREFIX}OIDC_ISSUER:", "issuer:")
            raise ValueError(f"{where}: {line}") from None


def _check_together(issuers: tuple[Issuer, ...]) -> None:
    """Raise ValueError for an issuer that is listed twice, or acts for none of the others."""
    people = {issuer.name for issuer in issuers if issuer.acts_for is None}
    if len({issuer.name for issuer in issuers}) < len(issuers):
        raise ValueError("an issuer is there twice")
    for issuer in issuers:
        if issuer.acts_for is not None and issuer.acts_for not in people:
            raise ValueError(
                f"{issuer.name} acts for {issuer.acts_for}, which must be another issuer of the "
                "file that acts for none itself"
            )
