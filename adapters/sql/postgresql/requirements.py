"""Check what a server, its database and the role must be like, in one statement.

Without these checks the service would start, and then answer wrongly, lose writes that it
acknowledged, or fail at some later request.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from adapters.sql.observer import labelled
from adapters.sql.schema import WORD_INDEXES, index_names, metadata
from application.errors import StorageRefused

OLDEST = 15
"""The oldest major version of PostgreSQL that the service runs on."""

VERSION_TABLE = "alembic_version"

_NAMES = f"ARRAY[{', '.join(map(repr, (*metadata.tables, VERSION_TABLE)))}]"

_DECLARED = {
    *(
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
    ),
    *(name for table in metadata.sorted_tables for name in index_names(table)),
    *WORD_INDEXES,
}

_INTERCEPTORS = """
    SELECT 'trigger ' || quote_ident(tgname) AS what, tgrelid AS table_oid FROM pg_trigger
     WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 3 = 3
     UNION ALL
    SELECT 'rule ' || quote_ident(rulename), ev_class FROM pg_rewrite
     WHERE ev_type <> '1' AND ev_enabled IN ('O', 'A')
"""
"""This query finds triggers BEFORE a row's write, which can drop it without an error (manual,
section 37.1), and rules that do something else in place of it (section 39.4)."""

_FOUND = labelled(
    "CHECK_SERVER",
    text(f"""
