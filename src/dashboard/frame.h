/* frame.h - what is around the answers on a page, and the two files that a page needs. Private to this room. */
#pragma once

#include <leadclock/report.h>

extern const char lc_dashboard_style[], lc_dashboard_script[];

typedef struct {
    const char *path;         /* that of the question */
    const char *link;         /* with what was asked */
    unsigned days;            /* of a page that looks back: how many */
    const char *state;        /* how far what it shows reaches, in words */
    bool is_whole;            /* it is all, and fresh */
    const lc_answers *report; /* NULL: `problem` says why there is none */
    const char *problem;
} lc_frame;

/* Appends the whole document. */
void lc_frame_write(GString *out, const lc_frame *frame);
