"""Environment variables as operators come to give them: from files, shells and clusters."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping

PREFIX = "CHAT_SESSIONS_"

_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, halves of a pair and separators of lines."""

_SERVICE_LINK = re.compile(
    r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://[^/]+")
"""What Kubernetes gives a Pod for each Service beside it ("Accessing the Service", environment
variables), and Docker for a linked container."""

_ALIKE = 0.6
"""How alike a name must be to a setting's to be taken for it, of 1."""

_ALIKE_WITH_PREFIX = 0.9


def cleaned(text: str) -> str:
    """The value, without the white space at its ends: a secret's file ends with a newline.

    Raises ValueError, whose text says what is wrong and does not repeat what may be secret.
    """
    value = text.strip()
    for character in value:
        if unicodedata.category(character) in _HIDDEN:
            raise ValueError(f"has the control character U+{ord(character):04X}: remove it")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        raise ValueError("has quotes around it, which only a shell takes away: remove them")
    if _SERVICE_URL.fullmatch(value):
        raise ValueError(
            f"is {value}, which Kubernetes sets for a Service of this name: set "
            "enableServiceLinks: false in the Pod's spec, or this variable itself"
        )
    return value


def unknown(environment: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """A line for each variable that looks as if it were to set something, and does not."""
    for name in sorted(environment.keys() - set(known)):
        value = environment[name].strip()
        written = re.sub(r"\W", "_", name.strip().upper())
        if (
            value
            and ("SESSIONS_" in written or written.startswith("CHAT"))
            and not _is_service_link(name, value)
        ):
            ours = written.startswith(PREFIX)
            nearest = _nearest(written, known, ours=ours)
            if ours or nearest:
                meant = f": did you mean {nearest}?" if nearest else ""
                yield f"{name} is no setting and has no effect{meant}"


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
