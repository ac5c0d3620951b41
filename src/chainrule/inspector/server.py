"""The page on loopback, for whoever has its token.

Other programs, users and sites can reach a port of this machine. So every request names this
host; every request for data carries a token that only the address holds, in its fragment, which no
browser sends; pages of other origins are refused; what is asked for is one of a few fixed words
and never a path of a file. The page itself holds no data. Slow and broken clients lose their
connection.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_urlsafe
from threading import Lock, Thread
from time import monotonic
from types import MappingProxyType
from typing import Any, ClassVar

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ChainruleError
from chainrule.core.html import escaped
from chainrule.inspector import page
from chainrule.inspector.session import Session

TOKEN_BYTES = 32
TOKEN_HEADER = "X-Chainrule-Token"
HOSTS = ("127.0.0.1", "localhost", "[::1]")

MOST_CONNECTIONS = 16
MOST_HEAD_BYTES = 32_768
MOST_BODY_BYTES = 16_000_000
REQUEST_SECONDS = 10.0
"""How long a request may take to arrive."""
IDLE_SECONDS = 600.0
"""How long a page's connection is kept for the next request, longer than browsers keep it: one
that is closed just when they use it again would be a request that fails."""
STRANGER_SECONDS = 30.0
"""How long a connection may wait with its first request, or go without the token."""
SEND_SECONDS = 30.0

PAGE_POLICY = "; connect-src 'self'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RefusedError(Exception):
    """A request that is not answered, with its status and a sentence."""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class _Timed(io.RawIOBase):
    """What arrives on a connection, until a deadline and up to a number of bytes.

    The time of a socket is that of each piece: one byte now and then would keep it open for ever.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.deadline = self.left = 0.0

    def allow(self, seconds: float, size: float) -> None:
        """From now on so many seconds, and so many bytes."""
        self.deadline, self.left = monotonic() + seconds, size

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is.

        Raises:
            TimeoutError: the deadline has passed, or there is too much.
        """
        seconds = self.deadline - monotonic()
        if seconds <= 0 or self.left <= 0:
            raise TimeoutError
        self._connection.settimeout(seconds)
        count = self._connection.recv_into(buffer)
        self.left -= count
        return count


class _Server(ThreadingHTTPServer):
    """A server of one session, with few connections at a time.

    Whoever has no token cannot keep out who has it: the oldest connection without one gives way.
    """

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # elsewhere it lets another program take the port
    request_queue_size = 128

    def __init__(
        self, family: socket.AddressFamily, port: int, session: Session, token: str
    ) -> None:
        self.address_family = family
        self.session, self.token = session, token
        self._open: dict[socket.socket, bool] = {}
        self._lock = Lock()
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind to the address, without asking any other machine what it is called."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, self.allow_reuse_address)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def know(self, connection: socket.socket) -> None:
        """Remember that whoever is at a connection has the token."""
        with self._lock:
            if connection in self._open:
                self._open[connection] = True

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection in a thread of its own, if there is room or room can be made."""
        with self._lock:
            if len(self._open) >= MOST_CONNECTIONS:
                stranger = next((one for one, known in self._open.items() if not known), None)
                if stranger is None:
                    super().shutdown_request(request)
                    return
                del self._open[stranger]
                with suppress(OSError):
                    stranger.shutdown(socket.SHUT_RDWR)  # its own thread closes it
            self._open[request] = False
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop to listen, and end the connections that there are."""
        super().server_close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is nothing to report; a failure of this program is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of a connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # of what is none, so that a refusal has a status
    disable_nagle_algorithm = True
    _is_known = False
    methods: ClassVar[tuple[str, ...]] = ("GET", "POST")

    def setup(self) -> None:
        """Read through a deadline."""
        super().setup()
        self._timed = _Timed(self.connection)
        self.rfile = self._read = io.BufferedReader(self._timed)

    def handle_one_request(self) -> None:
        """Read a request and answer it; a connection ends with the first one that is refused."""
        self.close_connection = True
        try:
            self._timed.allow(
                IDLE_SECONDS if self._is_known else STRANGER_SECONDS, MOST_HEAD_BYTES
            )
            if not self._read.peek(1):
                return
            self._timed.allow(REQUEST_SECONDS, MOST_HEAD_BYTES)
            self.raw_requestline = self.rfile.readline(MOST_HEAD_BYTES)
            if not self.raw_requestline or not self.parse_request():
                return
            self._answer()
        except RefusedError as refused:
            self._refuse(refused.status, refused.sentence)
        except OSError:
            self.close_connection = True  # gone, too slow, or too much

    def _answer(self) -> None:
        """Answer what was read.

        Raises:
            RefusedError: it is not to be answered.
        """
        keeps = not self.close_connection
        self.close_connection = True
        self._require_ours()
        if self.command == "GET" and self.path == "/":
            self._require_no_body()
            self._send_page(keeps)
            return
        self._require_token()
        self._is_known = True
        self.server.know(self.connection)
        session = self.server.session
        stream, answer = session.streams.get(self.path), session.answers.get(self.path)
        if stream is None and answer is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")
        if self.command != ("POST" if stream is None else "GET"):
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "this is not asked for like that")
        if stream is not None:
            self._require_no_body()
            self._stream(stream())
        elif answer is not None:
            self._reply(answer, self._body(), keeps)

    def _reply(self, answer: Callable[[bytes], bytes], body: bytes, keeps: bool) -> None:
        """Send an answer to a body, or the sentence that says why there is none."""
        try:
            found = answer(body)
        except (ChainruleError, MemoryError) as error:
            told = json.dumps({"error": str(error) or "there is not enough memory"}).encode()
            self._send(HTTPStatus.UNPROCESSABLE_ENTITY, told, "application/json", keeps)
            return
        except Exception as error:  # such as of a layer of one's own: the page says it as well
            sentence = f"the pass failed, {type(error).__name__}: {error}"
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)
            raise
        self._send(HTTPStatus.OK, found, "application/octet-stream", keeps)

    def _require_ours(self) -> None:
        """Refuse another method, another host's name, and a page of another origin."""
        if self.command not in self.methods:
            raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and POST are answered")
        hosts = [f"{host}:{self.server.server_port}" for host in HOSTS]
        if self._only("Host") not in hosts:
            raise RefusedError(HTTPStatus.FORBIDDEN, "this is not the name of this server")
        origin = self._only("Origin")
        if origin is None and self.command == "POST":
            raise RefusedError(HTTPStatus.FORBIDDEN, "a request comes from the page alone")
        if origin is not None and origin != f"http://{self._only('Host')}":
            raise RefusedError(HTTPStatus.FORBIDDEN, "a request comes from the page alone")

    def _only(self, name: str) -> str | None:
        """The value of a header that is there at most once.

        Raises:
            RefusedError: it is there twice.
        """
        values = self.headers.get_all(name, [])
        if len(values) > 1:
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"{name} is there more than once")
        return str(values[0]) if values else None

    def _require_token(self) -> None:
        given = self._only(TOKEN_HEADER) or ""
        if not compare_digest(given.encode("utf-8", "replace"), self.server.token.encode()):
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "the token of the address is missing")
        if self._only("Sec-Fetch-Site") not in (None, "same-origin"):
            raise RefusedError(HTTPStatus.FORBIDDEN, "a request comes from the page alone")

    def _require_no_body(self) -> None:
        if "Content-Length" in self.headers or "Transfer-Encoding" in self.headers:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "a page is asked for without a body")

    def _body(self) -> bytes:
        """The body of a request: JSON of a length that is told and not too large.

        Raises:
            RefusedError: it is anything else.
        """
        if self._only("Content-Type") != "application/json":
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a body is application/json")
        length = self._only("Content-Length") or ""
        if "Transfer-Encoding" in self.headers or not re.fullmatch("[0-9]{1,12}", length):
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "a body has a Content-Length")
        size = int(length)
        if size > MOST_BODY_BYTES:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        self._timed.allow(REQUEST_SECONDS, size)
        body = self.rfile.read(size) if size else b""
        if len(body) < size:
            raise ConnectionError
        return body

    def _send_page(self, keeps: bool) -> None:
        """Send the page, which is the same for everybody and so can be packed beforehand."""
        body, packed = page.served_packed(), {"Content-Encoding": "gzip"}
        if "gzip" not in (self._only("Accept-Encoding") or ""):
            body, packed = page.served().encode(), {}
        self._send(HTTPStatus.OK, body, "text/html; charset=utf-8", keeps, packed)

    def _stream(self, parts: Iterator[bytes]) -> None:
        """Send parts as they come, until there is none or the page has gone."""
        more = {"Content-Type": "text/event-stream", "Connection": "close"}
        self._write(HTTPStatus.OK, more)
        for part in parts:
            self.connection.settimeout(SEND_SECONDS)
            self.wfile.write(part)

    def _send(
        self,
        status: HTTPStatus,
        body: bytes,
        kind: str,
        keeps: bool = False,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        told = {"Content-Type": kind, "Content-Length": str(len(body)), **more}
        self._write(status, told if keeps else {**told, "Connection": "close"}, body)
        self.close_connection = not keeps

    def _write(self, status: HTTPStatus, more: Mapping[str, str], body: bytes = b"") -> None:
        """Send a head and a body at once."""
        self.connection.settimeout(SEND_SECONDS)  # that of the whole of what is sent
        headers = {**HEADERS, "Content-Security-Policy": page.policy(PAGE_POLICY), **more}
        lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        with suppress(OSError):
            self._send(status, json.dumps({"error": sentence}).encode(), "application/json")

    def send_error(
        self, code: int, message: str | None = None, explain: str | None = None
    ) -> None:
        """Say what could not be read, and nothing of what it was."""
        self._refuse(HTTPStatus(code), "this is no request that is answered here")

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: their times and sizes tell what is looked at."""


class Served:
    """A page that is served until `close`.

    Attributes:
        address: that opens it; it holds the token.
        session: what is answered.
    """

    def __init__(self, session: Session, port: int = 0) -> None:
        """Start to answer, in threads of their own.

        Args:
            session: what is answered.
            port: on which; 0 for any that is free.

        Raises:
            ChainruleError: the port is taken, or there is no such port.
        """
        page.served_packed()  # made before it is asked for
        self.session = session
        token = token_urlsafe(TOKEN_BYTES)
        self._servers = [*_bound(port, session, token)]
        self.port = self._servers[0].server_port
        self.address = f"http://127.0.0.1:{self.port}/#token={token}"
        self._files: list[Path] = []
        for server in self._servers:
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def show(self) -> bool:
        """Show the page in the browser; False where there is none with a window.

        The browser is given a file that only this user can read and that leads to the address:
        what a program is started with can be read by every user of the machine.
        """
        windows = ("DISPLAY", "WAYLAND_DISPLAY")
        if sys.platform.startswith(("linux", "freebsd")) and not any(map(os.environ.get, windows)):
            return False
        handle, name = tempfile.mkstemp(".html", "chainrule-")
        with open(handle, "w", encoding="utf-8") as file:
            to = escaped(self.address)
            file.write(
                '<!doctype html><meta charset="utf-8"><title>chainrule</title>'
                f'<meta http-equiv="refresh" content="0; url={to}"><a href="{to}">the page</a>'
            )
        self._files.append(Path(name))
        with suppress(webbrowser.Error, OSError):
            return webbrowser.open(Path(name).as_uri())
        return False

    def close(self) -> None:
        """Stop answering."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
            server.session.close()
        for file in self._files:
            file.unlink(missing_ok=True)
        self._servers, self._files = [], []

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Served({self.address})"


def require_port(port: int, session: Session) -> None:
    """Refuse a port that cannot be had before something is begun that would have to be ended.

    Raises:
        ChainruleError: it cannot.
    """
    for server in _bound(port, session, ""):
        server.server_close()


def _bound(port: int, session: Session, token: str) -> Iterator[_Server]:
    """A server of 127.0.0.1 and, where there is one, of ::1, both of the same port.

    Raises:
        ChainruleError: the port cannot be had.
    """
    if not is_whole(port, 0) or port > 65_535:
        raise ChainruleError(f"a port is a number from 1 to 65535, or 0 for any, found {port!r}")
    try:
        first = _Server(socket.AF_INET, port, session, token)
    except OSError as error:
        raise ChainruleError(
            f"port {port} cannot be served on: {error.strerror}; leave out --port for any"
        ) from None
    yield first
    with suppress(OSError):  # nobody else then answers for "localhost"
        yield _Server(socket.AF_INET6, first.server_port, session, token)
