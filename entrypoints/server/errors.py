"""What the server itself refuses a request for."""

from http import HTTPStatus
from typing import Protocol

from starlette.types import Scope


class ProtocolError(Exception):
    """The server refuses the request with this status. The text says why, and repeats nothing that
    the client sent."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class ErrorResponder(Protocol):
    """How the application is had to word the error responses of the server."""

    def abandon(self, request: Scope) -> None:
        """Told at once: the request that is being served gets an error response instead."""

    def scope(self, error: ProtocolError, request: Scope | None) -> Scope:
        """The scope for which the application answers with the error. It is that of a request that
        has been abandoned, or of none where no request has been understood."""
