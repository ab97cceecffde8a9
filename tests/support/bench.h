/* bench.h - the engine on a bench: one worker on the memory log and store, in time that passes only when it waits. */
#pragma once

#include "memory.h"
#include <leadclock/codec.h>
#include <leadclock/engine.h>

#define BENCH_INPUTS 2
#define BENCH_PARTITIONS 2

typedef struct {
    lc_memory_manual manual; /* first */
    lc_time time;
    lc_memory_broker *broker;
    lc_memory_redis *redis;
    lc_policy_book *book;
    char *registry_file;
    lc_worker_options options; /* for the next run: change what the test is about */
    lc_worker *worker;         /* while it runs */
    lc_instant run_until;
    lc_duration wall_ahead;         /* the wall clock, of the broker's */
    void (*meanwhile)(void *bench); /* called while it runs, or NULL */
    void (*alter_log)(lc_log *log); /* before it runs, or NULL */
    GError *error;                  /* of the last run */
} bench;

/* A policy with one rule: first contact `within`, clawback after 30 days. */
#define BENCH_POLICY(within)                                                                                           \
    "name: test\n"                                                                                                     \
    "retain: 9000d\n"                                                                                                  \
    "stages: [SAL, {name: WON, closes: won}]\n"                                                                        \
    "reasons:\n"                                                                                                       \
    "  other: {route: NURTURE}\n"                                                                                      \
    "rules:\n"                                                                                                         \
    "  - name: all\n"                                                                                                  \
    "    when: any\n"                                                                                                  \
    "    first_contact: {within: " within "}\n"                                                                        \
    "    clawback: {after: 30d}\n"

/* 2026-01-05T08:00:00Z. */
#define BENCH_BEGIN G_GINT64_CONSTANT(1767600000000)

/* Schemas that the registry has beside ours: one of JSON, one of neither. */
#define BENCH_JSON_SCHEMA 256
#define BENCH_PROTOBUF_SCHEMA 257

bench *bench_new(const char *policy);
void bench_free(bench *b);

/* A process that starts, runs for so long and is stopped. False: it stopped by itself (b->error). */
bool bench_run(bench *b, lc_duration duration);

/* Publishes a fact of `lead_id` to the partition of its key, now. */
void bench_publish(bench *b, int topic, const char *lead_id, const lc_fact *fact);
/* Its value, framed (g_bytes_unref). */
GBytes *bench_encode(const char *lead_id, const lc_fact *fact);
int32_t bench_partition_of(const char *lead_id);

lc_fact bench_created(const char *event_id, lc_instant at);
lc_fact bench_contacted(const char *event_id, lc_instant at);
lc_fact bench_rejected(const char *event_id, lc_instant at, const char *reason);

/* How many committed records of this schema there are in the output; every partition. */
unsigned bench_count(bench *b, lc_output output, lc_schema schema);
/* The reasons in the dead letters, in order of partition and offset, with a space between (g_free). */
char *bench_dead_letters(bench *b);
/* A counter in Redis, over all partitions. */
int64_t bench_counter(bench *b, const char *metric);
