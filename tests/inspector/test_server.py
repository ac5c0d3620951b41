"""What other pages, sites, users and programs of the machine can try, and what they get."""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from chainrule import Dense, Network
from chainrule.core.errors import ChainruleError
from chainrule.inspector import server as serving
from chainrule.inspector.server import Served
from chainrule.inspector.session import Session

FIRST = json.dumps({"edits": [], "bugs": [], "frame": None, "only": None}).encode()
LEAVE_OUT = "(left out)"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    network = Network([Dense(2, "tanh", name="own_layer"), Dense(1)], input=2, loss="mse", seed=1)
    with network.inspect([[1.0, 2.0]], [[0.5]]).open(browser=False) as served:
        yield served


def token(served: Served) -> str:
    return served.address.partition("#token=")[2]


def exchange(served: Served, sent: bytes, *, seconds: float = 5.0) -> tuple[int, str, bytes]:
    """The status, the head and the body of the first answer to some bytes; 0 if there is none."""
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=seconds)) as there:
        with suppress(OSError):  # it may answer and hang up before it has read all
            there.sendall(sent)
        got = b""
        with suppress(OSError):
            while part := there.recv(65536):
                got += part
                head, _, body = got.partition(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", head)
                if length and len(body) >= int(length[1]):
                    break
    head, _, body = got.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, head.decode("latin-1"), body


def request(
    served: Served,
    body: bytes = FIRST,
    *,
    line: str = "POST /pass HTTP/1.1",
    more: str = "",
    **headers: object,
) -> bytes:
    """A request as the page sends it, with some of its headers changed or left out."""
    usual: dict[str, object] = {
        "Host": f"127.0.0.1:{served.port}",
        "Origin": f"http://127.0.0.1:{served.port}",
        "Content-Type": "application/json",
        "X-Chainrule-Token": token(served),
        "Content-Length": len(body),
    }
    usual.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"{name}: {value}" for name, value in usual.items() if value != LEAVE_OUT]
    return "\r\n".join([line, *more.splitlines(), *lines, "", ""]).encode("latin-1") + body


def test_the_page_gets_its_numbers(served):
    status, head, body = exchange(served, request(served))
    assert status == 200
    assert "application/octet-stream" in head
    assert b"own_layer.W" in body


