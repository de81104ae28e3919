"""The commands that run the service, and describe it."""

import typer

from entrypoints.cli.invocation import Invocation, settings_of_environment


def serve(context: typer.Context) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Without an identity provider it makes a development key, listens on loopback, and prints a
    token and the first requests to try.
    """
    import gc

    # Nearly everything that a start makes stays, and collecting garbage takes a tenth of it.
    gc.disable()

    from entrypoints.telemetry.structlog_import import import_structlog

    import_structlog()
    from entrypoints.serve import serve as serve_until_stopped

    serve_until_stopped(settings_of_environment(), Invocation.of(context).signals)


def openapi(context: typer.Context) -> None:
    """Print the API's OpenAPI description."""
    import json

    Invocation.of(context).check_stdout()
    from entrypoints.http.app import routed_app

    print(json.dumps(routed_app().openapi(), indent=2))
