from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dependency_injector import containers, providers
from opentelemetry.trace import Tracer

from adapters.auth import DevelopmentKey, JwtAuthenticator
from adapters.auth.development import ALGORITHM, AUDIENCE, ISSUER
from adapters.auth.keys import KeySource
from adapters.auth.notes import notes
from adapters.auth.policy import TokenPolicy
from adapters.auth.presets import Preset, preset_for
from adapters.failover import FailoverStorage
from adapters.memory import MemoryStorage
from adapters.rate_limits import MemoryCounters
from adapters.system import SystemClock, Uuid7Identifiers
from application.export import ExportSessions
from application.followers import Followers
from application.imports import ImportSessions
from application.ownership import Ownership
from application.ports.authenticator import Authenticator, Scope
from application.ports.clock import Clock
from application.ports.storage import Storage
from application.receipts import PurgeReceipts
from application.removal import EraseOwner, RemoveIdleSessions
from application.search import RebuildSearchIndex, TendSearchIndex
from application.use_cases import Wrap, build_use_cases
from entrypoints import time_limits
from entrypoints.drain import Drain
from entrypoints.http.client_address import ClientAddresses
from entrypoints.http.rate_limits import Counters, RateLimits
from entrypoints.issuers_file import Issuer, issuers_of
from entrypoints.setting_types import keys_path
from entrypoints.settings import PREFIX, Settings, SettingsError, libpq_variables
from entrypoints.telemetry.database_log import log_failover, log_waiting
from entrypoints.telemetry.limiter_log import LimiterLog
from entrypoints.telemetry.logged_check import LoggedCheck
from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import note_standby
from entrypoints.telemetry.statement_observer import StatementObserver
from entrypoints.telemetry.tracing import Tracing, resource
from entrypoints.telemetry.use_case_spans import traced


def _wrapping(tracer: Tracer | None) -> Wrap:
    return lambda use_case: traced(use_case, tracer)


def _sqlite(path: Path, observer: StatementObserver) -> Storage:
    from adapters.sql import SqlStorage
    from adapters.sql.sqlite import SqliteDatabase

    return SqlStorage(SqliteDatabase(path, observer))


def _postgresql_options(setting: str, **options: Any) -> Any:  # noqa: ANN401 - PostgresqlOptions
    from adapters.sql.postgresql import PostgresqlOptions, UrlRefused, resolve

    try:
        return resolve(PostgresqlOptions(**options))
    except UrlRefused as error:
        raise SettingsError(f"{PREFIX}{setting}: {error}") from error


def _postgresql_storage(observer: StatementObserver, options: Any) -> Storage:  # noqa: ANN401 - the same
    from adapters.sql import SqlStorage
    from adapters.sql.postgresql import PostgresqlDatabase

    return SqlStorage(PostgresqlDatabase(options, observer))


def _postgresql(
    settings: providers.Provider[Settings], setting: str, **options: object
) -> providers.Provider[Any]:
    provided = settings.provided
    options.setdefault("pool_recycle", provided.database_pool_recycle_seconds)
    options.setdefault("answer_timeout", time_limits.DATABASE_TIMEOUT)
    return providers.Singleton(
        _postgresql_options,
        setting,
        environment=providers.Callable(libpq_variables),
        pool_size=provided.database_pool_size,
        pool_overflow=provided.database_pool_overflow,
        pool_wait=provided.database_pool_wait_seconds,
        pool_pre_ping=provided.database_pool_pre_ping,
        connect_timeout=provided.database_connect_seconds,
        statement_timeout=provided.database_statement_seconds,
        lock_timeout=provided.database_lock_seconds,
        idle_in_transaction_timeout=provided.database_idle_in_transaction_seconds,
        application_name=provided.database_application_name,
        transaction_pooler=provided.database_transaction_pooler,
        start_wait=provided.database_start_seconds,
        **options,
    )


def preset_of(issuer: Issuer) -> Preset:
    """Return the preset that says how the issuer's access tokens differ from its other tokens."""
    return preset_for(issuer.name, issuer.settings.oidc_provider)


