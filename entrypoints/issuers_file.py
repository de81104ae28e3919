"""Read the issuers whose tokens are accepted, each with its own settings."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from entrypoints.settings import ISSUER_KEYS, PREFIX, Settings, SettingsError, line_of

_VARIABLE = re.compile(rf"{PREFIX}OIDC_([A-Z_]+)")


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
    path = settings.oidc_issuers_file
    if path is None:
        return (Issuer(settings),) if settings.oidc_issuer else ()
    try:
        issuers = tuple(_read(tomllib.loads(_text(path.read_bytes()))))
        _check_together(issuers)
    except (OSError, ValueError) as error:
        why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else f"{error}"
        raise SettingsError(f"{PREFIX}OIDC_ISSUERS_FILE: {path}: {why}") from error
    return issuers


def setting_of(settings: Settings, key: str) -> str:
    """Name what an operator sets for an issuer: a variable, or a key in the issuers' file."""
    path = settings.oidc_issuers_file
    return f"{key} in {path}" if path else f"{PREFIX}OIDC_{key.upper()}"


def _text(content: bytes) -> str:
    """Decode the file. A byte order mark, which editors may write, is passed over."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not in UTF-8") from None


def _read(document: dict[str, Any]) -> Iterator[Issuer]:
    """Read the file's issuers. Raises ValueError."""
    tables = document.pop("issuer", None)
    if document or not isinstance(tables, list) or not tables:
        raise ValueError("it must have [[issuer]] tables, and nothing else")
    for number, table in enumerate(tables, 1):
        try:
            yield _issuer(table)
        except ValueError as error:
            raise ValueError(f"issuer {number}: {error}") from None


def _issuer(table: object) -> Issuer:
    if not isinstance(table, dict):
        raise ValueError("it is no table")  # noqa: TRY004 - of a file
    acts_for = table.pop("acts_for", None)
    if not isinstance(acts_for, str | None):
        raise ValueError("acts_for must be the name of an issuer")  # noqa: TRY004 - likewise
    for key in sorted(table.keys() - ISSUER_KEYS):
        raise ValueError(f"{key!r} is no key of an issuer")
    for key in ("issuer", "audience"):
        if key not in table:
            raise ValueError(f"it lacks {key}")
    try:
        settings = Settings.model_validate({f"oidc_{key}": table[key] for key in table})
    except ValidationError as error:
        line = line_of(error, {f"oidc_{key}": key for key in ISSUER_KEYS})
        raise ValueError(_VARIABLE.sub(lambda name: name[1].lower(), line)) from None
    return Issuer(settings, acts_for)


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
