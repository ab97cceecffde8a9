/* redis.h - lc_store on hiredis.
 *
 * Uses hiredis, OpenSSL where hiredis has TLS, and store.h. Layout 3, keys of partition p of P ("NAME:{TAG}:" before
 * each, TAG chosen so that the slot of p lies in [p*16384/P, (p+1)*16384/P)):
 *   leads:0 to leads:31      hashes  lead id (a UUID as 16 bytes) -> its state (leads.c)
 *   wakeups:L:N              list    wake-ups of N to N+1 times 16 ms, 8 s or 17 min (L: 0 to 2): how long after
 *                                    its beginning, and the lead id (wakeups.c)
 *   wakeups                  zset    L:N of each of these lists, score its beginning
 *   waiting                  string  how many wake-ups there are
 *   counters:CHANNEL|COHORT  hash    metric -> count
 *   populations              set     the CHANNEL|COHORT that have counters
 *   applied                  string  the position applied; then "#3", and "@RUN_ID:COUNT" where keys were evicted
 * and once, outside of the partitions, in whatever slot that is: NAME:layout, "3:P". No key has a time to live. Layouts
 * 1 (a string a lead) and 2 (a sorted set of wake-ups), whose positions have no "#3", are taken for nothing, and made
 * anew. The layout is no promise: other programs use `leadclock inspect` and the topics. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/store.h>

typedef struct {
    /* redis://[user:password@]host:port/db; unix:///path[?db=N]; redis+sentinel://[user:password@]S1:port,S2/NAME/db:
     * the sentinels tell where the master NAME is; redis+cluster://[user:password@]H1:port,H2: some of its nodes.
     * With rediss for redis: TLS, to all of these. */
    const char *url;
    const char *user, *password;                        /* or NULL; override those of the URL */
    const char *sentinel_user, *sentinel_password;      /* or NULL: the sentinels ask for none */
    const char *password_file, *sentinel_password_file; /* hold them instead, read at each connection; or NULL */
    /* TLS, or NULL: PEM files (the CA: the system's), the name in the certificate (the host's). */
    const char *ca, *certificate, *key, *server_name;
    const char *name; /* prefix of every key */
} lc_redis_options;

/* Of hiredis: its version ("1.2.0"; static), and whether it has TLS. */
const char *lc_redis_library_version(void);
bool lc_redis_has_tls(void);

/* Whether it names another database than 0, which is to be selected. */
bool lc_redis_selects(const char *url);

/* All options are copied. LC_ERROR_CONFIG: a URL that can't be used. Connects to nothing yet. */
lc_store *lc_redis_store_new(const lc_redis_options *options, GError **error);

/* For how many partitions the keys there were made; 0: there are none. LC_ERROR_CONFIG: a server that must not be used.
 */
bool lc_redis_partitions(const lc_redis_options *options, int32_t *partitions, GError **error);

/* Removes every key of the name, for however many partitions they were made. Nobody may be using them. */
bool lc_redis_forget(const lc_redis_options *options, GError **error);

/* How often a store of this process saw that keys had been evicted, so that what Redis has is made anew. Any thread. */
uint64_t lc_redis_evictions_seen(void);

/* The hash tag of partition p of P (g_free). */
char *lc_redis_tag(int32_t partition, int32_t partitions);
