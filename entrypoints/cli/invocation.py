"""What a command gets of the process that it runs in, and what it makes of the settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from application.errors import StartRefused
from entrypoints.signals import StopSignals
from entrypoints.streams import write_stderr

if TYPE_CHECKING:
    from entrypoints.container import Container
    from entrypoints.settings import Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """`signals` run what can be stopped, and `has_stdout` tells whether standard output was open
    when the process began."""

    signals: StopSignals
    has_stdout: bool

    @classmethod
    def of(cls, context: typer.Context) -> "Invocation":
        found = context.obj
        assert isinstance(found, cls)  # noqa: S101 - `run` has put it there
        return found

    def check_stdout(self) -> None:
        """Raise StartRefused if standard output, where a command's answer goes, is closed."""
        if not self.has_stdout:
            raise StartRefused("standard output is closed, and that is where the answer goes")


def settings_of_environment() -> "Settings":
    """Read the settings, and report on stderr each variable that looks like one but is none."""
    from entrypoints.settings import Settings

    for line in Settings.unknown_variables():
        write_stderr(f"chat-sessions: {line}")
    return Settings.from_environment()


def new_container() -> "Container":
    """Build a container whose storage reports on stderr what it waits for and finds."""
    from dependency_injector import providers

    from entrypoints.container import Container
    from entrypoints.telemetry.logs import log_to_stderr

    settings = settings_of_environment()
    log_to_stderr()

    def log_waiting(cause: str) -> None:
        allowed = f"up to {settings.database_start_seconds:g} s"
        write_stderr(f"chat-sessions: waiting {allowed}: {cause}")

    return Container(settings=settings, log_waiting=providers.Object(log_waiting))
