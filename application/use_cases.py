from dataclasses import dataclass

from application.messages import AppendMessages, GetMessages
from application.readiness import CheckReadiness
from application.receipts import PurgeReceipts
from application.sessions import (
    CreateSession,
    DeleteSession,
    GetSession,
    ListSessions,
    UpdateSession,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """All that a driving adapter can ask for."""

    list_sessions: ListSessions
    create_session: CreateSession
    get_session: GetSession
    update_session: UpdateSession
    delete_session: DeleteSession
    get_messages: GetMessages
    append_messages: AppendMessages
    purge_receipts: PurgeReceipts
    check_readiness: CheckReadiness
