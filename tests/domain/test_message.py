import pytest

from domain.errors import InvalidValue
from domain.message import BATCH_MAX, CONTENT_MAX, NewMessage, Role, check_batch


def test_a_roles_name_does_for_the_role() -> None:
    assert NewMessage("tool", "").role is Role.TOOL  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["", "User", "owner", None, 1])
def test_an_unknown_role_is_refused(role: object) -> None:
    with pytest.raises(InvalidValue):
        NewMessage(role, "hello")  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["\0", "a\udfff", "x" * (CONTENT_MAX + 1), None, b"a"])
def test_content_that_cannot_be_kept_is_refused(content: object) -> None:
    with pytest.raises(InvalidValue):
        NewMessage(Role.USER, content)  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["", " ", "🙂" * CONTENT_MAX])
def test_content_is_kept_as_it_is(content: str) -> None:
    assert NewMessage(Role.USER, content).content == content


def test_a_batch_has_bounds() -> None:
    message = NewMessage(Role.USER, "hello")
    check_batch([message] * BATCH_MAX, least=1)
    check_batch([], least=0)
    for batch in ([], [message] * (BATCH_MAX + 1)):
        with pytest.raises(InvalidValue):
            check_batch(batch, least=1)
