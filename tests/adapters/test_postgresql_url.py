"""A PostgreSQL URL, and what libpq takes beside it, before anything is asked of a server."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.sql.postgresql import PostgresqlOptions, UrlRefused, resolve
from adapters.sql.postgresql.passwords import explain_missing_password, password_for
from adapters.sql.postgresql.target import Host, Target
from tests.certificates import Authority

NOTHING: Mapping[str, str] = {}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://h/d", ["h:5432"]),
        ("postgres://u:p@h:1?sslmode=disable", ["h:1"]),
        ("postgresql://u:p%40@a:1,b,[::1]:2/d", ["a:1", "b:5432", "[::1]:2"]),
        ("postgresql:///d?host=a,b&port=1,2", ["a:1", "b:2"]),
        ("postgresql:///d?host=a,b&port=7", ["a:7", "b:7"]),
        ("postgresql://ignored/d?host=/run/pg", ["/run/pg/.s.PGSQL.5432"]),
        ("postgresql://%2Frun%2Fpg:7/d", ["/run/pg/.s.PGSQL.7"]),
        ("postgresql:///d?host=/cloudsql/p:r:i", ["/cloudsql/p:r:i/.s.PGSQL.5432"]),
        ("postgresql:///d?hostaddr=192.0.2.1", ["192.0.2.1:5432"]),
    ],
)
def test_hosts_are_read_as_libpq_reads_them(url: str, hosts: list[str]) -> None:
    assert list(map(str, Target.parse(url, NOTHING).hosts)) == hosts


def test_a_host_may_come_with_its_address() -> None:
    target = Target.parse("postgresql://a,b/d?hostaddr=192.0.2.1,192.0.2.2", NOTHING)
    assert target.hosts == (Host("a", 5432, "192.0.2.1"), Host("b", 5432, "192.0.2.2"))


def test_what_the_url_leaves_open_comes_from_a_service_and_then_from_the_environment(
    home: Path,
) -> None:
    (home / ".pg_service.conf").write_text("[chat]\nhost=s\nuser=of service\ndbname=s\n")
    variables = {"PGHOST": "e", "PGPORT": "7", "PGUSER": "e", "PGSSLMODE": "require"}
    target = Target.parse("postgresql:///d?service=chat", variables)
    assert list(map(str, target.hosts)) == ["s:7"]
    assert (target.user, target.database) == ("of service", "d")
    assert target.parameters["sslmode"] == "require"


HOSTERS = {
    "Neon": "sslmode=require&channel_binding=require",
    "Neon for old clients": "sslmode=require&options=endpoint%3Dep-cool-1",
    "Supabase": "sslmode=require&supa=base-pooler.x&pgbouncer=true",
    "DigitalOcean": "sslmode=require&connect_timeout=10",
    "RDS by JDBC": "ssl=true",
    "a driver's": "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3",
    "psql's": "application_name=a&fallback_application_name=b&client_encoding=UTF8",
    "old": "sslcompression=0&gssencmode=disable&krbsrvname=postgres&tcp_user_timeout=9",
    "new": "load_balance_hosts=random&sslcertmode=allow&sslsni=1&max_protocol_version=3.2",
    "a standby's": "target_session_attrs=prefer-standby&options=-csearch_path%3Dchat",
    "empty": "sslrootcert=&connect_timeout=0&sslmode=",
}


@pytest.mark.parametrize("query", HOSTERS.values(), ids=HOSTERS)
def test_what_hosters_and_clients_write_is_taken(query: str) -> None:
    resolve(PostgresqlOptions(url=f"postgresql://u:p@h/d?{query}"))


def test_the_url_goes_before_settings() -> None:
    query = "connect_timeout=10&application_name=mine&pgbouncer=true"
    options = resolve(PostgresqlOptions(url=f"postgresql://u@h/d?{query}"))
    assert (options.connect_timeout, options.application_name) == (10, "mine")
    assert options.transaction_pooler
    options = resolve(PostgresqlOptions(url="postgresql://u@h/d?connect_timeout=0"))
    assert (options.connect_timeout, options.transaction_pooler) == (2, False)


REFUSED = [
    ("sslmod=require", "its parameter sslmod is not one of libpq's"),
    ("schema=chat", "its parameter schema .*search_path"),
    ("connection_limit=1", "its parameter connection_limit .*POOL_SIZE"),
    ("prepareThreshold=0", "its parameter prepareThreshold .*DATABASE_TRANSACTION_POOLER=true"),
    ("statement_cache_size=0", "its parameter statement_cache_size .*TRANSACTION_POOLER=true"),
    (
        "prepared_statement_cache_size=0",
        "its parameter prepared_st.* .*_POOLER=true",
    ),
    ("statement_timeout=9", "its parameter statement_timeout .*STATEMENT_SECONDS"),
    ("sslmode=no-verify", "its parameter sslmode may be disable, .* or verify-full"),
    ("require_auth=scram-sha-256", "its parameter require_auth asks for what"),
    ("requirepeer=postgres", "its parameter requirepeer asks for what"),
    ("gssencmode=require", "its parameter gssencmode may be disable or prefer"),
    ("sslcertmode=require", "its parameter sslcertmode may be"),
    ("channel_binding=require&sslmode=disable", "channel_binding=require does not go with"),
    ("sslrootcert=system&sslmode=require", "sslrootcert=system goes with sslmode=verify-full"),
    ("sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require"),
    ("sslmode=verify-full", "sslmode=verify-full needs the authorities to trust: sslrootcert="),
    ("sslmode=require&sslrootcert=none.pem", "sslrootcert: none.pem cannot be read: No such"),
    ("sslmode=require&sslcert=none.pem", "sslcert: none.pem cannot be read: No such"),
    ("connect_timeout=soon", "its parameter connect_timeout must be a whole number"),
    ("port=1,2", "its port must be one, or one for each host"),
    ("hostaddr=192.0.2.1,192.0.2.2", "its hostaddr must have an address for each host"),
    ("service=chat", "no service file has the service"),
    ("ssl=require", "its parameter ssl may be true, and nothing else"),
    ("ssl=verify-full", "its parameter ssl may be true, and nothing else"),
    ("application_name=a%00b", "it has a %00 in it"),
    ("%1b[31m=1", r"its parameter '\\x1b\[31m' is not one"),
]


@pytest.mark.parametrize(("query", "told"), REFUSED, ids=[query for query, _ in REFUSED])
def test_what_cannot_be_heeded_is_refused_by_name(query: str, told: str) -> None:
    """In one line that has no password in it."""
    with pytest.raises(UrlRefused, match=f"^{told}") as refused:
        resolve(PostgresqlOptions(url=f"postgresql://u:secret@h/d?{query}"))
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_what_the_environment_asks_for_is_refused_as_well() -> None:
    options = PostgresqlOptions(url="postgresql://u@h/d", environment={"PGREQUIREAUTH": "none"})
    with pytest.raises(UrlRefused, match=r"^of PG\* variables .* require_auth"):
        resolve(options)


def test_a_client_certificate_is_refused_for_what_is_wrong_with_it(home: Path) -> None:
    ours, another = Authority("ours").issue("chat"), Authority("another").issue("chat")
    for name, content in (("chat.crt", ours[0]), ("chat.key", ours[1]), ("other.key", another[1])):
        (home / name).write_bytes(content)
        (home / name).chmod(0o600)

    def told(certificate: str, key: str) -> str:
        query = f"sslmode=require&sslcert={home}/{certificate}&sslkey={home}/{key}"
        with pytest.raises(UrlRefused) as refused:
            resolve(PostgresqlOptions(url=f"postgresql://u@h/d?{query}"))
        return str(refused.value)

    assert "is not the key of sslcert" in told("chat.crt", "other.key")
    assert "cannot be used: no PEM" in told("chat.key", "chat.key")
    (home / "chat.key").chmod(0o644)
    assert "can be read by others: chmod 600" in told("chat.crt", "chat.key")


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("h:5432:d:u:secret", "secret"),
        ("*:*:*:*:secret", "secret"),
        ("# h:5432:d:u:no\nother:5432:d:u:no\nh:5432:d:u:first\nh:5432:d:u:second", "first"),
        (r"h:5432:d:u:a\:b\\c", r"a:b\c"),
        ("h:5432:d:other:secret", None),
        ("h:5432:d", None),
        ("", None),
    ],
)
def test_a_password_comes_from_the_first_line_that_fits(
    home: Path, line: str, password: str | None
) -> None:
    """As libpq reads the file, which nobody else may read."""
    file = home / "passwords"
    file.write_text(line)
    target = Target.parse("postgresql://u@h/d", {"PGPASSFILE": str(file)})
    file.chmod(0o644)
    assert password_for(target, target.hosts[0]) is None
    assert (
        explain_missing_password(target)
        == f"{file} is not heeded, since others can read it: chmod 600"
    )
    file.chmod(0o600)
    assert password_for(target, target.hosts[0]) == password
    assert (
        explain_missing_password(target) == f"the URL has no password, and no line of {file} fits"
    )


def test_a_file_of_passwords_that_is_none_is_told(home: Path) -> None:
    latin = home / "latin"
    latin.write_bytes(b"*:*:*:*:\xe9")
    latin.chmod(0o600)
    for file, told in (
        (home, f"{home} is no file"),
        (home / "none", f"there is no {home}/none"),
        (latin, f"{latin} cannot be read: it is not in UTF-8"),
    ):
        target = Target.parse(f"postgresql://u@h/d?passfile={file}", NOTHING)
        assert password_for(target, target.hosts[0]) is None
        assert explain_missing_password(target) == f"the URL has no password, and {told}"


def test_each_host_has_a_password_of_its_own(home: Path) -> None:
    """A Unix socket in its usual folder is localhost; the URL's own goes before all."""
    (home / ".pgpass").write_text("a:*:*:*:of a\nlocalhost:*:*:*:here\n")
    (home / ".pgpass").chmod(0o600)
    target = Target.parse("postgresql:///d?host=a,b,/var/run/postgresql&user=u", NOTHING)
    assert [password_for(target, host) for host in target.hosts] == ["of a", None, "here"]
    target = Target.parse("postgresql://u:own@a/d", NOTHING)
    assert password_for(target, target.hosts[0]) == "own"
