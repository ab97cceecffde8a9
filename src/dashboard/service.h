/* service.h - the inside of the service: its parts, for the pages that tell of them. */
#pragma once

#include "reader.h"

#define LC_DASHBOARD_STATUSES 600

struct lc_dashboard {
    lc_dashboard_options options;
    lc_following following;
    lc_viewers *viewers; /* atomic: the last of `former` */
    GPtrArray *former;   /* requests may still use them */
    GThread *reader, *instances;
    lc_http *http;
    gsize requests[LC_DASHBOARD_STATUSES]; /* atomic: by status; 0: the connection broke before */
};
