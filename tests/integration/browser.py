"""browser.py - a headless Chromium, told what to do by the DevTools protocol over two pipes (no port, no other program)."""

import base64
import json
import os
import select
import shutil
import subprocess
import time

from world import require

OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
           "--disable-background-networking", "--remote-debugging-pipe"]  # fmt: skip


class Browser:
    """One page. `requests`: all that it asked for; `complaints`: errors, and dialogs that a script opened."""

    def __init__(self, folder):
        require(shutil.which("chromium"), "there is no chromium in the PATH: deploy/install-deps.sh installs it, or says so")
        theirs_in, self.to_it = os.pipe()
        self.from_it, theirs_out = os.pipe()
        command = ["chromium", *OPTIONS, f"--user-data-dir={os.path.join(folder, 'chromium')}", "about:blank"]
        with open(os.path.join(folder, "chromium.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
                pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.session, self.rest = 0, None, b""
        self.requests, self.complaints, self.is_loaded = [], [], False
        try:
            self.open_page()
        except BaseException:
            self.close()
            raise

    def open_page(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(domain + ".enable")

    def close(self):
        os.close(self.to_it)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.from_it)

    def read(self, until):
        """The next message; None: none by then."""
        while b"\0" not in self.rest:
            if not select.select([self.from_it], [], [], max(0, until - time.monotonic()))[0]:
                return None
            got = os.read(self.from_it, 1 << 20)
            require(got, "the browser has ended")
            self.rest += got
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def take(self, event):
        what, told = event.get("method"), event.get("params", {})
        if what == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif what == "Page.loadEventFired":
            self.is_loaded = True
        elif what == "Page.javascriptDialogOpening":
            self.complaints.append("a dialog: " + told["message"])
            self.send("Page.handleJavaScriptDialog", accept=True)
        elif what == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:500])
        elif what == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")

    def send(self, method, **parameters):
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to_it, json.dumps(command).encode() + b"\0")
        return self.number

    def call(self, method, **parameters):
        number, until = self.send(method, **parameters), time.monotonic() + 60
        while True:
            message = self.read(until)
            require(message is not None, f"{method}: no answer for a minute")
            if message.get("id") == number:
                require("error" not in message, f"{method}: {message.get('error')}")
                return message["result"]
            self.take(message)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def go(self, url):
        self.is_loaded = False
        self.call("Page.navigate", url=url)
        until = time.monotonic() + 60
        while not self.is_loaded:
            message = self.read(until)
            require(message is not None, f"{url} was not loaded within a minute")
            self.take(message)

    def ask(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        require("exceptionDetails" not in result, f"{expression}: {result}")
        return result["result"].get("value")

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