def sign_in_notes(issuer: Issuer) -> Sequence[str]:
    """Return what the operator should know about the issuer's tokens, a sentence each."""
    settings = issuer.settings
    acting = (f"They speak for the people of {issuer.acts_for}.",) if issuer.acts_for else ()
    known = notes(preset_of(issuer), settings.oidc_subject_claim, settings.oidc_keys_url)
    return (*acting, *known)


def key_source(issuer: Issuer) -> KeySource:
    """Return the source of the issuer's keys."""
    from adapters.auth.discovery import Discovery
    from adapters.auth.key_file import KeyFile

    settings = issuer.settings
    url = settings.oidc_keys_url or ""
    if url.startswith("file:"):
        return KeyFile(keys_path(url), settings.oidc_algorithms)
    keys_url = url or preset_of(issuer).keys_url(issuer.name)
    return Discovery(issuer.name, settings.oidc_algorithms, settings.oidc_timeout_seconds, keys_url)


def _issuers_authenticator(issuers: Sequence[Issuer], clock: Clock) -> Authenticator:
    from adapters.auth.issuers import IssuersAuthenticator

    made = {issuer.name: _authenticator(issuer, clock) for issuer in issuers}
    return IssuersAuthenticator(made) if len(made) > 1 else next(iter(made.values()))


def _authenticator(issuer: Issuer, clock: Clock) -> JwtAuthenticator:
    from adapters.auth.key_file import CHECK_SECONDS, KeyFile
    from adapters.auth.provider import ProviderKeys

    settings, source = issuer.settings, key_source(issuer)
    ages = (settings.oidc_keys_max_age_seconds, settings.oidc_refresh_interval_seconds)
    if isinstance(source, KeyFile):
        ages = (CHECK_SECONDS, CHECK_SECONDS)
    policy = TokenPolicy(
        issuer=issuer.name,
        audiences=settings.oidc_audience or (),
        algorithms=settings.oidc_algorithms,
        preset=preset_of(issuer),
        subject_claim=settings.oidc_subject_claim,
        acts_for=issuer.acts_for,
        scope_names={
            Scope.READ: settings.oidc_scope_read,
            Scope.WRITE: settings.oidc_scope_write,
        },
        clock_skew=settings.oidc_clock_skew_seconds,
        lifetime_max=settings.oidc_lifetime_max_seconds,
        require_scopes=settings.oidc_require_scopes,
    )
    return JwtAuthenticator(policy, ProviderKeys(issuer.name, source, *ages), clock)


def _redis_counters(url: str, fails_open: bool) -> Counters:  # noqa: FBT001 - a setting
    from adapters.rate_limits.redis import RedisCounters

    return RedisCounters(url, LimiterLog(fails_open=fails_open))


STANDBY_RECYCLE_SECONDS = 30.0
"""How old a connection to a standby may get, in seconds: that server may become the primary."""


