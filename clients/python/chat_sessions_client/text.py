"""Text as the service takes it."""

CONTENT_MAX = 300_000


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which cannot be stored, cut at the limit."""
    return text.replace("\0", "").encode(errors="ignore").decode()[:CONTENT_MAX]
