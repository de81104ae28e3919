from sqlalchemy import select

from adapters.sql.observer import labelled
from adapters.sql.schema import sessions
from adapters.sql.statements import OWN_SESSION

VERSION_OF_SESSION = labelled(
    "VERSION_OF_SESSION",
    select(sessions.c.owner, sessions.c.id, sessions.c.last_updated, sessions.c.revision).where(
        OWN_SESSION
    ),
)
