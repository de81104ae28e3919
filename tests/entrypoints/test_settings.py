"""What an operator can set, and how a mistake is told."""

from pathlib import Path

import pytest

from entrypoints.setting_types import is_loopback
from entrypoints.settings import Settings, SettingsError


def settings(**given: str) -> Settings:
    return Settings.from_environment(
        {f"CHAT_SESSIONS_{name.upper()}": value for name, value in given.items()}
    )


def test_without_any_setting_it_is_a_laptop() -> None:
    default = settings()
    assert default == Settings()
    assert (default.host, default.port, default.storage) == ("127.0.0.1", 8000, "sqlite")
    assert default.sqlite_path == Path("chat-sessions.db")
    assert default.key_file == Path("chat-sessions-development-key.pem")
    assert default.base_url == "http://127.0.0.1:8000"
    assert default.hosts == {"localhost", "127.0.0.1", "[::1]", "127.0.0.1:8000"}


def test_every_setting_is_read() -> None:
    read = settings(
        database_url="sqlite:////var/lib/chat.db",
        host="::1",
        port="9000",
        public_url="https://Chat.example:8443/api/",
        hide_foreign_sessions="true",
        max_body_bytes="5000000",
        drain_seconds="0.5",
        log_format="json",
    )
    assert read.sqlite_path == Path("/var/lib/chat.db")
    assert read.key_file == Path("/var/lib/chat-sessions-development-key.pem")
    assert read.base_url == "https://Chat.example:8443/api"
    assert read.hosts == {"localhost", "127.0.0.1", "[::1]", "Chat.example:8443"}
    assert read.hide_foreign_sessions is True
    assert (read.max_body_bytes, read.drain_seconds, read.log_format) == (5000000, 0.5, "json")


def test_what_one_message_may_hold_one_request_may_hold_too() -> None:
    """Each character as two escapes, and both objects three times as long in ASCII."""
    least = 12 * 300_000 + 3 * (256 * 1024 + 16 * 1024)
    assert settings(max_body_bytes=str(least)).max_body_bytes == least
    with pytest.raises(SettingsError, match=rf"^CHAT_SESSIONS_MAX_BODY_BYTES: .*{least},"):
        settings(max_body_bytes=str(least - 1))
    with pytest.raises(SettingsError, match=r"^CHAT_SESSIONS_MAX_BODY_BYTES: "):
        settings(message_body_max_bytes=str(4 << 20))
    read = settings(message_body_max_bytes=str(4 << 20), max_body_bytes=str(17 << 20))
    assert read.message_body_max_bytes == 4 << 20


def test_an_ipv6_address_is_bracketed_in_a_url() -> None:
    assert settings(host="::1").base_url == "http://[::1]:8000"


def test_a_standby_is_one_of_postgresqls() -> None:
    """Its URL says so, and is shown without its password."""
    urls = {"database_url": "postgresql://a/d", "database_read_url": "postgresql://u:secret@b,c/d"}
    read = settings(**urls)
    assert read.shown_database_read_url == "postgresql://u:***@b,c/d"
    assert "secret" not in repr(read)
    for wrong in ({"database_url": "memory://"}, {"database_read_url": "memory://"}):
        with pytest.raises(SettingsError, match=r"^CHAT_SESSIONS_DATABASE_READ_URL: "):
            settings(**urls | wrong)


def test_the_storage_is_shown_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to("data")
    monkeypatch.chdir(tmp_path)
    whole = f"sqlite:///{tmp_path}/data/chat.db"
    assert settings(database_url="sqlite:///./link/chat.db").shown_database_url == whole
    assert settings(database_url=whole).shown_database_url == whole
    assert settings(database_url="memory://").shown_database_url == "memory://"


def test_a_working_directory_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for url in ("memory://", f"sqlite:///{tmp_path}/chat.db", "postgresql://h/d"):
        settings(database_url=url)
    with pytest.raises(SettingsError, match=r"^CHAT_SESSIONS_DATABASE_URL: the work"):
        settings()


def test_memory_needs_no_file() -> None:
    read = settings(database_url="memory://", development_key_file="/run/key.pem")
    assert (read.storage, read.sqlite_path, read.key_file) == (
        "memory",
        None,
        Path("/run/key.pem"),
    )


