"""The commands about the people whose sessions are kept."""

import json
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from application.errors import StartRefused
from application.ports.removal import Holdings
from domain.owner import Owner, check_subject
from entrypoints.cli.database import on_open_storage
from entrypoints.cli.invocation import Invocation, new_container, settings_of_environment
from entrypoints.streams import write_stderr

if TYPE_CHECKING:
    from application.removal import Erasure
    from entrypoints.settings import Settings

Issuer = Annotated[
    str | None,
    typer.Option(
        "--issuer", help="The tokens' iss; without it that of this service's.", metavar="ISSUER"
    ),
]
Subject = Annotated[str, typer.Option("--subject", help="The tokens' sub.", metavar="SUBJECT")]


def token(
    context: typer.Context,
    subject: Annotated[
        str, typer.Option("--subject", help="Whom it speaks for.", metavar="SUBJECT")
    ],
) -> None:
    """Print a development token that holds for 12 hours."""
    Invocation.of(context).check_stdout()
    from adapters.auth import DevelopmentKey
    from adapters.system import SystemClock

    check_subject(subject)
    settings = settings_of_environment()
    if settings.identity == "provider":
        named = settings.oidc_issuer or settings.oidc_issuers_file
        raise StartRefused(f"{named} gives the tokens: there is no development key")
    key = DevelopmentKey(settings.key_file, settings.sqlite_path)
    print(key.token(subject, SystemClock()))


def owner(context: typer.Context, subject: Subject, issuer: Issuer = None) -> None:
    """Print the key under which an owner's data is stored."""
    Invocation.of(context).check_stdout()
    print(owner_named(issuer, subject).key)


def erase(
    context: typer.Context,
    subject: Subject,
    issuer: Issuer = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be removed.")
    ] = False,
) -> None:
    """Remove all that is a person's, and print a receipt in JSON."""
    Invocation.of(context).check_stdout()
    container = new_container()
    settings = container.settings()
    path = settings.sqlite_path if settings.storage == "sqlite" else None
    if settings.storage == "memory" or (path and not path.exists()):
        raise StartRefused(f"{settings.shown_database_url} keeps nothing that could be erased")
    person = owner_named(issuer, subject, settings)
    act = partial(container.erase_owner(), person, dry_run=dry_run)
    erasure = Invocation.of(context).signals.run(on_open_storage(container, act))
    if erasure.left and not dry_run:
        raise StartRefused("something is left: the person has written meanwhile; run it again")
    if not erasure.was_known:
        write_stderr("chat-sessions: nobody is known by that issuer and subject")
    print(json.dumps(_receipt(person, erasure), ensure_ascii=False, indent=2))
    if path and not dry_run:
        from adapters.sql.sqlite.vacuum import vacuum

        vacuum(path)


def _receipt(person: Owner, erasure: "Erasure") -> dict[str, object]:
    from entrypoints.http.serializers import rfc3339

    def counts(holdings: Holdings) -> dict[str, int]:
        return {
            "sessions": holdings.sessions,
            "messages": holdings.messages,
            "idempotency_keys": holdings.idempotency_keys,
        }

    return {
        "subject": person.subject,
        "issuer": person.issuer,
        "owner": str(person.key),
        "at": rfc3339(erasure.erased_at),
        "dry_run": erasure.dry_run,
        "removed": counts(erasure.removed),
        "left": counts(erasure.left),
        "was_known": erasure.was_known,
    }


def owner_named(issuer: str | None, subject: str, settings: "Settings | None" = None) -> Owner:
    """Return the person whom the subject names with that issuer or, without one, the service's own.

    Raises StartRefused if it has several, and InvalidValue.
    """
    if issuer is None:
        from adapters.auth.development import ISSUER
        from entrypoints.issuers_file import issuers_of

        found = issuers_of(settings or settings_of_environment())
        people = [one.name for one in found if one.acts_for is None]
        if len(people) > 1:
            raise StartRefused(f"--issuer must be one of {', '.join(people)}")
        issuer = people[0] if people else ISSUER
    return Owner(issuer, subject)