@pytest.mark.parametrize(
    ("attempt", "status"),
    [
        ({"X_Chainrule_Token": LEAVE_OUT}, 401),
        ({"X_Chainrule_Token": "guessed"}, 401),
        ({"X_Chainrule_Token": "\xe9" * 43}, 401),
        ({"X_Chainrule_Token": LEAVE_OUT, "Cookie": "token=x", "Authorization": "Bearer x"}, 401),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "0.0.0.0:{port}"}, 403),
        ({"Host": LEAVE_OUT}, 403),
        ({"more": "Host: evil.example\r\n"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost:{port}"}, 403),
        ({"Origin": "http://127.0.0.1:{port}.evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Origin": LEAVE_OUT}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Type": "application/json; charset=utf-16"}, 415),
        ({"Content_Type": "application/x-python-pickle"}, 415),
        ({"Content_Type": LEAVE_OUT}, 415),
        ({"Content_Length": -1}, 411),
        ({"Content_Length": "1e3"}, 411),
        ({"Content_Length": "+5"}, 411),
        ({"Content_Length": LEAVE_OUT}, 411),
        ({"Content_Length": 10**11}, 413),
        ({"Content_Length": 10**30}, 411),
        ({"more": "Content-Length: 5\r\n"}, 400),
        ({"Transfer_Encoding": "chunked"}, 411),
        ({"Transfer_Encoding": "chunked", "body": b"zz\r\njunk\r\n0\r\n\r\n"}, 411),
        ({"line": "GET /pass HTTP/1.1"}, 405),
        ({"line": "PUT /pass HTTP/1.1"}, 405),
        ({"line": "DELETE / HTTP/1.1"}, 405),
        ({"line": "OPTIONS * HTTP/1.1"}, 405),
        ({"line": "TRACE / HTTP/1.1"}, 405),
        ({"line": "CONNECT evil.example:443 HTTP/1.1"}, 405),
        ({"line": "GET / HTTP/1.1"}, 400),
        ({"line": "POST / HTTP/1.1"}, 404),
        ({"line": "GET /pass HTTP/1.1", "X_HTTP_Method_Override": "POST"}, 405),
        ({"line": "POST /pass?token=x HTTP/1.1"}, 404),
        ({"line": "POST /../pass HTTP/1.1"}, 404),
        ({"line": "POST /%70ass HTTP/1.1"}, 404),
        ({"line": "POST //evil.example/pass HTTP/1.1"}, 404),
        ({"line": "POST http://evil.example/pass HTTP/1.1"}, 404),
        ({"line": "POST /etc/passwd HTTP/1.1"}, 404),
        ({"line": "POST /..%2f..%2fetc%2fpasswd HTTP/1.1"}, 404),
        ({"line": "POST /pass\\..\\x HTTP/1.1"}, 404),
        ({"line": "POST /pass HTTP/9.9"}, 505),
        ({"line": "POST /pass"}, 400),
        ({"line": "\x16\x03\x01\x02\x00\x01"}, 400),
        ({"body": b"{"}, 422),
        ({"body": b"[" * 1_000_000}, 422),
        ({"body": FIRST.replace(b"null", b"NaN")}, 422),
        ({"body": b"\x80\x04\x95.", "Content_Type": "application/json"}, 422),
    ],
    ids=repr,
)
def test_an_attempt_is_refused_and_told_nothing(served, attempt, status):
    filled = {
        name: value.replace("{port}", str(served.port)) if isinstance(value, str) else value
        for name, value in attempt.items()
    }
    found, head, body = exchange(served, request(served, **filled))
    assert found == status
    assert b"own_layer" not in body
    assert token(served) not in head + body.decode("latin-1")
    assert "evil" not in head + body.decode("latin-1")
    assert "Access-Control" not in head


def test_after_all_these_attempts_the_page_is_answered_as_before(served):
    assert exchange(served, request(served))[0] == 200


@pytest.mark.parametrize(
    "line",
    [
        "GET /?token={token} HTTP/1.1",
        "GET /index.html HTTP/1.1",
        "GET /../../etc/passwd HTTP/1.1",
        "GET /pass HTTP/1.1",
        "GET /live HTTP/1.1",
        "POST /stop HTTP/1.1",
        "POST /check HTTP/1.1",
        "HEAD / HTTP/1.1",
    ],
)
def test_without_the_header_of_the_token_there_is_the_page_alone(served, line):
    line = line.format(token=token(served))
    sent = request(
        served,
        b"",
        line=line,
        X_Chainrule_Token=LEAVE_OUT,
        Content_Length=LEAVE_OUT,
        Content_Type=LEAVE_OUT,
        Origin=LEAVE_OUT,
    )
    assert exchange(served, sent)[0] in (401, 403, 405)


def test_the_page_itself_holds_no_data_and_may_not_be_framed(served):
    sent = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
    status, head, body = exchange(served, sent)
    assert status == 200
    assert b"own_layer" not in body
    assert token(served).encode() not in body
    for header in (
        "frame-ancestors 'none'",
        "X-Frame-Options: DENY",
        "default-src 'none'",
        "connect-src 'self'",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Referrer-Policy: no-referrer",
        "Cross-Origin-Opener-Policy: same-origin",
        "Cross-Origin-Resource-Policy: same-origin",
        "Cross-Origin-Embedder-Policy: require-corp",
    ):
        assert header in head
    assert "Set-Cookie" not in head
    assert "Server:" not in head


def test_the_page_is_packed_for_who_takes_it_so(served):
    sent = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    _, plain, page = exchange(served, f"{sent}\r\n".encode())
    _, head, packed = exchange(served, f"{sent}Accept-Encoding: gzip, br\r\n\r\n".encode())
    assert "Content-Encoding: gzip" in head
    assert "Content-Encoding" not in plain
    assert gzip.decompress(packed) == page


def test_a_name_that_is_bound_to_this_machine_is_refused_the_page_too(served):
    for name in ("rebound.example", f"rebound.example:{served.port}", "127.0.0.1.nip.example"):
        sent = f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
        assert exchange(served, sent)[0] == 403


def test_a_header_cannot_be_put_into_the_answer(served):
    sent = request(served, line="POST /pass%0d%0aSet-Cookie:x=1 HTTP/1.1")
    assert "Set-Cookie" not in exchange(served, sent)[1]
    sent = request(served, Host=f"127.0.0.1:{served.port}\rSet-Cookie: x=1")
    assert "Set-Cookie" not in exchange(served, sent)[1]


def test_what_follows_a_refused_request_is_not_answered(served):
    sent = request(served, b"0\r\n\r\n", Transfer_Encoding="chunked", Content_Length=LEAVE_OUT)
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as there:
        there.sendall(sent + request(served))
        got = b""
        with suppress(OSError):
            while part := there.recv(65536):
                got += part
    assert got.count(b"HTTP/1.1") == 1


def test_a_connection_answers_one_request_after_another(served):
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as there:
        there.sendall(request(served) * 3 + request(served, b"{") + request(served))
        got = b""
        while got.count(b"HTTP/1.1 200") < 4:
            got += there.recv(65536)
    assert got.count(b"HTTP/1.1 422") == 1


def test_the_address_of_the_other_protocol_is_as_closed(served):
    try:
        there = socket.create_connection(("::1", served.port), timeout=5)
    except OSError:
        pytest.skip("this machine has no ::1")
    name = f"[::1]:{served.port}"
    with closing(there):
        there.sendall(request(served, Host=name, Origin=f"http://{name}"))
        assert there.recv(65536).startswith(b"HTTP/1.1 200")
        there.sendall(request(served, Host=name))  # of a page of the other address
        got = b""
        while b"HTTP/1.1 403" not in got:
            part = there.recv(65536)
            assert part
            got += part


@pytest.mark.exhaustive
def test_requests_with_accidents_are_answered_or_refused(served):
    rng, good = random.Random(1), request(served)
    statuses = set()
    for _ in range(400):
        sent = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(sent))
            how = rng.randrange(4)
            if how == 0:
                sent[at] = rng.randrange(256)
            elif how == 1:
                del sent[at : at + rng.randint(1, 30)]
            elif how == 2:
                sent[at:at] = rng.choice(
                    [b"\r\n", b"\0", b"\n\n", b": ", b"[" * 3000, b"%00", b"-"]
                )
            else:
                sent[at:at] = sent[at : at + rng.randint(1, 200)]
        with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as there:
            with suppress(OSError):
                there.sendall(bytes(sent))
                there.shutdown(socket.SHUT_WR)
            got = b""
            with suppress(OSError):
                while part := there.recv(65536):
                    got += part
        assert token(served).encode() not in got
        assert b"Traceback" not in got
        statuses.add(int(got.split()[1]) if got else 0)
    assert statuses <= {0, 200, 400, 401, 403, 404, 405, 411, 413, 415, 422, 431, 505}
    assert {200, 400, 401, 403, 422} <= statuses
    assert exchange(served, good)[0] == 200


