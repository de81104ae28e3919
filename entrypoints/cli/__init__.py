"""Run the commands of the command line, chat-sessions COMMAND, which `commands` lists.

Little is imported before signals are handled, and a command imports what it needs when it runs, so
that none waits for another's libraries.
"""

import sys
from collections.abc import Sequence

from entrypoints.signals import Stopped, StopSignals
from entrypoints.streams import leave_stdout, open_missing_streams, write_stderr


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A failure is one line on stderr and 1; a command
    line that cannot be understood is one line and SystemExit with 2."""
    has_stdout = open_missing_streams()
    words = sys.argv[1:] if arguments is None else list(arguments)
    with StopSignals(is_service=words[:1] == ["serve"]) as signals:
        try:
            from entrypoints.installation import check_installation

            check_installation(sys.argv[0])
            from entrypoints.cli.commands import run

            code = run(words, signals, has_stdout=has_stdout)
            sys.stdout.flush()
        except Stopped:
            signals.end()
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator gets one line
            from entrypoints.failure_messages import described

            leave_stdout()
            if not isinstance(error, BrokenPipeError):  # whoever reads the output has had enough
                write_stderr(f"chat-sessions: {described(error)}")
            return 1
    return code
