#!/usr/bin/env python3
"""publish.py [FILE] - publishes facts (JSON Lines, as `leadclock publish` takes them) with Confluent's Avro serializer."""

import json
import os
import sys

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

BROKERS = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092")
REGISTRY = os.environ.get("REGISTRY_URL", "http://127.0.0.1:8081")
PREFIX = os.environ.get("TOPIC_PREFIX", "")
SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "schemas")
TOPICS = {
    "LeadCreated": "leads.created",
    "LeadContacted": "leads.contacted",
    "LeadRejected": "leads.rejected",
    "LeadProgressed": "leads.progressed",
    "LeadAssigned": "leads.assigned",
    "LeadPaused": "leads.paused",
    "LeadResumed": "leads.paused",
    "LeadMerged": "leads.merged",
    "LeadErased": "leads.erased",
}


def serializer_of(registry, name):
    """One topic may carry several types, so a subject is named by topic and record."""
    with open(os.path.join(SCHEMAS, f"{name}.avsc"), encoding="utf-8") as schema:
        return AvroSerializer(
            registry, schema.read(), conf={"subject.name.strategy": topic_record_subject_name_strategy}
        )


def main():
    registry = SchemaRegistryClient({"url": REGISTRY})
    serializers = {name: serializer_of(registry, name) for name in TOPICS}
    problems = []
    producer = Producer(
        {
            "bootstrap.servers": BROKERS,
            "enable.idempotence": True,
            "partitioner": "murmur2_random",  # as Java does; librdkafka's default is another, and is refused
            "on_delivery": lambda problem, _: problem and problems.append(problem),
        }
    )
    with open(sys.argv[1], encoding="utf-8") if len(sys.argv) > 1 else sys.stdin as lines:
        for fact in map(json.loads, lines):
            name = fact.pop("type")
            topic = PREFIX + TOPICS[name]
            value = serializers[name](fact, SerializationContext(topic, MessageField.VALUE))
            producer.produce(topic, key=fact["lead_id"].encode(), value=value)
            producer.poll(0)
    left = producer.flush(60)
    if problems or left:
        sys.exit(f"not published: {left + len(problems)} facts; {problems[:1]}")


if __name__ == "__main__":
    main()
