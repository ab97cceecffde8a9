#!/usr/bin/env python3
"""supervised.py TEST - what systemd is told of services on real servers; its end of the socket is here."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from world import BINARY, World, free_port, main, policy_of, require, wait_for


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


# The command, and what it needs besides where it listens.
DOORS = {
    "ingest": [],
    "alert": ["alert.alertmanager.urls=http://127.0.0.1:9"],
    "dashboard": [],
}


class Door:
    """`leadclock COMMAND`, with a socket on which it tells how it stands."""

    def __init__(self, world, command, port):
        self.notify, self.log = (os.path.join(world.folder, f"{command}.{what}") for what in ("notify", "log"))
        self.listener = Listener(self.notify)
        settings = [f"{command}.listen=127.0.0.1:{port}", *DOORS[command]]
        sets = [word for setting in settings for word in ("--set", setting)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([BINARY, command, "--config", world.config, *sets], stderr=log,
                                            env=dict(os.environ, NOTIFY_SOCKET=self.notify, WATCHDOG_USEC="4000000"))  # fmt: skip

    def has_logged(self, text):
        with open(self.log, encoding="utf-8") as log:
            return text in log.read()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.listener.close()
        os.remove(self.notify)


def door_is_told(world, command):
    """What is not there yet is its status; then it is ready; SIGHUP ends nothing; SIGTERM does. `alert` never is: nobody
    takes what it tells."""
    port = free_port()
    door = Door(world, command, port)
    try:
        heard = door.listener
        wait_for(f"{command}: a status", lambda: heard.status() not in ("", "STATUS=ok"), 60)
        wait_for(f"{command}: more time to start", lambda: heard.count("EXTEND_TIMEOUT_USEC=60000000") >= 1, 60)
        wait_for(f"{command}: the watchdog", lambda: heard.count("WATCHDOG=1") >= 2, 60)
        require(heard.count("READY=1") == 0, f"{command} is not ready, and said {heard.messages}")
        yield
        if command != "alert":
            wait_for(f"{command}: READY=1", lambda: heard.count("READY=1") == 1, 60)
            require(heard.status() == "STATUS=ok", f"{command} is ready, and says {heard.status()}")
            door.process.send_signal(signal.SIGHUP)
            wait_for(f"{command}: the end of the reload", lambda: heard.count("READY=1") == 2, 20)
            require(any(text.startswith("RELOADING=1") for _, text in heard.messages), f"{command}: no reload was said")
            require(door.process.poll() is None, f"SIGHUP ended {command}")
        else:
            wait_for("Alertmanager to be what is waited for", lambda: "http://127.0.0.1:9" in heard.status(), 60)
            require(heard.count("READY=1") == 0, "alert is ready, and nobody takes what it tells")
        door.process.terminate()
        require(door.process.wait(60) == 0, f"{command} ended with {door.process.returncode}")
        require(heard.count("STOPPING=1") == 1, f"{command} ended without a word: {heard.messages[-3:]}")
    finally:
        door.close()
    yield


def doors_are_told():
    """The same of ingest, alert and dashboard."""
    world = World("doors", policy_of("card/feed"))
    try:
        told = [door_is_told(world, command) for command in DOORS]
        for one in told:
            next(one)
        world.create_topics()
        for one in told:
            next(one)
    finally:
        world.close()


def a_port_that_is_taken():
    """Each of them ends before it has said that it started, or done anything."""
    world = World("taken", policy_of("card/feed"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        try:
            for command in DOORS:
                door = Door(world, command, taken.getsockname()[1])
                try:
                    wait_for(f"{command} to end", lambda: door.process.poll() is not None, 60)
                    require(door.process.returncode == 2, f"{command} ended with {door.process.returncode}")
                    require(door.has_logged("can't be had") and not door.has_logged("started"), f"{command}: see {door.log}")
                    require(not door.listener.receive(), f"{command} told systemd {door.listener.messages}")
                    for work in ("alertmanager", "the tables", "no fact is taken"):
                        require(not door.has_logged(f"msg=\"{work}"), f"{command} has begun to work: see {door.log}")
                finally:
                    door.close()
        finally:
            world.close()


TESTS = {test.__name__: test for test in (systemd_is_told, doors_are_told, a_port_that_is_taken)}

if __name__ == "__main__":
    sys.exit(main(TESTS))
