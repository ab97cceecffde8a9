/* reset.h - what `reset` and `repartition` share: both change what a group at rest has committed. Private to this room.
 */
#pragma once

#include "common.h"

/* Says who is in the group; the exit code. */
int lc_cli_refuse_members(const char *command, char **members);

/* As many as all inputs have. LC_ERROR_CONFIG: one is missing, or they differ. */
bool lc_cli_count_inputs(const lc_kafka_options *kafka, int32_t *partitions, GError **error);

/* `yes`: without asking. */
bool lc_cli_confirm(const char *command, bool yes);

/* LC_ERROR_FATAL: somebody joined the group meanwhile. */
bool lc_cli_check_members(const lc_kafka_options *kafka, GError **error);
