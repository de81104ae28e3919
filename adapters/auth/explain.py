"""Why a token holds or does not, for the operator who has it: each rule, what was found, what was
wanted and the likely cure. The token itself and its signature are in none of it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.auth.advice import (
    CURES,
    KEY,
    SCOPES,
    SETTINGS,
    are_entra,
    differ_in_slash,
    form_cure,
    time_cure,
)
from adapters.auth.compact import Compact, json_object
from adapters.auth.discovery import shown
from adapters.auth.found import FOUND, WANTED, instant, times
from adapters.auth.issuers import IssuersAuthenticator
from adapters.auth.jwt import JwtAuthenticator
from adapters.auth.policy import CLAIM_RULES, HEADER_RULES, Rule, Token, TokenPolicy, scopes
from application.errors import InvalidToken, Unavailable

_UNTOLD = (KeyError, TypeError, AttributeError, OverflowError)
"""What a rule that relies on the rules before it raises where they do not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says of the token. `holds` is None where the rules before it leave nothing to
    look at, and `lacks` is what it must have besides to be good for every request."""

    rule: str
    holds: bool | None
    found: str
    wanted: str = ""
    cure: str = ""
    lacks: str = ""

    def __str__(self) -> str:
        word = {True: "holds", False: "FAILS", None: "?"}[self.holds]
        wanted = f"; wanted {self.wanted}" if self.wanted else ""
        cure = f"\n      {self.cure}" if self.cure else ""
        return f"{word:5} {self.rule}: {self.found}{wanted}{cure}"


async def explain(
    checked_by: JwtAuthenticator | IssuersAuthenticator,
    text: str,
    setting: Callable[[str], str],
) -> AsyncIterator[Finding]:
    """Each rule, in the order in which a request has them checked: those of the issuer that the
    token names, or of the one that is most like it, or of the first. `setting` gives the name by
    which an operator sets one of SETTINGS."""
    names = {name: setting(name) for name in SETTINGS}
    each = checked_by.each if isinstance(checked_by, IssuersAuthenticator) else (checked_by,)
    try:
        compact = Compact.parse(text)
        token = Token(compact.header, json_object(compact.payload))
    except InvalidToken as error:
        cure = form_cure(text)
        yield Finding(
            rule="form", holds=False, found=str(error), wanted="three parts, signed", cure=cure
        )
        return
    authenticator = _nearest(each, token.claims.get("iss"))
    policy = authenticator.policy
    as_whose = f", checked as one of {policy.issuer}" if len(each) > 1 else ""
    yield Finding(rule="form", holds=True, found=f"a signed JSON Web Token{as_whose}")
    headers = [_checked(name, rule, policy, token, names) for name, rule in HEADER_RULES.items()]
    for finding in headers:
        yield finding
    if all(finding.holds for finding in headers):
        yield await _signature(authenticator, compact)
    else:
        yield Finding(rule="signature", holds=None, found="not looked at")
    for name, rule in CLAIM_RULES.items():
        finding = _checked(name, rule, policy, token, names)
        if name == "issuer" and finding.wanted:
            finding = replace(finding, wanted=" or ".join(one.policy.issuer for one in each))
        yield finding
    yield _time(authenticator, token)
    if policy.require_scopes:
        yield _scopes(policy, token)


def _nearest(each: Sequence[JwtAuthenticator], issuer: object) -> JwtAuthenticator:
    if isinstance(issuer, str):
        for is_like in (str.__eq__, differ_in_slash, are_entra):
            for authenticator in each:
                if is_like(authenticator.policy.issuer, issuer):
                    return authenticator
    return each[0]


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


def _checked(
    name: str, rule: Rule, policy: TokenPolicy, token: Token, names: Mapping[str, str]
) -> Finding:
    found = FOUND[name](policy, token)
    try:
        rule(policy, token)
    except InvalidToken as error:
        return Finding(
            rule=name,
            holds=False,
            found=f"{error}; {found}",
            wanted=WANTED[name](policy),
            cure=CURES[name](policy, token).format_map(names) if name in CURES else "",
        )
    except _UNTOLD:
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
    except _UNTOLD:
        return Finding(rule="time", holds=None, found="cannot be told without what fails above")
    return Finding(rule="time", holds=True, found=found)


def _scopes(policy: TokenPolicy, token: Token) -> Finding:
    """A token with one of the scopes holds, for what that allows."""
    allowed = scopes(policy, token)
    lacks = " and ".join(name for scope, name in policy.scope_names.items() if scope not in allowed)
    return Finding(
        rule="scopes",
        holds=bool(allowed),
        found=FOUND["scopes"](policy, token),
        wanted=WANTED["scopes"](policy) if lacks else "",
        cure=SCOPES if lacks else "",
        lacks=lacks,
    )
