"""Two releases side by side while one takes the other's place: the next one is made up here."""

import asyncio
import shutil
import subprocess
from pathlib import Path

from adapters.sql.schema import REVISION
from tests.conftest import Sized
from tests.faults.service import Service
from tests.serving import COMMAND, environment
from tests.system.haproxy import ready, wait_for
from tests.system.test_rolling_restart import pair, stopped
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS, await_until

ROOT = Path(__file__).parents[2]
NEXT = f"{int(REVISION) + 1:04}"

MIGRATION = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{REVISION}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("made_by", sa.Text, nullable=True))
"""


LAST = '    Column("largest_message", BigInteger, nullable=False, server_default="0"),\n'

CHANGES = (
    ("schema.py", f'REVISION = "{REVISION}"', f'REVISION = "{NEXT}"'),
    ("schema.py", LAST, f'{LAST}    Column("made_by", Text),\n'),
    (
        "postgresql/writes.py",
        "sessions.c.last_order: _how_many}",
        'sessions.c.last_order: _how_many, sessions.c.made_by: literal("next", Text)}',
    ),
)
"""The next release says in each new session that it was made by it."""


def next_release(folder: Path) -> Path:
    """The present one with a further column, and the migration that adds it."""
    for package in ("domain", "application", "adapters", "entrypoints"):
        shutil.copytree(ROOT / package, folder / package)
    versions = folder / "adapters" / "sql" / "migrations" / "versions"
    (versions / f"m{NEXT}_made_by.py").write_text(MIGRATION)
    for file, old, new in CHANGES:
        path = folder / "adapters" / "sql" / file
        text = path.read_text()
        assert old in text, old
        path.write_text(text.replace(old, new, 1))
    return folder


def migrate(url: str, **settings: str) -> str:
    """What it says where it is refused, else nothing."""
    done = subprocess.run(
        [COMMAND, "migrate"],
        env=environment(CHAT_SESSIONS_DATABASE_URL=url, **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    return done.stderr


async def become(service: Service, release: Path, longest: float) -> str | None:
    """Stopped as an operator stops it, and started as the other release; what was wrong with it."""
    wrong = await stopped(service, longest)
    service.settings["PYTHONPATH"] = str(release)
    await service.restart()
    return wrong


async def test_two_releases_serve_side_by_side_while_one_replaces_the_other(
    tmp_path: Path, sized: Sized, exit_longest: float, tally: Tally
) -> None:
    """No request fails from before the migration until after the last restart."""
    release = next_release(tmp_path / "next")
    (tmp_path / "pair").mkdir()
    async with pair(tmp_path / "pair") as both:
        old, new = both.services
        url = both.database.url
        makers = "SELECT DISTINCT coalesce(made_by, 'this') FROM sessions"
        async with both.chatter.chatting(sized(200, 4_000)):
            await asyncio.sleep(1)
            assert not await asyncio.to_thread(migrate, url, PYTHONPATH=str(release))
            await asyncio.sleep(1)
            assert ready(both.proxy) == 2
            assert await become(new, release, exit_longest) is None
            await asyncio.to_thread(wait_for, both.proxy, 2)
            await await_until(lambda: "next" in both.database.seen(makers))
            await asyncio.sleep(sized(0, 20))
            assert await become(old, release, exit_longest) is None
            await asyncio.to_thread(wait_for, both.proxy, 2)
        await both.chatter.check(tally, "an upgrade with a migration")
        assert set(both.database.seen(makers)) == {"this", "next"}
        refused = await asyncio.to_thread(migrate, url)
        assert f"the database has a schema of another release: {NEXT} in public" in refused
        assert refused.count("\n") == 1
