from sqlalchemy import and_, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from adapters.sql.column_types import Key
from adapters.sql.observer import labelled
from adapters.sql.schema import sessions

_given = (
    func.unnest(bindparam("owners", type_=ARRAY(Key)), bindparam("ids", type_=ARRAY(Key)))
    .table_valued(column("owner", Key), column("id", Key))
    .render_derived(name="given")
)

VERSIONS = labelled(
    "VERSIONS",
    select(
        sessions.c.owner, sessions.c.id, sessions.c.last_updated, sessions.c.revision
    ).select_from(
        _given.join(
            sessions, and_(sessions.c.owner == _given.c.owner, sessions.c.id == _given.c.id)
        )
    ),
)
"""Of all sessions that a process follows, each by its owner and its id."""
