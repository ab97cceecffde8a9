"""flowing.py - facts that flow evenly while something happens to the servers, and how long each partition stood still
meanwhile: from the harm to its next batch, or between two of them."""

import atexit
import contextlib
import json
import statistics
import subprocess
import threading
import time

from timing import Tail
from world import BINARY, require, say

RATE = 100  # facts a second


class Sender(threading.Thread):
    """`leadclock publish`, which is given its facts one after the other while they are to flow."""

    def __init__(self, world, facts):
        super().__init__(daemon=True)
        command = [BINARY, "publish", "--config", world.config, "-"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = [json.dumps({k: v for k, v in fact.items() if k != "arrived_at"}) + "\n" for fact in facts]
        self.flows, self.hurries = threading.Event(), threading.Event()
        self.start()

    def run(self):
        with contextlib.suppress(BrokenPipeError), self.process.stdin as pipe:
            for line in self.lines:
                self.flows.wait()
                pipe.write(line.encode())
                if not self.hurries.is_set():
                    pipe.flush()
                    time.sleep(1 / RATE)

    def finish(self):
        """What is left, all at once."""
        self.hurries.set()
        self.flows.set()
        self.join()
        said = self.process.stderr.read().decode()
        require(self.process.wait(60) == 0, f"publish ended with {self.process.returncode}: {said}")


class Flow:
    """A feed that flows while something happens, and rests before and after it."""

    def __init__(self, world, feed):
        self.world, self.sender = world, Sender(world, feed)
        self.tail = Tail(world, "leads.state")  # a record for each lead that a batch has changed
        world.published += feed
        atexit.register(self.close)

    def until_all_move(self, what):
        since, end = time.time(), time.monotonic() + 60
        while len({one.partition for one in self.tail.seen if one.at > since}) < self.world.partitions:
            self.world.supervise()
            require(self.sender.is_alive(), f"{what}: the facts have come to their end")
            require(time.monotonic() < end, f"{what}: not all partitions move; see {self.world.folder}")
            time.sleep(0.02)

    @contextlib.contextmanager
    def during(self, what):
        """What is done meanwhile is done while facts flow on all partitions; afterwards all of them move again, and come to
        rest. Says what it cost."""
        self.sender.flows.set()
        self.until_all_move("before")
        began = time.time()
        yield
        self.until_all_move(what)
        each = sorted(self.tail.longest_silence(began, time.time()).values())
        self.sender.flows.clear()
        say(f"{what}: the partitions stood still for {each[0]:.1f} to {each[-1]:.1f} s (median {statistics.median(each):.1f})")
        self.world.settle()

    def finish(self):
        """What is left of the feed, too."""
        self.sender.finish()
        self.close()
        self.world.settle()

    def close(self):
        self.sender.process.kill()
        self.tail.close()
