/* reset.h - what `reset` and `repartition` share: both change what a group at rest has committed. Private to this room.
 */
#pragma once

#include "common.h"

/* Who ended, by SIGTERM too, stays a member for the session time-out. One whose process is seen to run is not waited
 * for, and named. EXIT_DONE: the group is empty; else the exit code, with `error` where nothing was said yet. */
int lc_cli_await_empty_group(const char *command, const lc_kafka_options *kafka, GError **error);

/* As many as all inputs have. LC_ERROR_CONFIG: one is missing, or they differ. */
bool lc_cli_count_inputs(const lc_kafka_options *kafka, int32_t *partitions, GError **error);

/* Deletes a topic and makes it again, empty, with the settings that it has. */
bool lc_cli_make_topic_anew(const lc_kafka_options *kafka, const lc_topic_description *topic, int32_t partitions,
                            GError **error);

/* `yes`: without asking. */
bool lc_cli_confirm(const char *command, bool yes);

/* LC_ERROR_FATAL: somebody joined the group meanwhile. */
bool lc_cli_check_members(const lc_kafka_options *kafka, GError **error);
