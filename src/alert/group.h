/* group.h - one alert in the making: the leads whose labels are the same, and what is said of them. */
#pragma once

#include <leadclock/alert.h>

#define LC_GROUP_NAMED 10 /* leads that are named, and owners */

typedef struct {
    char *labels;       /* a JSON object: by it a group is known */
    GPtrArray *longest; /* const lc_breach_row*, the first LC_GROUP_NAMED */
    GHashTable *leads;  /* lc_text* */
    GHashTable *owners; /* lc_text* (absent: nobody) -> how many breaches */
    lc_instant since;
    bool is_critical;
} lc_alert_group;

/* Takes the labels over. */
lc_alert_group *lc_alert_group_new(char *labels);
void lc_alert_group_free(void *group);
/* Breaches come by due time. */
void lc_alert_group_add(lc_alert_group *group, const lc_breach_row *row);
/* A JSON object. `more`: the group is of those for which there is no alert of their own, so many alerts. */
void
lc_alert_group_write_annotations(const lc_alert_group *group, guint more, const char *dashboard_url, GString *json);

/* The labels of the alert that a breach belongs to, as a JSON object; NULL row: of those beyond max_alerts. */
void lc_labels_write(const lc_alerts_options *options, const lc_breach_row *row, bool is_critical, GString *json);
/* "name":"value", with a comma before it where it is not the first. */
void lc_member_write(GString *json, const char *name, lc_text value);
void lc_member_write_instant(GString *json, const char *name, lc_instant instant);
