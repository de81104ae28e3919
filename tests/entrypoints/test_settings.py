"""What an operator can set, and how a mistake is told."""

from pathlib import Path

import pytest

from entrypoints.settings import Settings, SettingsError, is_loopback


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
        max_body_bytes="1000",
        drain_seconds="0.5",
        log_format="json",
    )
    assert read.sqlite_path == Path("/var/lib/chat.db")
    assert read.key_file == Path("/var/lib/chat-sessions-development-key.pem")
    assert read.base_url == "https://Chat.example:8443/api"
    assert read.hosts == {"localhost", "127.0.0.1", "[::1]", "Chat.example:8443"}
    assert read.hide_foreign_sessions is True
    assert (read.max_body_bytes, read.drain_seconds, read.log_format) == (1000, 0.5, "json")


def test_an_ipv6_address_is_bracketed_in_a_url() -> None:
    assert settings(host="::1").base_url == "http://[::1]:8000"


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


def test_what_a_cluster_adds_is_left_alone() -> None:
    assert settings(service_host="10.0.0.1", port_80_tcp="tcp://10.0.0.1:80") == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "sqlite://"),
        ("database_url", "sqlite:///"),
        ("database_url", "sqlite:///:memory:"),
        ("database_url", "sqlite:///a.db?mode=ro"),
        ("database_url", "mysql://root@localhost/x"),
        ("database_url", "postgresql://u:p/w@h/d"),
        ("database_url", "postgresql://u:p@w@h/d"),
        ("database_url", "postgresql://u:p:w@h/d"),
        ("database_url", "postgresql://u:p#w@h/d"),
        ("database_url", "postgresql://u:p?w@h/d"),
        ("database_url", "postgresql://u:p[w@h/d"),
        ("database_url", "postgresql://h:0/d"),
        ("database_url", "postgresql://h:99999/d"),
        ("database_url", "postgresql://h:abc/d"),
        ("database_url", "postgresql://[::1/d"),
        ("database_url", "postgresql://é/d"),
        ("database_pool_size", "0"),
        ("database_statement_seconds", "0"),
        ("database_application_name", "line\nbreak"),
        ("host", "192.0.2.1"),
        ("port", "-1"),
        ("port", "65536"),
        ("port", "tcp://10.0.0.1:80"),
        ("public_url", "chat.example"),
        ("public_url", "ftp://chat.example"),
        ("public_url", "https://chat.example/?a=b"),
        ("public_url", "https://user:secret@chat.example"),
        ("public_url", "https://例え.jp"),
        ("public_url", "http://[bad/"),
        ("public_url", "http://chat.example/\x01"),
        ("public_url", "https://chat.example/a>b"),
        ("public_url", "https:///path"),
        ("public_url", "http://[::::]/"),
        ("public_url", "http://[1.2.3]/"),
        ("public_url", "http://chat.example:99999"),
        ("public_url", "http://chat.example:0"),
        ("public_url", "http://.."),
        ("public_url", "http://chat.example/%zz"),
        ("public_url", "https://chat.example\n"),
        ("allowed_hosts", ","),
        ("hide_foreign_sessions", "perhaps"),
        ("max_body_bytes", "0"),
        ("drain_seconds", "-1"),
        ("drain_seconds", "nan"),
        ("log_format", "xml"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(**{name: value})
    line = str(refusal.value)
    assert line.startswith(f"CHAT_SESSIONS_{name.upper()}: ")
    assert "\n" not in line


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
