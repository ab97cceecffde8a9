#!/usr/bin/env python3
"""unit_start.py ROOT UNIT [DROP-IN] - in the folder ROOT, as its root, does what systemd would with UNIT, under as much of its
sandbox as needs no systemd: a user without a name or a right, all read-only, its own /tmp and /proc, no way to new rights, and
no system call but those of SystemCallFilter (strace tells which were made). No server is there: the service must say what it
waits for, that it is alive, go on when it is reloaded, and end when it is asked to. What LoadCredential= hands over is there
for the start and not for a reload, as of systemd 252 and 257.

unit_start.py --user-and-command ROOT UID COMMAND... - the same with a command instead, of a unit of type notify."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# What a command says once it has looked, where no server is there, and goes on to say.
WAITS = {
    "run": "STATUS=worker 1 waits for Kafka",
    "ingest": "STATUS=registry http://",
    "alert": "STATUS=breaches: no connection to Kafka",
    "dashboard": "STATUS=the tables are not read yet",
}
CREDENTIALS = "/run/credentials/leadclock-test"
UNIT_UID = 61184  # the first of those that systemd gives to dynamic users
SANDBOX = """
mount --make-rprivate /
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t tmpfs -o mode=1777 none "$0/tmp"
[ -z "$HIDDEN" ] || mount -t tmpfs -o mode=0 none "$0$HIDDEN"
mount -o remount,bind,ro "$0"
umask 0077
exec chroot "$0" setpriv --reuid="$1" --regid="$1" --clear-groups --bounding-set=-all --inh-caps=-all \
    --ambient-caps=-all --no-new-privs "${@:2}"
"""


def fail(text):
    sys.exit(f"unit_start: {text}")


def wait_for(text, condition, heard, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fail(f"gave up after {seconds} s: {text}; it said {heard}")
        time.sleep(0.1)


def read_unit(*paths):
    """KEY -> its values, in order; none takes away those before it."""
    values = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for key, value in re.findall(r"(?m)^(\w+)=(.*)$", file.read()):
                values[key] = [*values.get(key, []), value] if value else []
    return values


def set_environment(root, values):
    """What EnvironmentFile= says, and where LoadCredential= has put its copies."""
    environment = {"PATH": os.environ["PATH"]}
    for path in values.get("EnvironmentFile", []):
        if os.path.exists(root + path.removeprefix("-")):
            with open(root + path.removeprefix("-"), encoding="utf-8") as file:
                for name, value in re.findall(r"(?m)^(\w+)=(.*)$", file.read()):
                    environment[name] = " ".join(shlex.split(value))
    for credential in values.get("LoadCredential", []):
        name, path = credential.split(":")
        os.makedirs(root + CREDENTIALS, exist_ok=True)
        shutil.copy(root + path, os.path.join(root + CREDENTIALS, name))
        environment["CREDENTIALS_DIRECTORY"] = CREDENTIALS
    if "CREDENTIALS_DIRECTORY" in environment:
        subprocess.run(["chown", "-R", f"{UNIT_UID}:{UNIT_UID}", root + CREDENTIALS], check=True)
    return environment


def sandboxed(root, uid, command, env, namespaces=("--pid", "--fork", "--kill-child", "--ipc", "--uts")):
    return subprocess.Popen(["unshare", "--mount", *namespaces, "bash", "-ec", SANDBOX, root, str(uid), *command],
                            stderr=subprocess.PIPE, text=True, env={"HIDDEN": "", **env})  # fmt: skip


def run_commands(root, environment, commands, **options):
    for command in commands:
        process = sandboxed(root, UNIT_UID, shlex.split(command), environment, **options)
        _, said = process.communicate(timeout=30)
        if process.returncode != 0:
            fail(f"{command} ended with {process.returncode}: {said}")


def reload(root, environment, commands, process):
    """Among the processes that are here, because it sends a signal to one of them."""
    environment = {**environment, "MAINPID": str(inside(process))}
    if "CREDENTIALS_DIRECTORY" in environment:
        environment["HIDDEN"] = environment["CREDENTIALS_DIRECTORY"]
    run_commands(root, environment, commands, namespaces=())


def inside(process):
    """The process id of what runs in the sandbox, seen from here."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


