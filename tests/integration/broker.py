"""broker.py - asks a broker about topics in its own words, so that it is not our client that says what our client did:
Metadata and DescribeConfigs, version 1, as https://kafka.apache.org/protocol has them."""

import socket
import struct

METADATA, DESCRIBE_CONFIGS = 3, 32
TOPIC = 2  # type of a resource


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


class Answer:
    """Reads what a broker has answered, field by field."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, kind):
        (value,) = struct.unpack_from(">" + kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self):
        size = self.number("h")
        value = None if size < 0 else self.data[self.at : self.at + size].decode()
        self.at += max(size, 0)
        return value

    def items(self, read):
        return [read() for _ in range(self.number("i"))]


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError("the broker has hung up")
        data += more
    return data


def ask(broker, api, body):
    host, port = broker.rsplit(":", 1)
    request = struct.pack(">hhi", api, 1, 7) + text("leadclock-tests") + body
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", receive(connection, 4))
        answer = Answer(receive(connection, size))
    if answer.number("i") != 7:
        raise ValueError("an answer to another question")
    return answer


def partitions(broker, topics):
    """Topic -> number of partitions, of those that there are."""
    answer = ask(broker, METADATA, struct.pack(">i", len(topics)) + b"".join(map(text, topics)))
    answer.items(lambda: (answer.number("i"), answer.text(), answer.number("i"), answer.text()))
    answer.number("i")  # the controller

    def partition():
        numbers = [answer.number(kind) for kind in "hii"]
        return numbers, answer.items(lambda: answer.number("i")), answer.items(lambda: answer.number("i"))

    def topic():
        return answer.number("h"), answer.text(), answer.number("b"), len(answer.items(partition))

    return {name: number for error, name, _, number in answer.items(topic) if error == 0}


def settings(broker, topics):
    """Topic -> {name: value}, of those that there are."""
    named = b"".join(struct.pack(">b", TOPIC) + text(topic) + struct.pack(">i", -1) for topic in topics)
    answer = ask(broker, DESCRIBE_CONFIGS, struct.pack(">i", len(topics)) + named + struct.pack(">b", False))
    answer.number("i")  # throttled for

    def setting():
        name, value = answer.text(), answer.text()
        for kind in "bbb":
            answer.number(kind)
        answer.items(lambda: (answer.text(), answer.text(), answer.number("b")))
        return name, value

    def topic():
        error, _, _, name = answer.number("h"), answer.text(), answer.number("b"), answer.text()
        return error, name, dict(answer.items(setting))

    return {name: found for error, name, found in answer.items(topic) if error == 0}