class Container(containers.DeclarativeContainer):
    """The container is the composition root, which chooses an adapter for each port.

    A database's and an identity provider's modules are imported only if the settings choose them:
    their drivers are a fifth of a start.
    """

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    identifiers = providers.Singleton(Uuid7Identifiers)
    drain = providers.Singleton(Drain)
    resource = providers.Singleton(resource)
    metrics = providers.Singleton(Metrics, resource.provided.attributes)
    tracing = providers.Singleton(Tracing, settings.provided.otlp_endpoint, resource)

    statements = providers.Singleton(
        StatementObserver,
        metrics,
        tracing.provided.tracer,
        settings.provided.storage,
        settings.provided.slow_statement_seconds,
    )

    log_waiting: providers.Provider[Any] = providers.Object(log_waiting)
    """The function that is called with the cause while a start waits for the database."""

    database_options = _postgresql(
        settings, "DATABASE_URL", url=settings.provided.database_url, on_wait=log_waiting
    )
    standby_options = _postgresql(
        settings,
        "DATABASE_READ_URL",
        url=settings.provided.database_read_url,
        read_only=True,
        answer_timeout=time_limits.STANDBY_TIMEOUT,
        pool_recycle=STANDBY_RECYCLE_SECONDS,
    )
    storage = providers.Selector(
        settings.provided.storage,
        memory=providers.Singleton(MemoryStorage),
        sqlite=providers.Singleton(_sqlite, settings.provided.sqlite_path, statements),
        postgresql=providers.Singleton(_postgresql_storage, statements, database_options),
    )
    standby = providers.Singleton(_postgresql_storage, statements, standby_options)
    reading = providers.Selector(
        settings.provided.reads,
        primary=storage,
        primary_or_standby=providers.Singleton(
            FailoverStorage,
            storage,
            standby,
            providers.Object(note_standby),
            providers.Object(log_failover),
            primary_timeout=providers.Callable(lambda: time_limits.PRIMARY_TIMEOUT),
        ),
    )

    development_key = providers.Singleton(
        DevelopmentKey, settings.provided.key_file, settings.provided.sqlite_path
    )
    issuers = providers.Singleton(issuers_of, settings)
    """The issuers whose tokens are accepted; none if there is a development key."""

    authenticator = providers.Selector(
        settings.provided.identity,
        development=providers.Singleton(
            JwtAuthenticator,
            providers.Singleton(
                TokenPolicy, issuer=ISSUER, audiences=(AUDIENCE,), algorithms=(ALGORITHM,)
            ),
            development_key,
            clock,
        ),
        provider=providers.Singleton(_issuers_authenticator, issuers, clock),
    )

    rate_limit_storage = providers.Selector(
        settings.provided.rate_limit_storage,
        memory=providers.Singleton(MemoryCounters),
        redis=providers.Singleton(
            _redis_counters,
            settings.provided.rate_limit_storage_url,
            settings.provided.rate_limits_fail_open,
        ),
    )
    rate_limits = providers.Singleton(
        RateLimits,
        settings.provided.rate_limit_policies,
        rate_limit_storage,
        providers.Singleton(ClientAddresses, settings.provided.trusted_proxies),
        metrics,
        fails_open=settings.provided.rate_limits_fail_open,
    )

    followers = providers.Singleton(
        Followers,
        storage.provided.changes,
        is_shared=storage.provided.is_shared,
        most=settings.provided.followers,
        most_of_owner=settings.provided.followers_per_owner,
    )

    purge_receipts = providers.Singleton(
        traced, providers.Singleton(PurgeReceipts, storage, clock), tracing.provided.tracer
    )
    """It is not among the use cases, so that the command line builds no more than it needs."""

    erase_owner = providers.Singleton(EraseOwner, storage, clock)
    remove_idle_sessions = providers.Singleton(RemoveIdleSessions, storage, clock)
    tend_search_index = providers.Singleton(TendSearchIndex, storage)
    rebuild_search_index = providers.Singleton(RebuildSearchIndex, storage)
    export_sessions = providers.Singleton(
        ExportSessions,
        storage.provided.sessions,
        storage.provided.messages,
        providers.Singleton(
            Ownership, storage.provided.sessions, settings.provided.hide_foreign_sessions
        ),
    )
    import_sessions = providers.Singleton(
        ImportSessions,
        storage.provided.sessions,
        storage.provided.messages,
        identifiers,
        clock,
        settings.provided.message_body_max_bytes,
    )
    """Both for the command line, likewise."""

    use_cases = providers.Singleton(
        build_use_cases,
        storage=storage,
        reads=reading,
        clock=clock,
        identifiers=identifiers,
        hide_foreign=settings.provided.hide_foreign_sessions,
        body_size_max=settings.provided.message_body_max_bytes,
        parts=providers.Dict(
            database=providers.Singleton(LoggedCheck, "database", reading.provided.check),
            keys=authenticator.provided.check,
            service=drain.provided.check,
        ),
        standbys=providers.Selector(
            settings.provided.reads,
            primary=providers.Dict(),
            primary_or_standby=providers.Dict(database=standby.provided.check),
        ),
        wrap=providers.Callable(_wrapping, tracing.provided.tracer),
        followers=followers,
    )
