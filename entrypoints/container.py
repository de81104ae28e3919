from typing import Any

from dependency_injector import containers, providers

from adapters.auth import DevelopmentKey, JwtAuthenticator
from adapters.auth.development import ALGORITHM, AUDIENCE, ISSUER
from adapters.auth.discovery import Discovery
from adapters.auth.jwt import TokenPolicy
from adapters.auth.provider import ProviderKeys
from adapters.memory import MemoryStorage
from adapters.sql import PostgresqlDatabase, PostgresqlOptions, SqliteDatabase, SqlStorage
from adapters.system import SystemClock, Uuid7Identifiers
from application.messages import AppendMessages, GetMessages
from application.ownership import Ownership
from application.readiness import CheckReadiness
from application.receipts import PurgeReceipts
from application.sessions import (
    CreateSession,
    DeleteSession,
    GetSession,
    ListSessions,
    UpdateSession,
)
from application.use_cases import UseCases
from entrypoints.drain import Drain
from entrypoints.http.limits import MemoryCounters, Peers, RateLimits, RedisCounters
from entrypoints.settings import Settings
from entrypoints.telemetry.providers import Telemetry
from entrypoints.telemetry.statements import Statements
from entrypoints.telemetry.traced import traced


def _use_case(
    telemetry: providers.Provider[Telemetry], kind: type[object], *ports: object
) -> providers.Provider[Any]:
    made = providers.Singleton(kind, *ports)
    return providers.Singleton(traced, made, telemetry.provided.tracer)


class Container(containers.DeclarativeContainer):
    """The composition root: which adapter stands behind which port."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    identifiers = providers.Singleton(Uuid7Identifiers)
    drain = providers.Singleton(Drain)
    telemetry = providers.Singleton(Telemetry, settings.provided.otlp_endpoint)

    statements = providers.Singleton(
        Statements,
        telemetry.provided.meters,
        telemetry.provided.tracer,
        settings.provided.storage,
        settings.provided.slow_statement_seconds,
    )

    storage = providers.Selector(
        settings.provided.storage,
        memory=providers.Singleton(MemoryStorage),
        sqlite=providers.Singleton(
            SqlStorage,
            providers.Singleton(SqliteDatabase, settings.provided.sqlite_path, statements),
        ),
        postgresql=providers.Singleton(
            SqlStorage,
            providers.Singleton(
                PostgresqlDatabase,
                providers.Singleton(
                    PostgresqlOptions,
                    url=settings.provided.database_url,
                    pool_size=settings.provided.database_pool_size,
                    pool_overflow=settings.provided.database_pool_overflow,
                    pool_wait=settings.provided.database_pool_wait_seconds,
                    pool_recycle=settings.provided.database_pool_recycle_seconds,
                    pool_pre_ping=settings.provided.database_pool_pre_ping,
                    connect_timeout=settings.provided.database_connect_seconds,
                    statement_timeout=settings.provided.database_statement_seconds,
                    lock_timeout=settings.provided.database_lock_seconds,
                    idle_in_transaction_timeout=(
                        settings.provided.database_idle_in_transaction_seconds
                    ),
                    application_name=settings.provided.database_application_name,
                    transaction_pooler=settings.provided.database_transaction_pooler,
                ),
                statements,
            ),
        ),
    )
    sessions = storage.provided.sessions
    messages = storage.provided.messages

    development_key = providers.Singleton(DevelopmentKey, settings.provided.key_file)
    authenticator = providers.Selector(
        settings.provided.identity,
        development=providers.Singleton(
            JwtAuthenticator,
            providers.Singleton(
                TokenPolicy, issuer=ISSUER, audience=AUDIENCE, algorithms=(ALGORITHM,)
            ),
            development_key,
            clock,
        ),
        provider=providers.Singleton(
            JwtAuthenticator,
            providers.Singleton(
                TokenPolicy,
                issuer=settings.provided.oidc_issuer,
                audience=settings.provided.oidc_audience,
                algorithms=settings.provided.oidc_algorithms,
                clock_skew=settings.provided.oidc_clock_skew_seconds,
                lifetime_max=settings.provided.oidc_lifetime_max_seconds,
                require_scopes=settings.provided.oidc_require_scopes,
            ),
            providers.Singleton(
                ProviderKeys,
                providers.Singleton(
                    Discovery,
                    settings.provided.oidc_issuer,
                    settings.provided.oidc_algorithms,
                    settings.provided.oidc_timeout_seconds,
                ),
                settings.provided.oidc_keys_max_age_seconds,
                settings.provided.oidc_refresh_interval_seconds,
            ),
            clock,
        ),
    )

    rate_limit_storage = providers.Selector(
        settings.provided.rate_limit_storage,
        memory=providers.Singleton(MemoryCounters),
        redis=providers.Singleton(RedisCounters, settings.provided.rate_limit_storage_url),
    )
    rate_limits = providers.Singleton(
        RateLimits,
        settings.provided.rate_limit_policies,
        rate_limit_storage,
        providers.Singleton(Peers, settings.provided.trusted_proxies),
        fails_open=settings.provided.rate_limits_fail_open,
    )

    ownership = providers.Singleton(
        Ownership, sessions, hide_foreign=settings.provided.hide_foreign_sessions
    )
    use_cases = providers.Singleton(
        UseCases,
        list_sessions=_use_case(telemetry, ListSessions, sessions),
        create_session=_use_case(telemetry, CreateSession, sessions, identifiers, clock),
        get_session=_use_case(telemetry, GetSession, sessions, ownership),
        update_session=_use_case(telemetry, UpdateSession, sessions, ownership, clock),
        delete_session=_use_case(telemetry, DeleteSession, sessions, ownership),
        get_messages=_use_case(telemetry, GetMessages, messages, ownership),
        append_messages=_use_case(
            telemetry, AppendMessages, messages, ownership, identifiers, clock
        ),
        purge_receipts=_use_case(telemetry, PurgeReceipts, storage, clock),
        check_readiness=_use_case(
            telemetry,
            CheckReadiness,
            providers.Dict(
                database=storage.provided.check,
                keys=authenticator.provided.check,
                service=drain.provided.check,
            ),
        ),
    )