class Manager:
    """systemd's end of the socket, in ROOT/run."""

    def __init__(self, root):
        self.path = os.path.join(root, "run", "leadclock-test")
        if os.path.exists(self.path):
            os.remove(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.setblocking(False)
        self.said = []

    def heard(self, beginning):
        while True:
            try:
                self.said.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                return any(text.startswith(beginning) for text in self.said)

    def close(self):
        self.socket.close()
        os.remove(self.path)


def serve(root, uid, command, environment, reloads=()):
    """Starts a service of type notify, reloads it once it has said what it waits for, and ends it."""
    manager = Manager(root)
    process = sandboxed(root, uid, command, {**environment, "NOTIFY_SOCKET": "/run/leadclock-test", "WATCHDOG_USEC": "2000000"})
    try:
        wait_for("its status", lambda: process.poll() is not None or manager.heard(WAITS[command[1]]), manager.said)
        wait_for("the watchdog", lambda: process.poll() is not None or manager.heard("WATCHDOG=1"), manager.said)
        if process.poll() is not None:
            fail(f"it ended by itself with {process.returncode}: {process.stderr.read()}")
        if manager.heard("READY=1"):
            fail("it says that it is ready, and no server is there")
        reload(root, environment, reloads, process)
        os.kill(inside(process), signal.SIGTERM)
        _, log = process.communicate(timeout=60)
        stopping = manager.heard("STOPPING=1")
    finally:
        if process.poll() is None:
            with contextlib.suppress(OSError, IndexError):  # nothing runs there yet, or no more
                os.kill(inside(process), signal.SIGKILL)  # unshare's own death does not reach another user's process
        process.kill()
        manager.close()
    if process.returncode != 0 or not stopping:
        fail(f"it ended with {process.returncode}, having said {manager.said}: {log}")
    return log


def allowed_calls(filters):
    """The names that lines of SystemCallFilter let through, the first of which is a list of what is allowed."""
    names = set()
    for line in filters:
        for group in line.lstrip("~").split():
            listed = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True)
            calls = set(re.findall(r"(?m)^    (\w+)$", listed.stdout))
            for nested in re.findall(r"(?m)^    (@[\w-]+)$", listed.stdout):
                calls |= allowed_calls([nested])
            names = names - calls if line.startswith("~") else names | calls
    return names


def read_only_and_powerless(root, uid):
    """The sandbox is one: nothing can be written, and no right be had."""
    for what in ("echo > /etc/leadclock/planted", "echo > /var/tmp/planted", "mount -t tmpfs none /mnt"):
        if sandboxed(root, uid, ["sh", "-c", what], {"PATH": os.environ["PATH"]}).wait() == 0:
            fail(f"the sandbox lets through: {what}")


def only_allowed_calls(root, environment, command, filters):
    """Every system call of a start and an end is one that SystemCallFilter lets through."""
    allowed = allowed_calls(filters)
    with tempfile.NamedTemporaryFile() as trace:
        subprocess.run(["strace", "-f", "-qq", "-o", trace.name, "timeout", "-s", "TERM", "5", "chroot", root, *command],
                       capture_output=True, check=False, timeout=120, env=environment)  # fmt: skip
        text = trace.read().decode(errors="replace")
    made = set(re.findall(r"(?m)^\d+ +(\w+)\(", text))
    if not {"socket", "clone3", "rt_sigtimedwait"} & made:
        fail(f"strace saw no start: {sorted(made)}")
    # What timeout and chroot call to set it up is not the service's.
    refused = made - allowed - {"chroot"}
    if refused:
        fail(f"SystemCallFilter refuses what it calls: {', '.join(sorted(refused))}")


def main(root, unit, *drop_ins):
    values = read_unit(unit, *drop_ins)
    command = values["ExecStart"][0].split()
    environment = set_environment(root, values)
    read_only_and_powerless(root, UNIT_UID)
    run_commands(root, environment, values["ExecStartPre"])
    if values["Type"] != ["notify"]:
        fail("it is not of Type=notify")
    log = serve(root, UNIT_UID, command, environment, values["ExecReload"])
    if "msg=stopped" not in log:
        fail(f"it did not say that it stopped: {log}")
    if command[1] == "run" and 'msg="policies taken"' not in log:
        fail(f"it was not reloaded: {log}")
    only_allowed_calls(root, environment, command, values["SystemCallFilter"])
    print(f"{os.path.basename(unit)}: checked, started, reloaded, and ended when it was asked to")


if __name__ == "__main__":
    if sys.argv[1] == "--user-and-command":
        serve(sys.argv[2], int(sys.argv[3]), sys.argv[4:], {"PATH": os.environ["PATH"]})
    else:
        main(*sys.argv[1:])
