"""What sessions, messages and receipts take of PostgreSQL's disk.

The tables are filled as time does: newest last, each by another person
than the one before, so that the indexes are as full as they come to be and not as a sorted load
leaves them. The settings are PostgreSQL's own, but for fsync, which takes time and no room.
"""

from collections.abc import Iterator

from adapters.sql.column_types import microseconds
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.schema import metadata
from tests.clock import START
from tests.postgresql import PostgresqlServer

PEOPLE = 50_000
SESSIONS = 1_000_000
TALKED_IN = 100_000
MESSAGES = 1_000_000
RECEIPTS = 200_000
CHARACTERS = 300
DATABASE = "sizes"
SETTINGS = {"fsync": "off", "max_wal_size": "32GB", "checkpoint_timeout": "1h"}

_FILL = (
    """
INSERT INTO owners
  SELECT md5('person ' || n)::uuid, 'https://login.example/realms/chat', gen_random_uuid(), 20
  FROM generate_series(0, {people} - 1) n
""",
    """
INSERT INTO sessions
  SELECT md5('person ' || n * 7919::bigint % {people})::uuid, uuidv7(),
    'A title of some thirty letters', '{{}}', {now} + n, {now} + n, 10
  FROM generate_series(1, {sessions}) n
""",
    """
INSERT INTO messages
  SELECT owner, id, n, uuidv7(), 'assistant', repeat('abcdefghi ', {characters} / 10), '{{}}',
    {now} + n
  FROM generate_series(1, {messages} / {talked_in}) n,
    (SELECT owner, id FROM sessions ORDER BY id LIMIT {talked_in}) AS talked
  ORDER BY n, id
""",
    """
INSERT INTO receipts
  SELECT md5('person ' || n * 7919::bigint % {people})::uuid, 'append_messages',
    gen_random_uuid()::text, sha256(n::text::bytea), {now} + n, uuidv7(), n
  FROM generate_series(1, {receipts}) n
""",
)
_SIZES = """
SELECT '{table}', 'the table itself', pg_table_size(tables.oid), tables.reltuples::bigint
FROM pg_class AS tables WHERE tables.relname = '{table}'
UNION ALL
SELECT '{table}', indexrelname, pg_relation_size(indexrelid), reltuples::bigint
FROM pg_stat_user_indexes AS indexes JOIN pg_class AS tables ON tables.oid = relid
WHERE indexes.relname = '{table}' """

TABLES = [table.name for table in metadata.sorted_tables]


def fill(server: PostgresqlServer) -> None:
    names = {
        "people": PEOPLE,
        "sessions": SESSIONS,
        "messages": MESSAGES,
        "talked_in": TALKED_IN,
        "characters": CHARACTERS,
        "receipts": RECEIPTS,
        "now": microseconds(START),
    }
    unchecked = "SET session_replication_role = replica;"  # no look-up of foreign keys
    for statement in _FILL:
        server.execute(unchecked + statement.format(**names), DATABASE)
    server.execute("VACUUM ANALYZE", DATABASE)


def sizes(server: PostgresqlServer) -> dict[tuple[str, str], float]:
    """Bytes a row, by table and by what there is of it."""
    lines = [
        line.split("|")
        for table in TABLES
        for line in server.execute(_SIZES.format(table=table), DATABASE).splitlines()
    ]
    return {(table, part): int(size) / int(rows) for table, part, size, rows in lines}


def table(server: PostgresqlServer) -> Iterator[str]:
    grown = sizes(server)
    for name in TABLES:
        server.execute(f"REINDEX TABLE {name}", DATABASE)
    rebuilt = sizes(server)
    yield "| table | part | bytes a row, as it grew | indexes rebuilt |\n|---|---|---|---|"
    for name in TABLES:
        for of, part in grown:
            if of == name:
                yield f"| {name} | {part} | {grown[of, part]:.0f} | {rebuilt[of, part]:.0f} |"
        both = (sum(each[at] for at in each if at[0] == name) for each in (grown, rebuilt))
        yield f"| {name} | all | {' | '.join(f'{size:.0f}' for size in both)} |"


async def main() -> None:
    server = PostgresqlServer(SETTINGS)
    try:
        url = server.new_database(DATABASE)
        await PostgresqlDatabase(PostgresqlOptions(url=url)).migrate()
        fill(server)
        print(*table(server), sep="\n", flush=True)
    finally:
        server.stop()
        server.remove()