def test_named_hosts_are_the_only_ones() -> None:
    assert settings(allowed_hosts="A.example, b.example").hosts == {"A.example", "b.example"}


def test_an_empty_variable_is_no_setting() -> None:
    assert settings(port="", public_url="") == Settings()


@pytest.mark.parametrize("around", ["\n", "\r\n", " ", "\t", "\u00a0", "\u200b", "\ufeff\n"])
def test_white_space_at_the_ends_is_no_part_of_any_value(around: str) -> None:
    """A secret's file ends with a line's end."""
    given = {
        "database_url": "postgresql://u:secret@h/d",
        "port": "9000",
        "public_url": "https://chat.example",
        "development_key_file": "key.pem",
        "rate_limits": "off",
        "hide_foreign_sessions": "yes",
    }
    padded = {name: f"{around}{value}{around}" for name, value in given.items()}
    assert settings(**padded) == settings(**given)
    assert settings(port=around) == Settings()


CLUSTER = {
    "CHAT_SESSIONS_SERVICE_HOST": "10.96.0.1",
    "CHAT_SESSIONS_SERVICE_PORT": "80",
    "CHAT_SESSIONS_SERVICE_PORT_HTTP": "80",
    "CHAT_SESSIONS_PORT_80_TCP": "tcp://10.96.0.1:80",
    "CHAT_SESSIONS_PORT_80_TCP_PROTO": "tcp",
    "CHAT_SESSIONS_PORT_80_TCP_PORT": "80",
    "CHAT_SESSIONS_PORT_80_TCP_ADDR": "10.96.0.1",
    "CHAT_SESSIONS_POSTGRES_SERVICE_HOST": "10.96.0.2",
    "CHAT_SESSIONS_POSTGRES_PORT": "tcp://10.96.0.2:5432",
}
"""What Kubernetes tells a Pod of the Services `chat-sessions` and `chat-sessions-postgres`, but for
CHAT_SESSIONS_PORT, which is a setting too."""


def test_what_a_cluster_adds_is_left_alone() -> None:
    assert Settings.from_environment(CLUSTER) == Settings()
    assert Settings.unknown_variables(CLUSTER) == []


def test_a_port_that_a_cluster_has_set_is_told_as_such() -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(port="tcp://10.96.0.1:80")
    assert str(refusal.value) == (
        "CHAT_SESSIONS_PORT: is tcp://10.96.0.1:80, which Kubernetes sets for a Service of this "
        "name: set enableServiceLinks: false in the Pod's spec, or this variable itself"
    )


def test_what_looks_like_a_clusters_and_has_a_password_is_not_repeated() -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT_STORAGE_URL: must be memory://") as refusal:
        settings(rate_limit_storage_url="tcp://u:secret@redis:6379")
    assert "secret" not in str(refusal.value)


