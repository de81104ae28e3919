"""A real Redis server to strike at."""

from redis import Redis

from tests.ports import free_port
from tests.programs import Program, new_folder

QUICK = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--daemonize", "no")


class RedisServer(Program):
    """On a free port of loopback, with nothing on disk. With a certificate and its key, in PEM, it
    speaks TLS alone."""

    def __init__(self, *options: str, certificate: bytes | None = None) -> None:
        folder, port = new_folder("redis"), free_port()
        given = [*options, *QUICK, "--port", str(port)]
        if certificate:
            file = folder / "certificate.pem"
            file.write_bytes(certificate)
            given = [*options, *QUICK, "--port", "0", "--tls-port", str(port)]
            for what in ("cert-file", "key-file", "ca-cert-file"):
                given += [f"--tls-{what}", str(file)]
            given += ["--tls-auth-clients", "no"]
        self._scheme = "rediss" if certificate else "redis"
        super().__init__(folder, ["redis-server", *given], port=port)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        return Redis(port=self.port, decode_responses=True)
