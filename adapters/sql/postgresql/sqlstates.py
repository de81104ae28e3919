"""These tables say what each SQLSTATE means for a request (PostgreSQL's manual, appendix A).

The service's statements are tested against the schema that its migrations make. So an error that
says a table, column, function or privilege is missing or different means that somebody has changed
the database. Once the operator has mended it the service goes on.
"""

from collections.abc import Mapping
from enum import Enum, auto


class Meaning(Enum):
    UNDONE = auto()
    """The database rolled all of it back, and a second attempt may succeed."""
    ENDED = auto()
    """This connection is over. Whether the statement was carried out is not known."""
    AWAY = auto()
    """The server is stopping, or takes no writes any more, which holds for all its connections."""
    UNAVAILABLE = auto()
    """The database refuses and has done nothing: the operator must mend it."""
    OURS = auto()
    """The service sent something wrong, which is a bug to report."""


CLASSES: Mapping[str, Meaning] = {
    "00": Meaning.OURS,  # successful completion
    "01": Meaning.OURS,  # warning
    "02": Meaning.OURS,  # no data
    "03": Meaning.OURS,  # SQL statement not yet complete
    "08": Meaning.AWAY,  # connection exception
    "09": Meaning.UNAVAILABLE,  # triggered action exception: of a trigger that is not ours
    "0A": Meaning.UNDONE,  # feature not supported: a cached plan whose result changed its type
    "0B": Meaning.OURS,  # invalid transaction initiation
    "0F": Meaning.OURS,  # locator exception
    "0L": Meaning.OURS,  # invalid grantor
    "0P": Meaning.UNAVAILABLE,  # invalid role specification: the role's own `role` is gone
    "0Z": Meaning.OURS,  # diagnostics exception
    "10": Meaning.OURS,  # XQuery error
    "20": Meaning.OURS,  # case not found
    "21": Meaning.OURS,  # cardinality violation
    "22": Meaning.OURS,  # data exception
    "23": Meaning.OURS,  # integrity constraint violation
    "24": Meaning.OURS,  # invalid cursor state
    "25": Meaning.OURS,  # invalid transaction state
    "26": Meaning.UNDONE,  # invalid SQL statement name: the connection leads to another session
    "27": Meaning.UNAVAILABLE,  # triggered data change violation: of a trigger that is not ours
    "28": Meaning.UNAVAILABLE,  # invalid authorization: a password or pg_hba.conf has changed
    "2B": Meaning.OURS,  # dependent privilege descriptors still exist
    "2D": Meaning.OURS,  # invalid transaction termination
    "2F": Meaning.UNAVAILABLE,  # SQL routine exception: of a function that is not ours
    "34": Meaning.OURS,  # invalid cursor name
    "38": Meaning.UNAVAILABLE,  # external routine exception: of a function that is not ours
    "39": Meaning.UNAVAILABLE,  # external routine invocation exception: the same
    "3B": Meaning.OURS,  # savepoint exception
    "3D": Meaning.UNAVAILABLE,  # invalid catalog name: there is no such database
    "3F": Meaning.UNAVAILABLE,  # invalid schema name: there is no such schema
    "40": Meaning.UNDONE,  # transaction rollback: a deadlock and the like
    "42": Meaning.OURS,  # syntax error or access rule violation
    "44": Meaning.UNAVAILABLE,  # WITH CHECK OPTION violation: a view in place of a table
    "53": Meaning.UNAVAILABLE,  # insufficient resources: disk, memory, connections
    "54": Meaning.UNAVAILABLE,  # program limit exceeded: the server's, or of a foreign index
    "55": Meaning.UNAVAILABLE,  # object not in prerequisite state, lock not available
    "57": Meaning.UNAVAILABLE,  # operator intervention, a statement's timeout too
    "58": Meaning.UNAVAILABLE,  # system error
    "72": Meaning.UNDONE,  # snapshot failure: too old
    "F0": Meaning.UNAVAILABLE,  # configuration file error
    "HV": Meaning.UNAVAILABLE,  # foreign data wrapper error: a foreign table in place of ours
    "P0": Meaning.UNAVAILABLE,  # PL/pgSQL error: raised by a trigger or function that is not ours
    "XX": Meaning.UNAVAILABLE,  # internal error, corrupt data or index
}
"""What each class means, by its first two characters. PostgreSQL has no others: an extension, a
trigger or another engine raises those."""

CODES: Mapping[str, Meaning] = {
    "22P05": Meaning.UNAVAILABLE,  # untranslatable_character: the database is not in UTF-8
    "23P01": Meaning.UNAVAILABLE,  # exclusion_violation: the schema has no such constraint
    "25006": Meaning.AWAY,  # read_only_sql_transaction: the server is a standby now
    "25P03": Meaning.ENDED,  # idle_in_transaction_session_timeout
    "25P04": Meaning.ENDED,  # transaction_timeout
    "40003": Meaning.ENDED,  # statement_completion_unknown
    "42501": Meaning.UNAVAILABLE,  # insufficient_privilege, or row security would filter
    "42703": Meaning.UNAVAILABLE,  # undefined_column
    "42704": Meaning.UNAVAILABLE,  # undefined_object
    "42725": Meaning.UNAVAILABLE,  # ambiguous_function: another was put beside it
    "42804": Meaning.UNAVAILABLE,  # datatype_mismatch: a column's type was changed
    "42809": Meaning.UNAVAILABLE,  # wrong_object_type: something else bears a table's name
    "42846": Meaning.UNAVAILABLE,  # cannot_coerce: a column's type was changed
    "42883": Meaning.UNAVAILABLE,  # undefined_function, or no such operator for a changed type
    "428C9": Meaning.UNAVAILABLE,  # generated_always: a column was made to generate itself
    "42P01": Meaning.UNAVAILABLE,  # undefined_table
    "42P05": Meaning.UNDONE,  # duplicate_prepared_statement: the connection leads elsewhere
    "42P10": Meaning.UNAVAILABLE,  # invalid_column_reference: ON CONFLICT lacks its primary key
    "42P17": Meaning.UNAVAILABLE,  # invalid_object_definition: a policy or rule that recurs
    "57P01": Meaning.AWAY,  # admin_shutdown
    "57P02": Meaning.AWAY,  # crash_shutdown
    "57P03": Meaning.AWAY,  # cannot_connect_now
    "57P04": Meaning.AWAY,  # database_dropped
    "57P05": Meaning.ENDED,  # idle_session_timeout
    "XX000": Meaning.UNDONE,  # internal_error: a table that went or changed in the same moment
}
"""The codes that mean something else than the rest of their class."""

FOREIGN_SESSION = frozenset({"26000", "42P05"})
"""The codes of a prepared statement in another session than its own, as behind a pooler."""


def meaning_of(state: str) -> Meaning:
    return CODES.get(state) or CLASSES.get(state[:2], Meaning.UNAVAILABLE)
