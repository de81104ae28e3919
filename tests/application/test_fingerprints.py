"""What tells one request under a key from another, in every release alike."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.idempotency import Command
from domain.body import Body
from domain.external_id import ExternalId
from domain.instant import TICK
from domain.message import NewMessage, Role
from domain.metadata import Metadata
from domain.session import NewSession
from domain.strict_json import parse_document
from tests.clock import START

HELLO = NewMessage(Role.USER, "hello")
THERE = NewMessage(Role.ASSISTANT, "there")
SESSION = UUID("01a20abe-9819-7728-aa45-2446966d66bb")


OTHERS: list[dict[str, Any]] = [
    {"name": "a"},
    {"external_id": "a"},
    {"external_id": "b"},
    {"format": "a"},
    {"timestamp": START},
    {"timestamp": START + TICK},
    {"body": Body()},
    {"body": Body('{"a":1}')},
    {"body": Body('{"a":"1"}')},
    {"body": Body('{"a":[1,2]}')},
    {"body": Body('{"a":[2,1]}')},
    {"body": Body('{"a":"\\ud800"}')},
    {"body": Body('{"a":"\\u0000"}')},
    {"body": Body('{"a":12345678901234567890}')},
    {"body": Body('{"a":12345678901234567891}')},
]


def test_what_is_asked_differently_has_another_fingerprint() -> None:
    """Also where only the place of a comma or a quotation mark would tell them apart."""
    asked = [
        Command(),
        Command(session_id=uuid4()),
        Command(session=NewSession("a")),
        Command(session=NewSession("a"), messages=(HELLO,)),
        Command(messages=(HELLO, THERE)),
        Command(messages=(THERE, HELLO)),
        Command(messages=(NewMessage(Role.USER, 'a","{}'),)),
        Command(messages=(NewMessage(Role.USER, "é"),)),
        Command(messages=(NewMessage(Role.USER, "e\u0301"),)),
        Command(session_id=ExternalId("a")),
        Command(session_id=ExternalId("b")),
        Command(session=NewSession(external_id="a")),
        Command(session=NewSession(created_at=START)),
        Command(session=NewSession(created_at=START + TICK)),
        *(Command(messages=(replace(HELLO, **other),)) for other in OTHERS),
    ]
    assert len({command.fingerprint for command in asked}) == len(asked)


def test_every_field_of_a_command_and_of_what_it_holds_changes_its_fingerprint() -> None:
    """Also one that is added, which need not be named anywhere. At its default it changes nothing:
    a retry across an upgrade is the same request."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class LaterCommand(Command):
        create: bool = False

    @dataclass(frozen=True, slots=True)
    class LaterMessage(NewMessage):
        mood: str | None = None

    said = LaterMessage(Role.USER, "hello")
    plainly = Command(session=NewSession("a"), messages=(HELLO,))
    later = LaterCommand(session=NewSession("a"), messages=(said,))
    commands = [
        plainly,
        replace(plainly, session_id=uuid4()),
        replace(plainly, session=NewSession("a", Metadata("[]"))),
        replace(plainly, messages=(replace(HELLO, role=Role.TOOL),)),
        replace(plainly, messages=(replace(HELLO, metadata=Metadata("[]")),)),
        replace(later, create=True),
        replace(later, messages=(replace(said, mood="x"),)),
    ]
    assert len({command.fingerprint for command in commands}) == len(commands)
    assert later.fingerprint == plainly.fingerprint


def test_a_fingerprint_is_what_earlier_releases_have_stored() -> None:
    append = Command(session_id=SESSION, messages=(HELLO, THERE))
    create = Command(session=NewSession("Trip", Metadata('{"a":1}')), messages=(HELLO,))
    assert append.fingerprint.hex() == (
        "f5e0b41daa169f16c2bec65c582d30181363642f015263153dfabc16ea4c27c7"
    )
    assert create.fingerprint.hex() == (
        "2cb13e2ef0e577f603329615ae7a24f11d676d2b57ed302d1c3468803d69ba18"
    )


def test_the_fingerprints_of_this_release_are_those_of_the_next() -> None:
    """Of requests with what earlier releases did not know."""
    whole = replace(
        HELLO,
        name="Ana",
        external_id="m1",
        format="x",
        timestamp=START,
        body=Body.from_mapping(parse_document(rb'{"b":[1.50,"\ud83d\u0000"],"a":null}')),
    )
    append = Command(session_id=ExternalId("trip"), messages=(whole,))
    create = Command(session=NewSession(external_id="trip", created_at=START))
    assert append.fingerprint.hex() == (
        "ead295521182e3b20a97bd492d8fbafdcef0cfa77f04cad2f2a58af443efc44f"
    )
    assert create.fingerprint.hex() == (
        "02c021a97b29a8961d3a55cafb4acdd9194d48949a21d945b26fb64a01bbe6c7"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":{"c":[1,2],"d":null}}', '{"b":{"d":null,"c":[1,2]},"a":1}'),
        ('{"a":1}', '{"a":1.0}'),
        ('{"a":19.990}', '{"a":1999e-2}'),
        ('{"a":"\u00e9"}', r'{"a":"\u00e9"}'),
    ],
)
def test_one_json_value_written_anew_is_the_same_request(one: str, other: str) -> None:
    """In a body and in metadata, as clients whose maps have no order write it."""

    def asked(text: str) -> Command:
        value = parse_document(text.encode())
        metadata = Metadata.from_mapping(value)
        said = replace(HELLO, body=Body.from_mapping(value), metadata=metadata)
        return Command(session=NewSession(metadata=metadata), messages=(said,))

    assert asked(one).fingerprint == asked(other).fingerprint
