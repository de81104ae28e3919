"""Why a token holds or does not, for the operator who has it: each rule, what was found, what was
wanted and the likely cure. The token itself and its signature are in none of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from adapters.auth.advice import CURES, FOUND, KEY, WANTED, form_cure, instant, time_cure, times
from adapters.auth.compact import Compact, json_object
from adapters.auth.discovery import shown
from adapters.auth.issuers import IssuersAuthenticator
from adapters.auth.jwt import JwtAuthenticator
from adapters.auth.policy import CLAIM_RULES, HEADER_RULES, Rule, Token, TokenPolicy
from application.errors import InvalidToken, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says of the token. `holds` is None where the rules before it leave nothing to
    look at."""

    rule: str
    holds: bool | None
    found: str
    wanted: str = ""
    cure: str = ""

    def __str__(self) -> str:
        word = {True: "holds", False: "FAILS", None: "?"}[self.holds]
        wanted = f"; wanted {self.wanted}" if self.wanted else ""
        cure = f"\n      {self.cure}" if self.cure else ""
        return f"{word:5} {self.rule}: {self.found}{wanted}{cure}"


async def explain(
    checked_by: JwtAuthenticator | IssuersAuthenticator, text: str
) -> AsyncIterator[Finding]:
    """Each rule, in the order in which a request has them checked: those of the issuer that the
    token names, or of the first where it names none of several."""
    try:
        compact = Compact.parse(text)
        token = Token(compact.header, json_object(compact.payload))
    except InvalidToken as error:
        cure = form_cure(text)
        yield Finding(
            rule="form", holds=False, found=str(error), wanted="three parts, signed", cure=cure
        )
        return
    yield Finding(rule="form", holds=True, found="a signed JSON Web Token")
    if isinstance(checked_by, IssuersAuthenticator):
        authenticator = checked_by.named_by(text) or checked_by.first
    else:
        authenticator = checked_by
    headers = [
        _checked(name, rule, authenticator.policy, token) for name, rule in HEADER_RULES.items()
    ]
    for finding in headers:
        yield finding
    if all(finding.holds for finding in headers):
        yield await _signature(authenticator, compact)
    else:
        yield Finding(rule="signature", holds=None, found="not looked at")
    for name, rule in CLAIM_RULES.items():
        yield _checked(name, rule, authenticator.policy, token)
    yield _time(authenticator, token)


async def _signature(authenticator: JwtAuthenticator, compact: Compact) -> Finding:
    found = f"key id {shown(compact.header.get('kid'))}"
    try:
        await authenticator.check_signed(compact)
    except Unavailable as error:
        return Finding(rule="signature", holds=False, found=f"the keys cannot be had: {error}")
    except InvalidToken as error:
        ids = ", ".join(map(shown, authenticator.key_ids)) or "none that has an id"
        return Finding(
            rule="signature",
            holds=False,
            found=f"{error}; {found}",
            wanted=f"one of the keys {ids}",
            cure=KEY,
        )
    return Finding(rule="signature", holds=True, found=found)


def _checked(name: str, rule: Rule, policy: TokenPolicy, token: Token) -> Finding:
    found = FOUND[name](policy, token)
    try:
        rule(policy, token)
    except InvalidToken as error:
        return Finding(
            rule=name,
            holds=False,
            found=f"{error}; {found}",
            wanted=WANTED[name](policy),
            cure=CURES[name](policy, token) if name in CURES else "",
        )
    except (KeyError, TypeError, AttributeError):
        return Finding(rule=name, holds=None, found="cannot be told without what fails above")
    return Finding(rule=name, holds=True, found=found)


def _time(authenticator: JwtAuthenticator, token: Token) -> Finding:
    now = authenticator.now()
    found = f"it is {instant(now)}; {times(token.claims)}"
    try:
        authenticator.check_time(token.claims)
    except InvalidToken as error:
        cure = time_cure(token.claims, now)
        return Finding(rule="time", holds=False, found=f"{error}; {found}", cure=cure)
    except (KeyError, TypeError, AttributeError):
        return Finding(rule="time", holds=None, found="cannot be told without what fails above")
    return Finding(rule="time", holds=True, found=found)
