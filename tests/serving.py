"""A server on the loopback address that can break off, forget and refuse, as real ones do."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Serves one file; its behavior can be changed while it runs.

    Args:
        content: what the file holds.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag: str | None = '"one"'
        self.takes_ranges = True
        self.status = 200
        self.breaks_after: list[int] = []
        """For each answer that breaks off, the bytes after which it does."""
        self.ranges: list[str | None] = []
        """The Range that each request asked for."""
        self.url = ""

    @property
    def checksum(self) -> str:
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if self.status != 200:
            request.send_error(self.status)
            return
        is_same = request.headers.get("If-Range") == self.etag
        start = int(asked[len("bytes=") : -1]) if asked and self.takes_ranges and is_same else 0
        if start > len(self.content):
            request.send_error(416)
            return
        rest = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            size = len(self.content)
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if self.etag is not None:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        sent = rest[: self.breaks_after.pop(0)] if self.breaks_after else rest
        with suppress(ConnectionError):  # whoever asked has gone
            request.wfile.write(sent)
        if len(sent) < len(rest):
            request.close_connection = True


@contextmanager
def serving(content: bytes, name: str = "weights.bin") -> Iterator[Server]:
    """A server of one file, while the block runs."""
    server = Server(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}/some/where/{name}"
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
