"""Define the errors for which the server itself refuses a request."""

from http import HTTPStatus
from typing import Protocol

from starlette.types import Scope


class ProtocolError(Exception):
    """The server refuses a request with this status. The text says why, and repeats no input."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class ErrorResponder(Protocol):
    """A responder has the application write the server's error responses."""

    def abandon(self, request: Scope) -> None:
        """Note at once that the request being served gets an error response instead."""

    def scope(self, error: ProtocolError, request: Scope | None) -> Scope:
        """Return the scope for which the application answers with the error.

        It is made from the abandoned request's, or from nothing if no request could be parsed.
        """
