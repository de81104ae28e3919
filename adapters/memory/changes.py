from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.memory.data import Data
from application.ports.changes import ChangeReader, Changes, Edit, SessionKey
from domain.owner import Owner
from domain.session import Version


@dataclass(frozen=True, slots=True)
class MemoryChangeReader(ChangeReader):
    data: Data

    async def versions(self, sessions: Collection[SessionKey]) -> Mapping[SessionKey, Version]:
        found = {(owner, id_): self.data.for_owner(owner).get(id_) for owner, id_ in sessions}
        return {key: one.session.version for key, one in found.items() if one is not None}

    async def since(self, owner: Owner, session_id: UUID, at: datetime) -> Changes:
        conversation = self.data.find(owner, session_id)
        edits = [
            Edit(message.message_order, message.edited_at)
            for message in conversation.messages
            if message.edited_at is not None and message.edited_at > at
        ]
        edits += [edit for edit in conversation.removals if edit.at > at]
        edits.sort(key=lambda edit: edit.at)
        return Changes(conversation.session, conversation.first_order, edits)
