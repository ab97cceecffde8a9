/* topic_names.h - what a topic is called that somebody names. Private to this room. */
#pragma once

#include "common.h"

/* A name as configured, also without the prefix; otherwise as it is. Caller frees. */
char *lc_cli_topic_name(const lc_config *config, const char *name);

/* After one of `topics` was found not to exist: where one is missing that is not configured, `error` is made anew, and
 * says which was probably meant. */
void lc_cli_name_topic_meant(const lc_config *config, const lc_kafka_options *kafka, const char *const *topics,
                             GError **error);
