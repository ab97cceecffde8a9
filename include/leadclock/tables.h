/* tables.h - rows on Kafka, read from their topics' beginnings to their ends, and on: how things stand, for whoever
 * tells people of it.
 *
 * Reads committed, without a group, and keeps nothing: the latest row of a key stands, and who reads keeps what it
 * needs. Uses kafka's reader, registry and codec. One a thread. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/kafka.h>
#include <leadclock/registry.h>

typedef struct lc_tables lc_tables;

/* `topics`: by table (codec.h), NULL: not read. `registry` is borrowed, the rest is copied. Asks where the topics end,
 * for some seconds. LC_ERROR_CONFIG: a topic does not exist; LC_ERROR_DENIED: a right is missing; LC_ERROR_RETRY: no
 * broker answers, which may be tried again. */
lc_tables *
lc_tables_new(const lc_kafka_options *options, lc_registry *registry, const char *const *topics, GError **error);
void lc_tables_free(lc_tables *tables);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_tables, lc_tables_free)

/* 1: a row or a deletion, good until the next call (a deletion may be told twice); 0: nothing within the time-out;
 * -1: an error. After LC_ERROR_RETRY (the registry does not answer; at most 1 s beside the time-out) the next call goes
 * on with the same record, after LC_ERROR_RECORD (it is none of this table: the message says where) with the next one.
 * While brokers are away there is nothing; lc_tables_look tells. */
int lc_tables_read(lc_tables *tables, int timeout_ms, lc_table_row *row, GError **error);

/* All that stood there at the start, or when one last looked, has been read. */
bool lc_tables_are_caught_up(const lc_tables *tables);
/* How many records of that; compaction has taken some away. */
void lc_tables_progress(const lc_tables *tables, uint64_t *done, uint64_t *all);

/* For those that go on reading: where do the topics end now? LC_ERROR_RETRY: the brokers are away, and what was read
 * may be out of date; LC_ERROR_ABORT: the tables were emptied (a reset) or have other partitions: forget what was read,
 * and begin anew with another. */
bool lc_tables_look(lc_tables *tables, GError **error);

/* ---- For those that read once ---- */

/* False: stop, with an error of one's own. */
typedef bool (*lc_take_row)(const lc_table_row *row, void *data, GError **error);
/* Now and then. */
typedef void (*lc_tell_progress)(uint64_t done, uint64_t all, void *data);

/* Reads until caught up. LC_ERROR_RETRY: for `patience` nothing came. A record that can't be read is an error. `tell`
 * may be NULL. */
bool lc_tables_read_to_end(lc_tables *tables, lc_duration patience, lc_take_row take, lc_tell_progress tell, void *data,
                           GError **error);
