/* promise.c - the policy that leads were judged by: a promise made is not changed unseen. */
#include "promise.h"

#include "told.h"

/* By a clock that is ahead a document would seem to be in effect that may still be changed. */
const char *
lc_worker_policy_hash(lc_worker *worker)
{
    lc_instant now =
        lc_wall_clock_checked(&worker->wall_clock, worker->time->wall(worker->time), lc_worker_now_ms(worker));

    if (worker->policy_hash && now >= worker->policy_hash_from && now < worker->policy_hash_until)
        return worker->policy_hash;
    g_free(worker->policy_hash);
    worker->policy_hash = lc_policy_book_hash(worker->options.book, now);
    worker->policy_hash_from = now;
    worker->policy_hash_until = LC_NEVER;
    for (size_t i = 0; i < lc_policy_book_size(worker->options.book); i++) {
        lc_instant from = lc_policy_book_get(worker->options.book, i)->effective_from;
        if (from > now)
            worker->policy_hash_until = MIN(worker->policy_hash_until, from);
    }
    return worker->policy_hash;
}

/* Which of them are in effect is not asked: their text is the same, so no promise was changed, and the clocks of two
 * owners differ. */
bool
lc_worker_knows_policy_hash(const lc_worker *worker, lc_text hash)
{
    for (size_t i = 0; i < lc_policy_book_size(worker->options.book); i++) {
        lc_instant from = lc_policy_book_get(worker->options.book, i)->effective_from;
        g_autofree char *known = lc_policy_book_hash(worker->options.book, MAX(from, 0));
        if (lc_text_equal(lc_text_of(known), hash))
            return true;
    }
    return false;
}

bool
lc_worker_accepts_policy_change(lc_worker *worker, lc_text hash, GError **error)
{
    static const char what[] = "the policy has changed for leads that were judged already: the documents in effect are "
                               "not those that the last commit used";
    static const char then[] = "from now on leads are judged by the new text when next judged, and what was published "
                               "before is not corrected";
    if (!worker->options.accept_policy_change) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "%s (%.12s...); put them back, give the new text a later `effective_from`, or start with "
                    "--accept-policy-change: %s",
                    what, hash.data, then);
        return false;
    }
    if (lc_told_may_say_once(worker->told, what))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "%s (%.12s...); this is accepted (--accept-policy-change): %s", what, hash.data, then);
    return true;
}

bool
lc_worker_accepts_edition(lc_worker *worker, int edition, GError **error)
{
    static const char then[] = "from now on leads are judged by the new rules when next judged, what was published "
                               "before is not corrected, and 'leadclock tables --fill' fills the tables";
    g_autofree char *what = g_strdup_printf("leads were judged by edition %d of the lead policy's rules, and this "
                                            "version of Leadclock judges by edition %d",
                                            edition, LC_POLICY_EDITION);

    if (!worker->options.accept_policy_change) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s; start with --accept-policy-change: %s", what, then);
        return false;
    }
    if (lc_told_may_say_once(worker->told, what))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "%s; this is accepted (--accept-policy-change): %s", what, then);
    return true;
}
