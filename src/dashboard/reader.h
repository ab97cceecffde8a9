/* reader.h - the thread that follows the tables, and the one that asks the instances. Private to this room. */
#pragma once

#include <leadclock/dashboard.h>

/* What the threads share; ends of waits are told by `changed`. */
typedef struct {
    const lc_dashboard_options *options;
    lc_pages *pages;
    GMutex mutex;
    GCond changed;
    bool is_stopping;
    gint64 turned_us; /* when the reader went round last */
    uint64_t rows;    /* that it has read */
} lc_following;

/* Waits so long, or until all is to stop; whether it is. */
bool lc_following_wait(lc_following *following, int ms);

/* Threads, until all is to stop; `following` is an lc_following. */
void *lc_reader_run(void *following);
void *lc_instances_run(void *following);
