"""A database in which a row is seen or written only by a statement that runs as it should."""

from functools import cache

from adapters.sql.postgresql import PostgresqlOptions, upgrade
from tests.databases import server

MANNER = "read committed, 3s, 2s, 5s"
"""The isolation of a transaction and its limits, those that the service has by default."""

ROLE = """
CREATE ROLE app LOGIN;
ALTER ROLE app SET default_transaction_isolation = 'repeatable read';
ALTER ROLE app SET statement_timeout = '1h';
ALTER ROLE app SET lock_timeout = '1h';
ALTER ROLE app SET idle_in_transaction_session_timeout = '1h';
"""

GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app"

WATCH = """
CREATE FUNCTION watched() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    manner text := concat_ws(', ',
        current_setting('transaction_isolation'), current_setting('statement_timeout'),
        current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'));
BEGIN
    IF manner <> '%s' THEN
        RAISE 'a statement ran at %%', manner;
    END IF;
    RETURN true;
END $$;
DO $$
DECLARE found text;
BEGIN
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %%I RENAME TO %%I', found, found || '_watched');
        EXECUTE format('CREATE VIEW %%I AS SELECT * FROM %%I WHERE watched() WITH CHECK OPTION',
            found, found || '_watched');
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
"""


@cache
def _role() -> None:
    server().execute(ROLE)


async def new_database(name: str, options: PostgresqlOptions) -> None:
    """Its schema made with the options, for a role with settings of its own."""
    _role()
    server().new_database(name)
    await upgrade.migrate(options)
    server().execute(GRANT, name)


def watch(name: str) -> None:
    """Put a view that watches in place of each table, once a service has found the tables."""
    server().execute(WATCH % MANNER, name)
