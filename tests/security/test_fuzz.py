"""Requests that nobody would send, by the thousand: no 5xx, and both databases answer alike."""

from pathlib import Path

import pytest

from tests.conftest import Sized
from tests.security.fuzzer import Fuzzer
from tests.security.twins import twins
from tests.tally import Tally


@pytest.mark.parametrize("seed", range(4))
async def test_no_request_makes_a_fault_or_tells_the_databases_apart(
    tmp_path: Path, seed: int, sized: Sized, tally: Tally
) -> None:
    fuzzer = Fuzzer(seed)
    statuses: dict[int, int] = {}
    async with twins(tmp_path) as both:
        for _ in range(sized(250, 25_000)):
            who, request = fuzzer.request()
            answer = await both.ask_as(who, **request)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            if both.faults or both.unlike:
                break
            fuzzer.learn(answer)
            both.move(fuzzer.step())
    asked = sum(statuses.values())
    tally.none("P7", f"seed {seed}: 5xx of either database", both.faults, of=asked)
    tally.none("P7", f"seed {seed}: answers that differ", both.unlike, of=asked)
    succeeded = sum(times for status, times in statuses.items() if status < 400)
    assert asked / 10 < succeeded < asked * 9 / 10
    rare = {204, 400, 403, 405, 415} if sized(0, 1) else set()
    assert {200, 201, 404, 422} | rare <= statuses.keys()
