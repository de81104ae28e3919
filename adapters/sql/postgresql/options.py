from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlOptions:
    """These options say how to reach a database and how long to wait for it, in seconds.

    `url` is libpq's URI (PostgreSQL's manual, section 34.1.1.2); several hosts are tried in turn.
    After `answer_timeout` a caller gets Unavailable; what was sent by then may still be carried
    out. `transaction_pooler`: a pooler in between assigns a connection for one transaction at a
    time. `read_only` is for a standby: nothing is written, of several hosts a standby is chosen,
    and it may be away when the service starts. `start_wait`: how long a start waits for a server
    that cannot be reached; `on_wait` is called with the cause when that begins, and whenever the
    cause changes. `environment` has libpq's variables (section 34.15).
    """

    url: str = field(repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    pool_size: int = 10
    pool_overflow: int = 0
    pool_wait: float = 2.0
    pool_recycle: float = 1800.0
    pool_pre_ping: bool = False
    answer_timeout: float = 4.5
    connect_timeout: float = 2.0
    statement_timeout: float = 3.0
    lock_timeout: float = 2.0
    idle_in_transaction_timeout: float = 5.0
    application_name: str = "chat-sessions"
    transaction_pooler: bool = False
    read_only: bool = False
    start_wait: float = 0.0
    on_wait: Callable[[str], None] = lambda _: None

    @property
    def limits(self) -> dict[str, str]:
        """The server's settings that every session must run with."""
        limits = {
            "default_transaction_isolation": "read committed",
            "statement_timeout": _milliseconds(self.statement_timeout),
            "lock_timeout": _milliseconds(self.lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_timeout),
            "row_security": "off",  # an error in place of fewer rows (manual, section 5.9)
        }
        if self.read_only:
            limits["default_transaction_read_only"] = "on"
        return limits


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
