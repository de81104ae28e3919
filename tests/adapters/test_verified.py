"""The tokens that were checked already."""

from adapters.auth.verified import Verified, VerifiedTokens
from application.ports.authenticator import Principal
from domain.owner import Owner

ALICE = Verified(Principal(Owner("issuer", "alice")), 0, 60)
BOB = Verified(Principal(Owner("issuer", "bob")), 0, 60)


def test_a_token_is_found_by_its_whole_text() -> None:
    held = VerifiedTokens()
    held.put("a.b.c", 1, ALICE)
    assert held.get("a.b.c", 1) is ALICE
    for other in ("a.b.C", "a.b.c ", "a.b", "", "A.b.c", "a.b.cc"):
        assert held.get(other, 1) is None


def test_none_is_held_once_the_keys_are_others() -> None:
    held = VerifiedTokens()
    held.put("a", 1, ALICE)
    assert held.get("a", 2) is None
    assert held.get("a", 1) is None
    held.put("a", 2, ALICE)
    held.put("b", 3, BOB)
    assert len(held) == 1


def test_those_used_last_are_held() -> None:
    held = VerifiedTokens(most=2)
    held.put("a", 1, ALICE)
    held.put("b", 1, BOB)
    assert held.get("a", 1) is ALICE
    held.put("c", 1, BOB)
    assert held.get("b", 1) is None
    assert held.get("a", 1) is ALICE
    assert held.get("c", 1) is BOB
    for number in range(100):
        held.put(str(number), 1, BOB)
    assert len(held) == 2


def test_no_token_can_be_read_out_of_it() -> None:
    held = VerifiedTokens()
    held.put("secret", 1, ALICE)
    assert "secret" not in repr(vars(held))
