/* part.h - one thing that the service does (reading the table, telling one Alertmanager, calling one webhook): what
 * keeps it from it, for the log and /readyz. Any thread. */
#pragma once

#include <leadclock/base.h>

/* Ends of threads, and waits that such an end cuts short. */
typedef struct {
    GMutex mutex;
    GCond changed;
    bool is_stopping;
} lc_stopper;

void lc_stopper_init(lc_stopper *stopper);
void lc_stopper_clear(lc_stopper *stopper);
void lc_stopper_stop(lc_stopper *stopper);
bool lc_stopper_is_stopping(lc_stopper *stopper);
/* Waits; whether all is to stop. */
bool lc_stopper_wait(lc_stopper *stopper, int ms);

typedef struct {
    GMutex mutex;
    char *name;       /* for people: "alertmanager http://..." */
    char *problem;    /* NULL: none */
    bool is_ready;    /* it has been well once, and is */
    bool is_over;     /* a thread that has ended by itself, for good */
    char *said;       /* the problem that was logged last */
    gint64 said_us;   /* when */
    gint64 turned_us; /* when its thread went round last; 0: it has none */
} lc_part;

/* Takes the name over. */
void lc_part_init(lc_part *part, char *name);
void lc_part_clear(lc_part *part);
/* Its thread goes round. */
void lc_part_turn(lc_part *part);
/* It can't do its work: logged when it is new, or a minute old. */
void lc_part_fails(lc_part *part, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* It does its work (again). */
void lc_part_is_well(lc_part *part);
/* What keeps it from its work; NULL: it is ready. Caller frees. */
char *lc_part_problem(lc_part *part);