def test_proxies_that_are_none_are_told_with_what_is_meant() -> None:
    for given, told in {
        "nginx": "must be addresses or networks, such as 10.0.0.0/8, by commas",
        "10.0.0.1/8": "has 10.0.0.1/8, an address within a network: write it, or 10.0.0.0/8",
        "fd00::1/8": "has fd00::1/8, an address within a network: write it, or fd00::/8",
    }.items():
        with pytest.raises(SettingsError) as refusal:
            settings(trusted_proxies=given)
        assert str(refusal.value) == f"CHAT_SESSIONS_TRUSTED_PROXIES: {told}"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CHAT_SESSIONS_DATABSE_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("CAHT_SESSIONS_DATABASE_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("SESSIONS_DATABASE_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("DATABASE_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("OIDC_ISSUER", "CHAT_SESSIONS_OIDC_ISSUER"),
        (" CHAT_SESSIONS_DATABASE_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("CHAT_SESSIONS_DB_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("CHAT_SESSIONS_POOL_SIZE", "CHAT_SESSIONS_DATABASE_POOL_SIZE"),
        ("CHAT_SESSIONS_ODIC_ISSUER", "CHAT_SESSIONS_OIDC_ISSUER"),
        ("chat_sessions_port", "CHAT_SESSIONS_PORT"),
        ("Chat_Sessions_Prot", "CHAT_SESSIONS_PORT"),
        ("CHAT_SESSION_PORT", "CHAT_SESSIONS_PORT"),
        ("CHATSESSIONS_DATABASE_URL", "CHAT_SESSIONS_DATABASE_URL"),
        ("CHAT-SESSIONS-LOG-FORMAT", "CHAT_SESSIONS_LOG_FORMAT"),
        ("CHAT_SESSIONS_PORT\u200b", "CHAT_SESSIONS_PORT"),
        ("CHAT_SESSIONS_IMAGE", None),
    ],
)
def test_a_variable_that_sets_nothing_is_told_with_the_one_that_was_meant(
    name: str, meant: str | None
) -> None:
    shown = name if name.isascii() and name.strip() == name else repr(name)
    told = f"{shown} is no setting and has no effect"
    expected = f"{told}: did you mean {meant}?" if meant else told
    known = {"CHAT_SESSIONS_HOST": "127.0.0.1"}
    assert Settings.unknown_variables({**known, name: "secret"}) == [expected]
    assert Settings.unknown_variables({**known, name: " "}) == []


def test_other_programs_variables_are_their_own() -> None:
    others = {"PATH": "/bin", "CHATTY": "1", "CHAT_URL": "x", "PORT": "80", "SESSIONS_PORT": "80"}
    assert Settings.unknown_variables(others) == []
    hosters = {"DATABASE_URL": "postgresql://h/d", "CHAT_SESSIONS_DATABASE_URL": "postgresql://h/d"}
    assert Settings.unknown_variables(hosters) == []


WRONG: dict[str, tuple[str, ...]] = {
    "database_url": ("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a.db?mode=ro",
        "sqlite:///a\nb.db", "sqlite:///a\x1b[2Jb.db", "sqlite:///a\u2028b.db",
        "sqlite:///a\udcffb.db", '"sqlite:///a.db"', '""', 'sqlite:///a.db"',
        "\N{LEFT DOUBLE QUOTATION MARK}sqlite:///a.db", "'", "mysql://root@localhost/x",
        "postgresql://u:p/w@h/d", "postgresql://u:p@w@h/d", "postgresql://u:p:w@h/d",
        "postgresql://u:p#w@h/d", "postgresql://u:p?w@h/d", "postgresql://u:p[w@h/d",
        "postgresql://h:0/d", "postgresql://h:99999/d", "postgresql://h:abc/d",
        "postgresql://[::1/d", "postgresql://é/d"),
    "development_key_file": ("'key.pem'", "a\tb.pem"),
    "database_pool_size": ("0",),
    "database_statement_seconds": ("0",),
    "database_application_name": ("line\nbreak",),
    "host": ("192.0.2.1",),
    "port": ("-1", "65536", "tcp://10.0.0.1:80"),
    "public_url": ("chat.example", "ftp://chat.example", "https://chat.example/?a=b",
        "https://user:secret@chat.example", "https://例え.jp", "http://[bad/",
        "http://chat.example/\x01", "https://chat.example/a>b", "https:///path", "http://[::::]/",
        "http://[1.2.3]/", "http://chat.example:99999", "http://chat.example:0", "http://..",
        "http://chat.example/%zz", "https://chat.example\n/"),
    "allowed_hosts": (",",),
    "hide_foreign_sessions": ("perhaps",),
    "max_body_bytes": ("0", "4000000"),
    "message_body_max_bytes": ("0", "4194305"),
    "drain_seconds": ("-1", "nan"),
    "log_format": ("xml",),
    "trusted_proxies": ("proxy.example", "10.0.0.1/8", "10.0.0.0/33", "0.0.0.0/0", "::/0",
        "0.0.0.0/1,128.0.0.0/1", "::1, 8000::/1, 4000::/2, ::/2", "*", "10.0.0.1,",
        "10.0.0.1;10.0.0.2"),
    "cors_origins": ("*", "null", "https://*.example", "app.example", "https://app.example/",
        "https://App.example", "https://app.example:443", "http://app.example:80",
        "http://app.example:0", "http://app.example:99999", "https://app.example,",
        "https://u@app.example", "https://app.example?x", "https://app.example#",
        "https://app.exam ple", "https://é.example", "http://[::1"),
    "hsts_seconds": ("-1", "a year"),
    "rate_limits": ("yes",),
    "rate_limit_read": ("0/minute", "-1/minute", "10", "10/", "/minute", "10/fortnight",
        "10/0.5 second", "10/minute;20/hour", "10/minute, 20/hour", "2/2 day", "1/month",
        "٣/minute", "1000000001/minute", "1/99999999999999999 second", "10/minute\n1"),
    "rate_limit_write": ("x",),
    "rate_limit_create": ("x",),
    "rate_limit_peer": ("x",),
    "rate_limit_storage_url": ("redis://", "redis", "memory", "memory://x", "memcached://h:1",
        "redis://h:0", "redis://h:99999", "redis://h/x", "redis://h?socket_timeout=9",
        "redis://h/0?db=1", "redis://:p@w@h", "redis://p/w@h", "redis+cluster://h:1",
        "unix:///run/redis.sock", "redis://h\n:1", "redis://u@h"),
    "rate_limit_fails": ("maybe",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]]
)
def test_a_setting_that_cannot_be_is_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(**{name: value})
    line = str(refusal.value)
    assert line.startswith(f"CHAT_SESSIONS_{name.upper()}: ")
    assert line.isprintable()
    assert "pattern" not in line


