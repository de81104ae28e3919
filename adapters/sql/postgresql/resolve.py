from dataclasses import replace

from adapters.sql.postgresql.connect import Connector
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.target import Target, seconds


def resolve(options: PostgresqlOptions) -> PostgresqlOptions:
    """The options with what their URL says of them. Raises UrlRefused for a URL that cannot work
    from here, whatever the server says."""
    given = Target.parse(options.url, options.environment).parameters
    told = replace(
        options,
        connect_timeout=seconds(given.get("connect_timeout", "0")) or options.connect_timeout,
        application_name=given.get("application_name", options.application_name),
        transaction_pooler=options.transaction_pooler or given.get("pgbouncer") == "true",
    )
    Connector(told).check()
    return told
