"""broker.py BROKERS TOPIC... - each topic with its number of partitions and all its settings, as JSON; by Confluent's client,
so that it is not ours that says what ours did. To be run by the Python of deploy/examples/fetch.sh."""

import json
import sys

from confluent_kafka.admin import AdminClient, ConfigResource

client = AdminClient({"bootstrap.servers": sys.argv[1]})
known = client.list_topics(timeout=30).topics
asked = client.describe_configs([ConfigResource("topic", name) for name in sys.argv[2:]], request_timeout=30)
print(json.dumps({
    resource.name: {"partitions": len(known[resource.name].partitions)} | {name: entry.value for name, entry in answer.result().items()}
    for resource, answer in asked.items()
}))  # fmt: skip
