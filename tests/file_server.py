"""A web server on this machine which serves one file, well or badly."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """Serves its content at every path; the attributes say what goes wrong.

    Attributes:
        beside: what it serves in place of that at other paths, and well.
        ranges: "right"; "ignored" answers with the whole file; "wrong" with another range.
        status: an error to answer with.
        cut: bytes of each answer after which the connection breaks.
        silent: answers do not end, though nothing more comes.
        asked: the range of every request, None for the whole file.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.ranges, self.status, self.cut, self.silent = "right", None, None, False
        self.asked: list[str | None] = []
        self.beside: dict[str, bytes] = {}
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/birds.tgz"

    def __enter__(self) -> "FileServer":
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server, wanted = self.server, self.headers["Range"]
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", server.url)
            self.end_headers()
            return
        server.asked.append(wanted)
        if self.path in server.beside:
            self.send_response(200)
            self.send_header("Content-Length", str(len(server.beside[self.path])))
            self.end_headers()
            self.wfile.write(server.beside[self.path])
            return
        size = len(server.content)
        start = 0
        if wanted and server.ranges != "ignored":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if server.status or start >= size:
            self.send_error(server.status or 416)
            return
        start -= server.ranges == "wrong" and start > 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        self.wfile.write(server.content[start:][: server.cut])
        if server.silent:
            server.closing.wait()

    def log_message(self, *_) -> None:
        pass
