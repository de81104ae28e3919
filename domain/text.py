from domain.errors import InvalidValue


def storable(text: str) -> str:
    """Return `text` if every backend keeps it byte for byte; else raise InvalidValue.

    NUL cannot be kept by PostgreSQL, a lone surrogate has no UTF-8 form (RFC 3629 section 3).
    """
    if not isinstance(text, str):
        raise InvalidValue("must be a string")
    if "\0" in text:
        raise InvalidValue("must not contain NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must not contain a lone surrogate") from None
    return text
