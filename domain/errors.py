"""What the core refuses, and why.

Refused
├── InvalidValue        a value breaks a rule of the domain (also a ValueError)
├── VersionMismatch     the session or message has changed since the caller saw it
├── ExternalIdTaken     another session or message has this external id
├── MessageNotFound     the session has no such message
└── SessionRefused
    ├── SessionNotFound     there is no such session
    └── SessionForbidden    the session is another owner's
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID


class Refused(Exception):
    """The request cannot be carried out, and nothing was changed."""


class InvalidValue(Refused, ValueError):
    """A value breaks a rule. `detail` says which rule and never repeats the value.

    `field` names the part of the input that broke it, outermost first, where that is known.
    """

    def __init__(self, detail: str, *field: str | int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


@contextmanager
def in_field(*field: str | int) -> Iterator[None]:
    """Name the part of the input that an InvalidValue is about."""
    try:
        yield
    except InvalidValue as error:
        raise InvalidValue(error.detail, *field, *error.field) from None


class VersionMismatch(Refused):
    """The session or message is at none of the versions that the caller expects."""


class ExternalIdTaken(Refused):
    """Another session of the owner, or another message of the session, has this external id.

    It is `session_id`, or the message `message_order`; `index` is the place of the new message
    among those that were to be stored.
    """

    def __init__(
        self,
        *,
        session_id: UUID | None = None,
        message_order: int | None = None,
        index: int | None = None,
    ) -> None:
        super().__init__()
        self.session_id = session_id
        self.message_order = message_order
        self.index = index


class MessageNotFound(Refused):
    """The session has no such message, or has it no more."""


class SessionRefused(Refused):
    """The caller may not have this session."""


class SessionNotFound(SessionRefused):
    """There is no such session, or none that the caller may know of."""


class SessionForbidden(SessionRefused):
    """The session exists and belongs to another owner."""
