import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.page import Page, PageRequest


@given(total=st.integers(0, 30), limit=st.integers(1, 12), offset=st.integers(0, 40))
def test_neighbours(total: int, limit: int, offset: int) -> None:
    page = Page.from_offset(offset, range(total)[offset : offset + limit], total, limit)
    assert page.has_next == any(item >= offset + limit for item in range(total))
    assert page.has_previous == (offset > 0 and total > 0)
    assert page.next_offset == (offset + limit if page.has_next else None)
    if page.has_previous:
        assert page.previous_offset == max(0, min(offset, total) - limit)
    else:
        assert page.previous_offset is None
    if total:
        assert page.last_offset is not None
        assert page.last_offset % limit == 0
        assert page.last_offset < total <= page.last_offset + limit
    else:
        assert page.last_offset is None


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (201, 0), (-1, 0), (1, -1), (1, 2**31)])
def test_a_request_out_of_range_is_refused(limit: int, offset: int) -> None:
    with pytest.raises(InvalidValue):
        PageRequest(limit=limit, offset=offset)


def test_a_request_at_the_bounds_is_taken() -> None:
    PageRequest(limit=1, offset=0)
    PageRequest(limit=200, offset=2**31 - 1)
