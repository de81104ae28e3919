"""Import structlog without rich."""

import sys


def import_structlog() -> None:
    """Import structlog before anything else does. Where rich is installed, structlog imports it for
    tracebacks that nobody asks for, which takes a tenth of a start."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # so that importing it fails
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]
