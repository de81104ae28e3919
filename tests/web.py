"""A web server on loopback that answers to the letter as a test has it, or never."""

import asyncio
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


class Web:
    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answer] = {}
        """By path: bytes as they stand, or what writes them."""
        self.asked: Counter[str] = Counter()
        self.heads: list[bytes] = []

    def describe(self, *keys: ECKey | OKPKey | RSAKey, path: str = "", issuer: str = "") -> str:
        """Be an identity provider with these keys, and give its issuer."""
        issuer = issuer or self.url + path
        described = {"issuer": issuer, "jwks_uri": f"{self.url}/jwks"}
        self.answers[f"{path.rstrip('/')}/.well-known/openid-configuration"] = ok(described)
        self.show(*[key.as_dict(private=False, kid=key.thumbprint()) for key in keys])
        return issuer

    def show(self, *jwks: Any) -> None:
        self.answers["/jwks"] = ok({"keys": jwks})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            self.asked[path] += 1
            self.heads.append(head)
            answer = self.answers.get(path, answered(404))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        writer.close()


def ok(value: Any) -> bytes:
    return answered(200, json.dumps(value).encode())


def answered(status: int, body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def web(context: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """On a free port, until the block ends; a connection that is open then is cut."""
    site = Web()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        serving.add(task)
        try:
            await site.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            serving.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    scheme = "https" if context else "http"
    site.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield site
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
