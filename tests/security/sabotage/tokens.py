"""What is taken away of the rules that tell an access token that holds from every other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.security.sabotage.change import Change, Sabotage, instead


def _token_in_reason(authenticate: Any) -> Any:
    async def telling(self: Any, token: str) -> Any:
        from application.errors import InvalidToken  # noqa: PLC0415

        try:
            return await authenticate(self, token)
        except InvalidToken as error:
            raise InvalidToken(token) from error

    return telling


def _without_rule(name: str) -> Change:
    return lambda rules: {about: rule for about, rule in rules.items() if about != name}


def _with_rows(**cells: Any) -> Change:
    """Presets whose rows have these cells instead."""
    return lambda presets: {name: replace(row, **cells) for name, row in presets.items()}


_FORGED = "tests/security/test_presets.py::test_no_forged_token_gets_in_on_any_route[{}]"
_CELLS = "tests/adapters/test_presets.py::test_every_cell_of_a_preset_decides_about_some_token[{}]"

TOKENS: Mapping[str, Sabotage] = {
    "look at no signature": Sabotage(
        _FORGED.format("Auth0"),
        {"adapters.auth.jwt:JwtAuthenticator._check_signature": instead(lambda *_: None)},
    ),
    **{
        f"look at no token's {rule}": Sabotage(
            _FORGED.format("Auth0"),
            {f"adapters.auth.jwt:{rules}": _without_rule(rule)},
        )
        for rules, rule in (
            ("HEADER_RULES", "type"),
            ("HEADER_RULES", "header"),
            ("CLAIM_RULES", "times"),
            ("CLAIM_RULES", "issuer"),
            ("CLAIM_RULES", "audience"),
            ("CLAIM_RULES", "subject"),
            ("CLAIM_RULES", "access token"),
        )
    },
    "look at no token's lifetime": Sabotage(
        "tests/adapters/test_presets.py::test_what_no_provider_makes_does_not_hold[Auth0]",
        {"adapters.auth.jwt:CLAIM_RULES": _without_rule("lifetime")},
    ),
    "look at no token's time": Sabotage(
        _FORGED.format("Auth0"),
        {"adapters.auth.jwt:JwtAuthenticator._check_span": instead(lambda *_: None)},
    ),
    "take tokens that name no client, or have it in aud": Sabotage(
        _FORGED.format("Auth0"),
        {"adapters.auth.access_tokens:_check_client": instead(lambda _: None)},
    ),
    "take tokens that say nothing of what they allow": Sabotage(
        _FORGED.format("Auth0"),
        {"adapters.auth.access_tokens:PERMISSIONS": instead(("iss",))},
    ),
    "take tokens with the marks of an ID token": Sabotage(
        _CELLS.format("standard"), {"adapters.auth.presets:PRESETS": _with_rows(forbidden=())}
    ),
    "take tokens that call themselves something else": Sabotage(
        _FORGED.format("Keycloak"),
        {"adapters.auth.access_tokens:SELF_DESCRIPTIONS": instead({})},
    ),
    "take tokens that lack what their provider's have": Sabotage(
        _CELLS.format("zitadel"), {"adapters.auth.presets:PRESETS": _with_rows(required=())}
    ),
    "pass over an aud where the audience is elsewhere": Sabotage(
        "tests/adapters/test_presets.py::test_one_of_several_audiences_is_enough",
        {"adapters.auth.access_tokens:_audience": instead(lambda _: None)},
    ),
    "take sub where the claim that was chosen is missing": Sabotage(
        "tests/adapters/test_presets.py::test_a_person_is_who_the_claim_names",
        {
            "adapters.auth.access_tokens:subject": lambda subject: (
                lambda preset, claims, chosen: subject(
                    preset, claims, chosen if chosen in claims else None
                )
            )
        },
    ),
    "let a key of one issuer sign for another": Sabotage(
        "tests/adapters/test_issuers.py::test_a_key_of_one_signs_nothing_for_another",
        {
            "adapters.auth.issuers:IssuersAuthenticator.named_by": instead(
                lambda self, _: self.each[0]
            ),
            "adapters.auth.jwt:CLAIM_RULES": _without_rule("issuer"),
        },
    ),
    "write a token into the log": Sabotage(
        "tests/entrypoints/test_events.py::test_who_could_not_be_told_is_nobody",
        {"adapters.auth.jwt:JwtAuthenticator.authenticate": _token_in_reason},
    ),
}
