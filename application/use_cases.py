from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

from application.appends import AppendMessages
from application.export import ExportSessions
from application.followers import Followers
from application.following import AwaitMessages, FollowSession
from application.imports import ImportSessions
from application.messages import (
    ClearMessages,
    GetMessage,
    GetMessages,
    PutMessage,
    RemoveMessage,
)
from application.notifying import NotifyingMessages, NotifyingSessions
from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.storage import ReadStorage, Storage
from application.readiness import Check, CheckReadiness
from application.receipts import PurgeReceipts
from application.removal import DeleteSessions
from application.search import Search
from application.sessions import (
    CreateSession,
    DeleteSession,
    GetSession,
    ListSessions,
    UpdateSession,
)
from domain.body import BODY_MAX_DEFAULT

U = TypeVar("U")


class Wrap(Protocol):
    """Puts something around each call of a use case, such as a span."""

    def __call__(self, use_case: U, /) -> U: ...


def unwrapped(use_case: U, /) -> U:
    return use_case


NO_CHECKS: Mapping[str, Check] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """All that a driving adapter can ask for."""

    list_sessions: ListSessions
    create_session: CreateSession
    get_session: GetSession
    update_session: UpdateSession
    delete_session: DeleteSession
    get_messages: GetMessages
    get_message: GetMessage
    append_messages: AppendMessages
    put_message: PutMessage
    remove_message: RemoveMessage
    clear_messages: ClearMessages
    delete_sessions: DeleteSessions
    search: Search
    await_messages: AwaitMessages
    follow_session: FollowSession
    export_sessions: ExportSessions
    import_sessions: ImportSessions
    purge_receipts: PurgeReceipts
    check_readiness: CheckReadiness
    followers: Followers


def build_use_cases(  # noqa: PLR0913 - each is a port or what one use case wants
    *,
    storage: Storage,
    clock: Clock,
    identifiers: Identifiers,
    reads: ReadStorage | None = None,
    hide_foreign: bool = False,
    body_size_max: int = BODY_MAX_DEFAULT,
    parts: Mapping[str, Check] = NO_CHECKS,
    standbys: Mapping[str, Check] = NO_CHECKS,
    wrap: Wrap = unwrapped,
    followers: Followers | None = None,
) -> UseCases:
    """Build every use case from ports.

    What only reads gets its data from `reads`, which may be another view of the same data than the
    `storage`, from which what writes gets what it looks at before. A message's body may have
    `body_size_max` bytes. `parts` and `standbys` are as CheckReadiness has them. The `followers`
    are woken by what is written; while others write to the same data, they must `look` too, every
    LOOK_SECONDS.
    """
    reads = reads or storage
    followers = followers or Followers(storage.changes, is_shared=storage.is_shared)
    sessions = NotifyingSessions(storage.sessions, followers)
    messages = NotifyingMessages(storage.messages, followers)
    ownership = Ownership(sessions, hide_foreign)
    read_ownership = Ownership(reads.sessions, hide_foreign)
    return UseCases(
        list_sessions=wrap(ListSessions(reads.sessions)),
        create_session=wrap(CreateSession(sessions, identifiers, clock, body_size_max)),
        get_session=wrap(GetSession(reads.sessions, read_ownership)),
        update_session=wrap(UpdateSession(sessions, ownership, clock)),
        delete_session=wrap(DeleteSession(sessions, ownership)),
        get_messages=wrap(GetMessages(reads.messages, read_ownership)),
        get_message=wrap(GetMessage(reads.messages, read_ownership)),
        append_messages=wrap(
            AppendMessages(sessions, messages, ownership, identifiers, clock, body_size_max)
        ),
        put_message=wrap(PutMessage(messages, ownership, identifiers, clock, body_size_max)),
        remove_message=wrap(RemoveMessage(messages, ownership, clock)),
        clear_messages=wrap(ClearMessages(messages, ownership, clock)),
        delete_sessions=wrap(DeleteSessions(sessions, clock)),
        await_messages=wrap(AwaitMessages(messages, ownership, followers)),
        follow_session=wrap(FollowSession(messages, storage.changes, ownership, followers)),
        search=wrap(Search(reads.index, read_ownership)),
        # Without a span each, which would end before their streams do.
        export_sessions=ExportSessions(reads.sessions, reads.messages, read_ownership),
        import_sessions=ImportSessions(sessions, messages, identifiers, clock, body_size_max),
        purge_receipts=wrap(PurgeReceipts(storage, clock)),
        check_readiness=wrap(CheckReadiness(parts, standbys)),
        followers=followers,
    )