WITH tables AS (
    SELECT c.oid, c.relname AS name, c.relpersistence = 'u' AS is_unlogged,
           c.relkind IN ('r', 'p') AS is_table
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = current_schema() AND c.relname = ANY ({_NAMES})
)
SELECT current_setting('server_version_num')::int / 10000,
       current_database(),
       current_user,
       getdatabaseencoding(),
       pg_is_in_recovery(),
       current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on',
       current_setting('search_path'),
       current_schema(),
       (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = to_regclass('owners') AND n.nspname <> current_schema() AND EXISTS
               (SELECT FROM pg_class v
                 WHERE v.relnamespace = n.oid AND v.relname = '{VERSION_TABLE}')),
       ARRAY(SELECT t.name || '.' || a.attname
               FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped
              UNION ALL
             SELECT i.relname FROM tables t JOIN pg_index x ON x.indrelid = t.oid
               JOIN pg_class i ON i.oid = x.indexrelid),
       ARRAY(SELECT name FROM tables WHERE NOT is_table ORDER BY name),
       ARRAY(SELECT what || ' on ' || name FROM tables JOIN ({_INTERCEPTORS}) i ON table_oid = oid
              WHERE is_table ORDER BY name, what),
       current_setting('session_replication_role'),
       ARRAY(SELECT name FROM tables WHERE row_security_active(oid) ORDER BY name),
       ARRAY(SELECT name FROM tables WHERE is_unlogged ORDER BY name),
       ARRAY(SELECT name FROM tables WHERE NOT has_table_privilege(oid, 'SELECT') OR
              name <> '{VERSION_TABLE}' AND NOT (has_table_privilege(oid, 'INSERT') AND
              has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
              ORDER BY name)
"""),  # noqa: S608 - constants of ours
)

READY = labelled(
    "CHECK_SCHEMA",
    text(f"""
SELECT version_num, ARRAY(
    SELECT complaint FROM (
        SELECT CASE
            WHEN c.oid IS NULL THEN name || ' is not there'
            WHEN relkind NOT IN ('r', 'p') THEN name || ' is not a table'
            WHEN row_security_active(c.oid) THEN name || ' has row-level security'
            WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN name || ' is not to be read'
            ELSE (SELECT 'the ' || min(what) || ' on ' || name || ' can drop what is written'
                    FROM ({_INTERCEPTORS}) i WHERE table_oid = c.oid)
        END FROM unnest({_NAMES}) name LEFT JOIN pg_class c ON c.oid = to_regclass(name)
        UNION ALL SELECT 'session_replication_role is replica'
         WHERE current_setting('session_replication_role') = 'replica'
    ) looked (complaint) WHERE complaint IS NOT NULL)
  FROM {VERSION_TABLE}
"""),  # noqa: S608 - constants of ours
)
"""This statement returns the schema's revision, and what is wrong with its tables."""


class Found(NamedTuple):
    """The result of the check has one field for each thing that the server was asked.

    New tables are made in `schema`; `elsewhere` is another schema of the search path that has such
    tables, if `schema` has none. `parts` are the columns and indexes of the service's tables,
    `intercepted` the triggers and rules that can drop writes to them. `replaced`, `filtered`,
    `unlogged` and `forbidden` list the tables with that fault.
    """

    version: int
    database: str
    role: str
    encoding: str
    is_standby: bool
    survives_a_crash: bool
    search_path: str
    schema: str | None
    elsewhere: str | None
    parts: Collection[str]
    replaced: Sequence[str]
    intercepted: Sequence[str]
    replication_role: str
    filtered: Sequence[str]
    unlogged: Sequence[str]
    forbidden: Sequence[str]

    @property
    def has_revision(self) -> bool:
        return f"{VERSION_TABLE}.version_num" in self.parts

    @property
    def tables(self) -> Sequence[str]:
        return sorted(
            {table for table, dot, _ in (part.partition(".") for part in self.parts) if dot}
        )

    @property
    def lacking(self) -> Sequence[str]:
        """The columns and indexes that the schema declares and the database lacks."""
        return sorted(_DECLARED.difference(self.parts))


def look(connection: Connection, *, reads_only: bool = False) -> Found:
    """Ask the server what it is like. Raises StorageRefused if it cannot be used; where it is only
    read, a standby can."""
    found = Found(*connection.execute(_FOUND).one())
    for reason in refusals(found._replace(is_standby=found.is_standby and not reads_only)):
        raise StorageRefused(f"cannot use the database: {reason}")
    if VERSION_TABLE in found.forbidden:
        refuse_forbidden(found)
    return found


def refusals(found: Found) -> Iterator[str]:
    """Yield each reason not to use the database, with what to do about it, the worst first."""
    name, schema, role = found.database, found.schema, found.role
    if found.version < OLDEST:
        yield f"{name} is on PostgreSQL {found.version}, and {OLDEST} or later is needed"
    if found.encoding != "UTF8":
        yield (
            f"{name} has the encoding {found.encoding}, and UTF8 is needed: make another one with "
            "createdb --encoding=UTF8 --template=template0"
        )
    if found.is_standby:
        yield f"{name} is on a standby, which takes no writes: name the primary in its URL"
    if schema is None:
        yield (
            f"{name} has no schema that search_path ({found.search_path}) names for the role "
            f"{role}: create it, GRANT USAGE ON it, or set another search_path"
        )
    if found.elsewhere and schema == role and '"$user"' in found.search_path:
        yield (
            f'{name} has its tables in the schema {found.elsewhere}, and "$user" now leads to '
            f"{schema}: ALTER ROLE {role} SET search_path = {found.elsewhere}, or = {schema} to "
            "make new ones there"
        )
    yield from _losses(found)
    if found.filtered:
        yield (
            f"row-level security in {name} hides rows of {', '.join(found.filtered)} from the role "
            f"{role}: ALTER TABLE ... DISABLE ROW LEVEL SECURITY each of them, or "
            f"ALTER ROLE {role} BYPASSRLS"
        )
    if found.unlogged:
        yield (
            f"a crash would empty {', '.join(found.unlogged)} in {name}: ALTER TABLE ... SET "
            "LOGGED each of them"
        )


def _losses(found: Found) -> Iterator[str]:
    """Yield each reason why an acknowledged write could be lost without an error."""
    name, role = found.database, found.role
    if found.replaced:
        yield (
            f"in {name} {', '.join(found.replaced)} is not a table, but a view or the like: rename "
            "the table back"
        )
    if found.intercepted:
        yield (
            f"in {name} the {', '.join(found.intercepted)} can change or drop what is written: "
            "DROP it, or make it an AFTER trigger"
        )
    if found.replication_role == "replica":
        yield (
            f"in {name} session_replication_role is replica, which switches foreign keys off: "
            f"ALTER ROLE {role} RESET session_replication_role, or ALTER DATABASE {name} RESET it"
        )


def refuse_forbidden(found: Found) -> None:
    """Raise StorageRefused if the role lacks a privilege on a table."""
    if found.forbidden:
        raise StorageRefused(
            f"cannot use the database: permission denied for {', '.join(found.forbidden)} in "
            f"{found.database}: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES "
            f"IN SCHEMA {found.schema} TO {found.role}"
        )
