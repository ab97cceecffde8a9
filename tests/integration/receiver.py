#!/usr/bin/env python3
"""receiver.py PORT FILE MODE [CERTIFICATE] - who is called by webhooks. What it takes it writes to FILE, a line of JSON
each, before it says so. MODE: `calm` takes all; `gone` answers 410; `busy` wants each event again, BUSY_S later;
`picky` answers 404 to what is of the lead "refused", and writes so to FILE.refused;
`hostile` fails in every way that HTTP can, and refuses some events for good, by their id: refusal_of says which."""

import hashlib
import json
import random
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG_S, BUSY_S = 3, 2


def refusal_of(event_id):
    """The status that this event always gets; None: it may be taken."""
    return {0: 404, 1: 302, 2: 400}.get(hashlib.sha256(event_id.encode()).digest()[0] % 32)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        event_id = self.headers.get("webhook-id", "")
        if self.server.mode == "gone":
            self.answer(410)
        elif self.server.mode == "picky" and b'"refused"' in body:
            with open(sys.argv[2] + ".refused", "a", encoding="utf-8") as file:
                file.write(event_id + "\n")
            self.answer(404)
        elif self.server.mode == "busy" and event_id not in self.server.seen:
            self.server.seen[event_id] = time.monotonic()
            self.answer(429, Retry_After=str(BUSY_S))
        elif self.server.mode == "hostile" and refusal_of(event_id):
            self.answer(refusal_of(event_id), Location=f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        elif self.server.mode == "hostile" and random.random() < 0.25:
            random.choice((self.fail, self.fail, self.too_many, self.hang, self.cut_off, self.garbage, self.hang_up))()
        else:
            self.take(body)
            self.answer(random.choice((200, 202, 204)))

    def take(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        line = {"path": self.path, "headers": headers, "body": body.decode(), "at": time.time(),
                "after": time.monotonic() - self.server.seen.get(headers.get("webhook-id"), 0)}  # fmt: skip
        self.server.file.write(json.dumps(line) + "\n")
        self.server.file.flush()

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def fail(self):
        self.answer(random.choice((500, 502, 503, 408)))

    def too_many(self):
        self.answer(429, Retry_After="1")

    def hang(self):
        time.sleep(HANG_S)
        self.close_connection = True

    def cut_off(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"as much as")
        self.close_connection = True

    def garbage(self):
        self.wfile.write(b"\0\1\2 no HTTP at all\r\n\r\n")
        self.close_connection = True

    def hang_up(self):
        self.close_connection = True

    def log_message(self, *arguments):
        pass


def serve(port, path, mode, certificate=None):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.mode, server.seen = mode, {}
    with open(path, "a", encoding="utf-8") as server.file:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), *sys.argv[2:])
