#!/usr/bin/env python3
"""load.py - reads leads.tables.* to their end, read committed, into a DuckDB file: a table each, what stands of it."""

import argparse
import json
import os
import tempfile

import duckdb
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

TABLES = ["cycles", "breaches", "stages", "tenures", "routes", "counters"]
TYPES = {"string": "VARCHAR", "boolean": "BOOLEAN", "int": "INTEGER", "long": "BIGINT"}


def partitions_of(consumer, topic):
    metadata = consumer.list_topics(topic, timeout=30).topics[topic]
    if metadata.error:
        raise KafkaException(metadata.error)
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in metadata.partitions]


def records_of(brokers, topic):
    """Every record of a topic up to where it ends now. No group: nothing is committed, and nobody is disturbed."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "duckdb",
            "isolation.level": "read_committed",  # librdkafka's default; Java's is another
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    left = partitions_of(consumer, topic)
    consumer.assign(left)
    left = {partition.partition for partition in left}
    while left:
        record = consumer.poll(30)
        if record is None:
            raise SystemExit(f"{topic}: nothing came for 30 s")
        if record.error() is None:
            yield record
        elif record.error().code() == KafkaError._PARTITION_EOF:
            left.discard(record.partition())
        else:
            raise KafkaException(record.error())
    consumer.close()


def rows_of(brokers, registry, topic):
    """The latest of each key; a row that is no more is marked, and followed by a tombstone (each is enough)."""
    decode, standing = AvroDeserializer(registry), {}
    for record in records_of(brokers, topic):
        key = tuple(decode(record.key(), SerializationContext(topic, MessageField.KEY)).values())
        row = decode(record.value(), SerializationContext(topic, MessageField.VALUE))
        if row is None or row.pop("deleted"):
            standing.pop(key, None)
        else:
            standing[key] = row
    return standing.values()


def columns_of(registry, topic):
    """As the schema has them. Instants are UTC."""
    schema = json.loads(registry.get_latest_version(f"{topic}-value").schema.schema_str)
    columns = {}
    for field in schema["fields"]:
        kind = field["type"][1] if isinstance(field["type"], list) else field["type"]
        columns[field["name"]] = "TIMESTAMP" if isinstance(kind, dict) else TYPES[kind]
    columns.pop("deleted")
    return columns


def fill(database, table, columns, rows):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        for row in rows:
            print(json.dumps(row, default=lambda at: at.strftime("%Y-%m-%d %H:%M:%S.%f")), file=file)
        file.flush()
        source = f"read_json('{file.name}', format='newline_delimited', columns={json.dumps(columns)})"
        database.execute(f"create or replace table {table} as select * from {source}")
    return database.execute(f"select count(*) from {table}").fetchone()[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brokers", default=os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"))
    parser.add_argument("--registry", default=os.environ.get("REGISTRY_URL", "http://127.0.0.1:8081"))
    parser.add_argument("--prefix", default="", help="topics.prefix of the configuration")
    parser.add_argument("file", help="the DuckDB file")
    options = parser.parse_args()

    registry = SchemaRegistryClient({"url": options.registry})
    with duckdb.connect(options.file) as database:
        for table in TABLES:
            topic = f"{options.prefix}leads.tables.{table}"
            rows = rows_of(options.brokers, registry, topic)
            print(f"{table}: {fill(database, table, columns_of(registry, topic), rows)} rows")


if __name__ == "__main__":
    main()
