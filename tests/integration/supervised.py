#!/usr/bin/env python3
"""supervised.py TEST - what systemd is told of a service on real servers; its end of the socket is here."""

import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request

from world import World, free_port, main, policy_of, require, wait_for


class Listener:
    """A datagram socket as NOTIFY_SOCKET; `messages` is what came, with its monotonic time."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.messages = []

    def receive(self):
        while True:
            try:
                self.messages.append((time.monotonic(), self.socket.recv(65536).decode()))
            except BlockingIOError:
                return self.messages

    def count(self, message):
        return sum(text == message for _, text in self.receive())

    def status(self):
        told = [text for _, text in self.receive() if text.startswith("STATUS=")]
        return told[-1] if told else ""

    def close(self):
        self.socket.close()


def systemd_is_told():
    """Ready when /readyz says so and not before, what is waited for, the watchdog, a reload, and the end."""
    world = World("systemd", policy_of("card/feed"))
    listener = Listener(os.path.join(world.folder, "notify"))
    os.environ.update(NOTIFY_SOCKET=os.path.join(world.folder, "notify"), WATCHDOG_USEC="4000000")
    port = free_port()

    def readyz():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    try:
        service = world.start("a", f"http.listen=127.0.0.1:{port}")
        wait_for("a status that names the missing topics", lambda: "leads.created" in listener.status(), 60)
        wait_for("more time to start", lambda: listener.count("EXTEND_TIMEOUT_USEC=60000000") >= 2, 60)
        require(listener.count("READY=1") == 0 and readyz() == 503, f"it is not ready, and said {listener.messages}")
        world.create_topics()
        wait_for("READY=1", lambda: listener.count("READY=1") == 1, 60)
        require(readyz() == 200 and listener.status() == "STATUS=ok", f"ready, but {listener.status()}, {readyz()}")
        pings = listener.count("WATCHDOG=1")
        require(pings >= 1, "the watchdog heard nothing")
        wait_for("the watchdog again", lambda: listener.count("WATCHDOG=1") >= pings + 2, 30)

        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        service.process.send_signal(signal.SIGHUP)
        wait_for("the end of the reload", lambda: listener.count("READY=1") == 2, 20)
        texts = [text for _, text in listener.messages]
        reloading = [text for text in texts if text.startswith("RELOADING=1\n")]
        require(len(reloading) == 1, f"one reload, and {reloading} was said")
        at_us = int(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", reloading[0])[1])
        require(before_us <= at_us <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000, f"reloaded at {at_us}")
        require(texts.index(reloading[0]) < len(texts) - 1 - texts[::-1].index("READY=1"), "READY came before the reload")

        service.stop()
        require(listener.count("STOPPING=1") == 1, f"it ended without a word: {listener.messages[-3:]}")
        require(listener.status().startswith("STATUS=stopping"), f"{listener.status()}")
        require(listener.count("READY=1") == 2, "READY was said more often than it became ready")
    finally:
        world.close()
        listener.close()


if __name__ == "__main__":
    sys.exit(main({"systemd_is_told": systemd_is_told}))
