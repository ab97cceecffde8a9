/* lanes.h - the inside of the group consumer: its lanes, and what its files ask of each other. */
#pragma once

#include "admin.h"
#include "fetch.h"
#include "group.h"
#include "pending.h"

#define LC_GROUP_CALL_MS 1000

typedef enum {
    LC_LANE_NONE,    /* not ours, or given up */
    LC_LANE_WAITING, /* assigned, not yet sought */
    LC_LANE_PAUSED,
    LC_LANE_RUNNING
} lc_lane_flow;

typedef struct {
    lc_lane_flow flow;
    bool unsettled; /* running as far as our caller knows; librdkafka is still to be sent to `next` */
    bool stopped;   /* librdkafka gave the lane up: only another assign starts it again */
    bool denied;    /* the topic may not be read */
    int64_t next;   /* the first offset that was not delivered */
    int64_t end;    /* the last one said to be the end; -1: none */
} lc_lane;

struct lc_group {
    const lc_kafka_options *options; /* borrowed */
    const char *const *inputs;       /* borrowed */
    int n_inputs;
    rd_kafka_t *client;
    rd_kafka_topic_t **topics;             /* by input: their addresses tell records apart without comparing names */
    rd_kafka_topic_t *outputs[LC_OUTPUTS]; /* so that metadata can be asked for our topics alone */
    lc_fetch_waker waker;

    GArray *lanes;      /* lane: partition * n_inputs + input */
    GArray *partitions; /* int32_t, sorted: those of which we have every input */
    GArray *silent;     /* int32_t, of them: those that got no answer when last asked for their ends */
    lc_pending *pending;
    lc_group_question question; /* what the other members have */
    gint64 silent_us;           /* one of which is asked again, not before */
    rd_kafka_topic_partition_list_t *assigned;
    rd_kafka_consumer_group_metadata_t *metadata;
    bool any_unsettled, any_denied;
    gint64 settle_us;    /* not before */
    gint64 ask_right_us; /* nor are lanes that may not be read tried again */
    bool group_denied;   /* we may not be a member */
    bool is_subscribed;
    bool was_lost;   /* the last assignment was not taken from us but lost, the coordinator having been away */
    bool must_renew; /* the client is of no use any more */
    int64_t session_ms;

    GQueue events;   /* lc_log_event_type: what the rebalance callback saw */
    lc_arena copies; /* keys and values that the caller may still read */
    GPtrArray *held; /* messages whose headers it may ask for */
    GArray *ends;    /* lc_log_end */
};

/* ---- lanes.c ---- */

/* NULL: there is none. */
lc_lane *lc_lane_at(lc_group *group, int input, int32_t partition);
/* The index of an input; -1: it is none. */
int lc_group_input_of(const lc_group *group, rd_kafka_topic_t *topic);
void lc_group_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *partitions,
                           void *opaque);
void lc_group_forget_assignment(lc_group *group);
/* It is to be delivered from `next` on; settle then tells librdkafka. */
void lc_lane_run(lc_group *group, lc_lane *one);
void lc_lanes_settle(lc_group *group);

/* ---- group.c ---- */

/* A client that is of no use any more is replaced, and joins again. */
bool lc_group_renew_client(lc_group *group, GError **error);
