/* checks.h - the checks of the protocol, which the simulator takes away one at a time.
 *
 * To see that without it, it finds the loss (tests/sim). In the product they are all there. */
#pragma once

#include <stdbool.h>

typedef enum {
    LC_CHECK_CUT = 1 << 0,            /* nothing of a changelog at or above C is replayed (3c) */
    LC_CHECK_PIECES = 1 << 1,         /* the position moves with each piece (3d) */
    LC_CHECK_LOOK = 1 << 2,           /* an idle partition is looked at once a second (4) */
    LC_CHECK_WAIT = 1 << 3,           /* an open transaction of the last owner is waited for (3a) */
    LC_CHECK_FENCE = 1 << 4,          /* it is ended (3a) */
    LC_CHECK_CLAIM = 1 << 5,          /* the first transaction of an assignment is an empty one (3a) */
    LC_CHECK_EMPTYING = 1 << 6,       /* rec:0/0 is emptied again (3b) */
    LC_CHECK_LOST_TAIL = 1 << 7,      /* a changelog that ends below C has lost records (3a) */
    LC_CHECK_LOST_REWRITTEN = 1 << 8, /* so has one that gives an offset below C again (5) */
    LC_CHECK_LOST_OFFSETS = 1 << 9,   /* a changelog with records above C: the group has lost offsets (3c) */
    LC_CHECK_BROKER_CLOCK = 1 << 10,  /* a wall clock ahead of the broker's is not believed */
    LC_CHECK_SECOND_NO = 1 << 11,     /* a registry must say twice that it has no such schema */
    LC_CHECK_SURE = 1 << 12,          /* a position tells what no answer of the store was looked at for (9) */
    LC_CHECK_GROWTH = 1 << 13,        /* timers fire as of when the topics' partitions were counted */
    LC_CHECK_APART = 1 << 14,         /* a partition that waits holds up no other */
    LC_CHECK_LAST_ROW = 1 << 15,      /* of a row that a batch changes twice, what it is in the end is published */
    LC_CHECK_FORGET = 1 << 16,        /* recovery forgets the leads that were kept (4) */
    LC_CHECK_TAKEN = 1 << 17,         /* of due wake-ups only those are taken that were looked at (9) */
    LC_CHECK_TIDY = 1 << 18           /* the store puts in order what comes near (4) */
} lc_check;
#ifdef LC_WEAKEN
extern unsigned lc_weakened;
#define LC_CHECKS(check) (!(lc_weakened & (check)))
#else
#define LC_CHECKS(check) true
#endif
