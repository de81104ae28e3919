from dataclasses import replace

from adapters.sql.postgresql.connect import Connector
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.target import Target, seconds


def resolve(options: PostgresqlOptions) -> PostgresqlOptions:
    """Return the options with those that the URL sets.

    Raises UrlRefused for a URL that cannot work from here, whatever the server answers.
    """
    parameters = Target.parse(options.url, options.environment).parameters
    timeout = seconds(parameters.get("connect_timeout", "0")) or options.connect_timeout
    resolved = replace(
        options,
        connect_timeout=timeout,
        application_name=parameters.get("application_name", options.application_name),
        transaction_pooler=options.transaction_pooler or parameters.get("pgbouncer") == "true",
    )
    Connector(resolved).check()
    return resolved
