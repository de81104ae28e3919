"""What the core refuses, and why.

Refused
├── InvalidValue        a value breaks a rule of the domain (also a ValueError)
├── VersionMismatch     the session has changed since the caller saw it
└── SessionRefused
    ├── SessionNotFound     there is no such session
    └── SessionForbidden    the session is another owner's
"""


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


class VersionMismatch(Refused):
    """The session is at none of the versions that the caller expects."""


class SessionRefused(Refused):
    """The caller may not have this session."""


class SessionNotFound(SessionRefused):
    """There is no such session, or none that the caller may know of."""


class SessionForbidden(SessionRefused):
    """The session exists and belongs to another owner."""