PROVIDER = {"oidc_issuer": "https://login.example", "oidc_audience": "https://chat.example"}


def test_a_provider_and_what_goes_with_it() -> None:
    read = settings(
        **PROVIDER,
        oidc_algorithms="ES256, RS256",
        oidc_require_scopes="true",
        oidc_clock_skew_seconds="0",
    )
    assert (read.oidc_issuer, read.oidc_audience) == (
        PROVIDER["oidc_issuer"],
        (PROVIDER["oidc_audience"],),
    )
    assert read.oidc_algorithms == ("ES256", "RS256")
    assert read.oidc_require_scopes is True
    assert (read.oidc_clock_skew_seconds, read.identity) == (0, "provider")


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example/",
        "https://Login.example/tenant/v2.0",
        "http://localhost:8080/realms/chat",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://127.0.0.1",
    ],
)
def test_an_issuer_is_taken_to_the_letter(issuer: str) -> None:
    assert settings(oidc_issuer=issuer, oidc_audience="chat").oidc_issuer == issuer


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "chat.internal", "::1"])  # noqa: S104
def test_with_a_provider_it_listens_anywhere(host: str) -> None:
    read = settings(**PROVIDER, host=host)
    assert read.host == host
    assert read.serves_at("192.0.2.1")
    assert read.serves_at(None)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104
        ("::", "http://[::1]:8000"),
        ("0:0:0:0:0:0:0:0", "http://[::1]:8000"),
        ("192.0.2.1", "http://192.0.2.1:8000"),
        ("chat.internal", "http://chat.internal:8000"),
    ],
)
def test_clients_are_told_an_address_that_leads_somewhere(host: str, url: str) -> None:
    assert settings(**PROVIDER, host=host).base_url == url


