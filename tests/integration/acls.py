"""acls.py - what `topics --acls` prints, given to users of the tests' secured Kafka."""

import os
import re
import subprocess

from world import ROOT, World, require

SECURE = os.path.join(ROOT, "deploy", "secure")


class SideBySide(World):
    """Redis is others' too."""

    empties_redis = False


def printed(world, role, user):
    """What `topics --acls` prints, as the shell has understood it: (operation, kind, name, pattern)."""
    queue = os.path.join(world.folder, f"acls-{role}-{user}")
    script = world.run("topics", "--acls", role, "--principal", f"User:{user}")
    environment = os.environ | {"KAFKA_ACLS": os.path.join(SECURE, "queue-acls.sh"), "ACLS_QUEUE": queue, "REDIS_CLI": "true"}
    subprocess.run(["sh", "-eu"], input=script, env=environment, check=True, timeout=60)
    rights = []
    with open(queue, encoding="utf-8") as file:
        for command in file.read().split("\0\0")[:-1]:
            words = command.split("\0")
            require(f"User:{user}" in words and "--add" in words, f"not for {user}: {command}")
            operation = re.sub("(?<=[a-z])(?=[A-Z])", "_", words[words.index("--operation") + 1]).upper()
            pattern = "PREFIXED" if "prefixed" in words else "LITERAL"
            kinds = {"--topic": "TOPIC", "--group": "GROUP", "--transactional-id": "TRANSACTIONAL_ID"}
            rights += [(operation, kinds[option], name, pattern) for option, name in zip(words, words[1:]) if option in kinds]
    require(rights, f"nothing is printed for {role}")
    return rights