def test_the_ports_of_other_addresses_are_closed(served):
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), served.port)}
    for address in ("127.0.0.2", *(one for one in others if one not in ("127.0.0.1", "::1"))):
        with pytest.raises(OSError, match=r"refused|unreachable|assign|timed out|No route"):
            socket.create_connection((address, served.port), timeout=2)


def test_the_token_is_long_and_new_each_time(served):
    network = Network([Dense(1)], input=1, loss="mse")
    with network.inspect([[1.0]], [[0.5]]).open(browser=False) as other:
        kept = socket.create_connection(("127.0.0.1", other.port), timeout=5)
        assert token(other) != token(served)
        assert exchange(other, request(other, X_Chainrule_Token=token(served)))[0] == 401
    with closing(kept):
        assert kept.recv(1) == b""  # nothing is answered any more
    assert len(token(served)) >= 43  # 256 bits in base64
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", other.port), timeout=2)


def test_slow_clients_do_not_keep_the_page_waiting(served, monkeypatch):
    held = []
    try:
        for k in range(60):
            there = socket.create_connection(("127.0.0.1", served.port), timeout=5)
            there.sendall(b"POST /pass HTTP/1.1\r\nHost:"[: k % 27])
            held.append(there)
        began = time.monotonic()
        assert exchange(served, request(served))[0] == 200
        assert time.monotonic() - began < 2
        assert threading.active_count() < serving.MOST_CONNECTIONS + 20
    finally:
        for there in held:
            there.close()


@pytest.mark.exhaustive
def test_a_client_that_sends_a_byte_now_and_then_is_cut_off(served, monkeypatch):
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.3)
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as there:
        began = time.monotonic()
        with suppress(OSError):
            for letter in request(served):
                there.sendall(bytes([letter]))
                time.sleep(0.02)
                if time.monotonic() - began > 3:
                    break
        assert time.monotonic() - began < 2


@pytest.mark.exhaustive
def test_a_body_that_does_not_come_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(serving, "REQUEST_SECONDS", 0.2)
    began = time.monotonic()
    assert exchange(served, request(served, b"{", Content_Length=1000))[0] == 0
    assert time.monotonic() - began < 2


def test_half_a_body_is_not_answered(served):
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as there:
        there.sendall(request(served, FIRST + b" " * 9)[:-9])
        there.shutdown(socket.SHUT_WR)
        assert there.recv(65536) == b""


