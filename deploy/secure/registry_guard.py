"""registry_guard.py TARGET PORT STORE LOGIN-FILE - what a careful company has before its registry: TLS, a login (HTTP basic) and,
where it is asked for, the client's certificate. Everything else it passes on to the real one. LOGIN-FILE: USER:PASSWORD."""

import base64
import http.server
import ssl
import sys
import threading
import urllib.error
import urllib.request


class Passing(http.server.BaseHTTPRequestHandler):
    """Answers GET and POST with what `answer` returns for a body (None: there is none): (status, body)."""

    protocol_version = "HTTP/1.1"

    def answer(self, body):
        raise NotImplementedError

    def do_GET(self):
        self.pass_on(None)

    def do_POST(self):
        self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def pass_on(self, body):
        status, answer = self.answer(body)
        try:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except ConnectionError:
            pass  # nobody waits any more

    def log_message(self, *_):
        pass


class Guard:
    """Listens with the certificate of `store` (PEM: a key, and what it rests on). `client_ca`: who signs those that are let
    in. `login` is who is let in, and may be changed; None: everybody."""

    def __init__(self, store, client_ca=None, login=None, target="", port=0):
        guard = self
        self.login, self.let_in, self.sent_away = login, 0, 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(store)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)

        class Handler(Passing):
            def answer(self, body):
                if guard.knows(self.headers["Authorization"]):
                    guard.let_in += 1
                    return ask(target + self.path, body)
                guard.sent_away += 1
                return 401, b'{"error_code": 401, "message": "who are you?"}'

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # all schemas are asked for at once

            def get_request(self):
                connection, address = super().get_request()
                # The handshake is the thread's own: one that is slow holds up nobody.
                return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_):
                pass  # who does not believe us goes away

        self.server = Server(("127.0.0.1", port), Handler)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def knows(self, authorization):
        if self.login is None:
            return True
        return authorization == "Basic " + base64.b64encode(":".join(self.login).encode()).decode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def ask(url, body):
    request = urllib.request.Request(url, data=body)
    request.add_header("Content-Type", "application/vnd.schemaregistry.v1+json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


if __name__ == "__main__":
    to, at, store_of, login_file = sys.argv[1:]
    with open(login_file, encoding="utf-8") as file:
        user, _, password = file.read().strip().partition(":")
    Guard(store_of, login=(user, password), target=to, port=int(at))
    threading.Event().wait()
