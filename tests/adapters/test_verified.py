"""The tokens that were checked already."""

from adapters.auth.verified import Verified, VerifiedTokens, name_of
from application.ports.authenticator import Principal
from domain.owner import Owner

ALICE = Verified(Principal(Owner("issuer", "alice")), 0, 60)
BOB = Verified(Principal(Owner("issuer", "bob")), 0, 60)


def test_a_token_is_found_by_its_whole_text() -> None:
    held = VerifiedTokens()
    held.put(name_of("a.b.c"), 1, ALICE)
    assert held.get(name_of("a.b.c"), 1) is ALICE
    for other in ("a.b.C", "a.b.c ", "a.b", "", "A.b.c", "a.b.cc"):
        assert held.get(name_of(other), 1) is None


def test_none_is_held_once_the_keys_are_others() -> None:
    held = VerifiedTokens()
    held.put(name_of("a"), 1, ALICE)
    assert held.get(name_of("a"), 2) is None
    assert held.get(name_of("a"), 1) is None
    held.put(name_of("a"), 2, ALICE)
    held.put(name_of("b"), 3, BOB)
    assert len(held) == 1


def test_those_used_last_are_held() -> None:
    held = VerifiedTokens(most=2)
    held.put(name_of("a"), 1, ALICE)
    held.put(name_of("b"), 1, BOB)
    assert held.get(name_of("a"), 1) is ALICE
    held.put(name_of("c"), 1, BOB)
    assert held.get(name_of("b"), 1) is None
    assert held.get(name_of("a"), 1) is ALICE
    assert held.get(name_of("c"), 1) is BOB
    for number in range(100):
        held.put(name_of(str(number)), 1, BOB)
    assert len(held) == 2


def test_no_token_can_be_read_out_of_it() -> None:
    held = VerifiedTokens()
    held.put(name_of("secret"), 1, ALICE)
    assert "secret" not in repr(vars(held))
