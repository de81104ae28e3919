import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.owner import Owner

names = st.text("ab/:", min_size=1, max_size=6)


@given(first=st.tuples(names, names), second=st.tuples(names, names))
def test_two_owners_never_share_a_key(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Also where issuer and subject run into the same text."""
    assert (Owner(*first).key == Owner(*second).key) == (first == second)


def test_the_key_is_the_documented_hash() -> None:
    """UUIDv8 of SHA-256(8 bytes of length, issuer, subject): data stored under it must be found
    again by every later release."""
    assert str(Owner("https://issuer.example", "alice").key) == KEY_OF_ALICE
    assert re.fullmatch(r".{8}-.{4}-8.{3}-[89ab].{3}-.{12}", KEY_OF_ALICE)


@pytest.mark.parametrize(
    "subject",
    ["", " ", " a", "a ", "a\0", "a\nb", "\u200b", "a\u200d", "\ud800", "a" * 256, "\u00a0a"],
)
def test_a_subject_that_could_pass_for_another_is_refused(subject: str) -> None:
    with pytest.raises(InvalidValue):
        Owner("issuer", subject)


@pytest.mark.parametrize("subject", ["a", "a b", "auth0|6a", "a" * 255, "Ünal", "用户"])
def test_ordinary_subjects_are_accepted(subject: str) -> None:
    assert Owner("issuer", subject).subject == subject


@pytest.mark.parametrize("issuer", ["", "\udcff", "a\0", "a\nb"])
def test_an_owner_has_an_issuer(issuer: str) -> None:
    with pytest.raises(InvalidValue):
        Owner(issuer, "alice")


KEY_OF_ALICE = "59c3641e-e4ab-8110-8f0d-e84003b842fe"