def test_an_endless_head_is_cut_off(served):
    sent = "GET / HTTP/1.1\r\n" + f"X-Junk: {'a' * 60_000}\r\n" * 90 + "Host: x\r\n\r\n"
    assert exchange(served, sent.encode())[0] == 0
    sent = b"GET / HTTP/1.1\r\n" + b"X-Junk: " + b"a" * 200_000
    assert exchange(served, sent)[0] in (0, 400, 431)
    sent = b"GET / HTTP/1.1\r\n" + b"X-Junk: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 5_000
    assert exchange(served, sent)[0] in (0, 400, 431)


def test_who_has_the_token_is_not_put_out_by_who_has_not(served):
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as page:
        page.sendall(request(served))
        assert page.recv(65536).startswith(b"HTTP/1.1 200")
        held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(40)]
        time.sleep(0.1)
        page.sendall(request(served))
        got = b""
        while b"HTTP/1.1 200" not in got:
            part = page.recv(65536)
            assert part, "the connection of the page was closed"
            got += part
        for there in held:
            there.close()


@pytest.mark.exhaustive
def test_many_at_once_are_answered_each(served):
    found: list[int] = []

    def ask(value: int) -> None:
        edit = {"kind": "input", "at": [0, 0], "value": value}
        body = json.dumps({**json.loads(FIRST), "edits": [edit]}).encode()
        found.append(exchange(served, request(served, body))[0])

    asking = [threading.Thread(target=ask, args=(k,)) for k in range(12)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert found == [200] * 12


class Streaming(Session):
    """A session with a stream of two events."""

    def __init__(self, base) -> None:
        super().__init__(base)
        self.streams = {"/live": lambda: iter([b"data: 1\n\n", b"data: 2\n\n"])}


@pytest.mark.exhaustive
def test_a_stream_is_for_who_has_the_token():
    base = Network([Dense(1)], input=1, loss="mse").inspect([[1.0]], [[0.5]])
    with Served(Streaming(base)) as served:
        bare = {"Content_Length": LEAVE_OUT, "Content_Type": LEAVE_OUT, "body": b""}
        asked = {"line": "GET /live HTTP/1.1", **bare}
        status, head, body = exchange(served, request(served, **asked))
        assert (status, body) == (200, b"data: 1\n\ndata: 2\n\n")
        assert "text/event-stream" in head
        for wrong in (
            {"X_Chainrule_Token": LEAVE_OUT},
            {"Origin": "http://evil.example"},
            {"Host": "evil.example"},
            {"line": "POST /live HTTP/1.1"},
            {"line": f"GET /live?token={token(served)} HTTP/1.1", "X_Chainrule_Token": LEAVE_OUT},
        ):
            status, _, body = exchange(served, request(served, **{**asked, **wrong}))
            assert status in (401, 403, 405)
            assert b"data: " not in body


def test_a_port_that_is_taken_is_said(served):
    base = Network([Dense(1)], input=1, loss="mse").inspect([[1.0]], [[0.5]])
    with pytest.raises(ChainruleError, match=f"port {served.port} cannot be served on"):
        base.open(port=served.port, browser=False)
    with pytest.raises(ChainruleError, match="a port is a number"):
        base.open(port=70_000, browser=False)


@pytest.mark.exhaustive
def test_the_browser_is_started_with_a_file_that_only_this_user_reads(served, monkeypatch):
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(serving.webbrowser, "open", lambda address: not opened.append(address))
    base = Network([Dense(1)], input=1, loss="mse").inspect([[1.0]], [[0.5]])
    with base.open() as other:
        (address,) = opened
        assert address.startswith("file://")
        assert token(other) not in address
        (file,) = other._files
        assert file.stat().st_mode & 0o077 == 0
        assert token(other) in file.read_text("utf-8")
    assert not file.exists()
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(serving.sys, "platform", "linux")
    with base.open():
        assert len(opened) == 1


def test_a_pass_that_fails_is_said_on_the_page_and_in_the_terminal(served, capfd, monkeypatch):
    def fails(body):
        raise KeyError("of a layer of one's own")

    monkeypatch.setitem(served.session.answers, "/pass", fails)
    status, _, body = exchange(served, request(served))
    assert status == 500
    assert json.loads(body)["error"] == 'the pass failed, KeyError: "of a layer of one\'s own"'
    for _ in range(100):
        if "KeyError" in (said := capfd.readouterr().err):
            break
        time.sleep(0.01)
    assert "KeyError" in said
