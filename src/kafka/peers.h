/* peers.h - what the group gives to its other members. Private to this room. */
#pragma once

#include "admin.h"

/* The index of the input of this name; -1: it is none. */
int lc_input_named(const char *const *inputs, int n_inputs, const char *name);

/* Whether each member has all of our inputs of a partition, and no other topic: LC_ERROR_RETRY where not, or where the
 * group is not settled, or nobody answers. Facts of an input that nobody reads together with the others would be missed
 * by timers. `question` is to be of this assignment. */
bool lc_peers_check(const lc_kafka_options *options, lc_group_question *question, const char *const *inputs,
                    int n_inputs, GError **error);