WRONG_OF_A_PROVIDER: dict[str, tuple[str, ...]] = {
    "oidc_issuer": ("http://login.example", "http://127.0.0.1.login.example",
        "http://localhost.example", "https://login.example?tenant=1", "https://login.example#x",
        "https://user@login.example", "login.example"),
    "oidc_audience": ("a b", "ch\nat"),
    "oidc_algorithms": ("HS256", "none", "RS256,none", "rs256", ","),
    "oidc_clock_skew_seconds": ("61", "-1", "nan"),
    "oidc_lifetime_max_seconds": ("0", "inf"),
    "oidc_keys_max_age_seconds": ("0",),
    "oidc_refresh_interval_seconds": ("0",),
    "oidc_timeout_seconds": ("0",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"oidc_issuer": "https://login.example"}, "OIDC_AUDIENCE"),
        ({"oidc_audience": "chat"}, "OIDC_ISSUER"),
        ({"oidc_require_scopes": "true"}, "OIDC_ISSUER"),
        ({"oidc_require_scopes": "false"}, "OIDC_ISSUER"),
        ({"oidc_algorithms": "ES256"}, "OIDC_ISSUER"),
        ({"oidc_docs_client_id": "docs"}, "OIDC_ISSUER"),
        ({**PROVIDER, "oidc_docs_client_id": "the page"}, "OIDC_DOCS_CLIENT_ID"),
        ({**PROVIDER, "development_key_file": "key.pem"}, "DEVELOPMENT_KEY_FILE"),
        *(
            ({**PROVIDER, name: value}, name.upper())
            for name, values in WRONG_OF_A_PROVIDER.items()
            for value in values
        ),
        ({"host": "0.0.0.0"}, "HOST"),  # noqa: S104
    ],
)
def test_who_may_come_in_is_plain_or_it_does_not_start(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(**given)
    line = str(refusal.value)
    assert line.startswith(f"CHAT_SESSIONS_{named}: ")
    assert "\n" not in line


def test_an_address_that_others_reach_is_refused_with_the_settings_that_are_missing() -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(host="0.0.0.0")  # noqa: S104
    for name in ("HOST", "OIDC_ISSUER", "OIDC_AUDIENCE"):
        assert f"CHAT_SESSIONS_{name}" in str(refusal.value)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),  # noqa: S104 - what must not pass
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("localhost", False),
        ("/run/service.sock", False),
    ],
)
def test_only_loopback_is_loopback(address: str, loopback: bool) -> None:  # noqa: FBT001
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://",
        "postgres://h",
        "postgresql:///d?host=/tmp",
        "postgresql://u@[::1]:5432,h-2.example:5433/d?sslmode=require",
        "postgresql://u:p%40%2F%3A@h/d",
        "postgresql://u:p,w@h/d?application_name=a",
    ],
)
def test_a_url_of_postgresql_is_taken(url: str) -> None:
    assert settings(database_url=url).storage == "postgresql"


def test_what_opens_the_database_is_not_shown() -> None:
    given = settings(database_url="postgresql://u:p%40w@a,b/d?sslpassword=secret&Password=more&x=y")
    assert given.shown_database_url == "postgresql://u:***@a,b/d?sslpassword=***&Password=***&x=y"
    given = settings(database_url="postgresql://u@h/d?x=y&pass%77ord=one&ssl%50assword=two=2")
    assert given.shown_database_url == "postgresql://u@h/d?x=y&pass%77ord=***&ssl%50assword=***"


@pytest.mark.parametrize(
    ("text", "amount", "seconds"),
    [
        ("1/second", 1, 1),
        ("600/minute", 600, 60),
        ("10 per 5 minutes", 10, 300),
        ("1000000000/day", 1_000_000_000, 86_400),
        ("5/24 hours", 5, 86_400),
    ],
)
def test_a_rate_is_a_number_in_a_time(text: str, amount: int, seconds: int) -> None:
    policy = settings(rate_limit_peer=text).rate_limit_policies["peer"]
    assert (policy.amount, policy.get_expiry()) == (amount, seconds)


def test_without_a_setting_there_are_four_policies() -> None:
    policies = settings().rate_limit_policies
    assert {name: item.amount for name, item in policies.items()} == {
        "read": 600,
        "write": 300,
        "create": 60,
        "peer": 120,
    }
    assert {item.get_expiry() for item in policies.values()} == {60}
    assert settings(rate_limits="off").rate_limit_policies == {}


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "rediss://h:6380/3",
        "redis://:secret@[::1]:6379",
        "redis://u:p%40w@redis.internal:6379/0",
    ],
)
def test_a_url_of_redis_is_taken(url: str) -> None:
    assert settings(rate_limit_storage_url=url).rate_limit_storage == "redis"


def test_what_opens_redis_is_not_shown() -> None:
    for url in ("redis://u:secret@h:1/0", "redis://:secret@h"):
        shown = settings(rate_limit_storage_url=url).shown_rate_limit_storage_url
        assert shown == url.replace("secret", "***")


def test_proxies_are_addresses_and_networks() -> None:
    given = settings(trusted_proxies="10.0.0.0/8, 192.0.2.1,::1, fd00::/8").trusted_proxies
    assert [str(network) for network in given] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
        "::1/128",
        "fd00::/8",
    ]


def test_origins_are_as_browsers_send_them() -> None:
    given = "https://app.example,http://localhost:3000,http://[::1]:5173,capacitor://localhost"
    assert settings(cors_origins=given).cors_origins == set(given.split(","))
