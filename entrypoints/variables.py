"""Clean environment variables, and find those that are misspelt."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

PREFIX = "CHAT_SESSIONS_"

_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, surrogates and separators of lines."""

_SERVICE_LINK = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://[^/@]+")
"""The value of variables that Kubernetes sets in a Pod for each Service ("Accessing the Service",
environment variables), and Docker for a linked container."""

_WITHOUT_PREFIX = re.compile(r"(?:CHAT_|SESSIONS_)?((?:DATABASE|OIDC)_\w+)")
"""Names that other programs have for a setting. They have no effect here, and one is reported if
the setting itself is not set."""

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
"""A name in which nothing is hidden."""

_ALIKE = 0.6
"""How similar a name must be to a setting's, from 0 to 1, to count as a misspelling."""

_ALIKE_WITH_PREFIX = 0.9


def cleaned(text: str) -> str:
    """Return the value without invisible characters at its ends, such as a secret file's newline or
    a zero-width space that was copied from a page.

    Raises ValueError, whose text says what is wrong and does not repeat what may be secret.
    """
    value = text.strip("".join(filter(_is_unseen, set(text))))
    for character in value:
        if unicodedata.category(character) in _HIDDEN:
            raise ValueError(f"has the control character U+{ord(character):04X}: remove it")
    if any(map(_is_quote, {*value[:1], *value[-1:]})):
        raise ValueError("has a quote at an end, which only a shell takes away: remove it")
    if _SERVICE_URL.fullmatch(value):
        raise ValueError(
            f"is {value}, which Kubernetes sets for a Service of this name: set "
            "enableServiceLinks: false in the Pod's spec, or this variable itself"
        )
    return value


def unknown(environment: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield a line for each variable that looks like a setting but is none."""
    for name in sorted(environment.keys() - set(known)):
        value = environment[name].strip()
        written = re.sub(r"\W", "_", name.strip().upper())
        if not value or _is_service_link(name, value):
            continue
        ours, bare = written.startswith(PREFIX), _WITHOUT_PREFIX.fullmatch(written)
        nearest = None
        if bare and (full := PREFIX + bare[1]) in known:
            nearest = None if environment.get(full) else full
        elif "SESSIONS_" in written or written.startswith("CHAT"):
            nearest = _nearest(written, known, ours=ours)
        if ours or nearest:
            meant = f": did you mean {nearest}?" if nearest else ""
            shown = name if _PLAIN.fullmatch(name) else repr(name)
            yield f"{shown} is no setting and has no effect{meant}"


def _is_quote(character: str) -> bool:
    return character in "\"'`" or unicodedata.category(character) in {"Pi", "Pf"}


def _is_unseen(character: str) -> bool:
    """Whether the character is white space or a format character such as U+200B and U+FEFF."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def _is_service_link(name: str, value: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(name) or _SERVICE_URL.fullmatch(value))


def _nearest(name: str, known: Collection[str], *, ours: bool) -> str | None:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    if ours:
        rest = [setting.removeprefix(PREFIX) for setting in known]
        found = difflib.get_close_matches(name.removeprefix(PREFIX), rest, 1, _ALIKE)
        return PREFIX + found[0] if found else None
    found = difflib.get_close_matches(name, known, 1, _ALIKE_WITH_PREFIX)
    return found[0] if found else None
