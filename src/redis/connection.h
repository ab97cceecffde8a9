/* connection.h - one connection to Redis: commands are gathered and sent in one write, replies taken one by one, into
 * an arena.
 *
 * Blocking, with a time-out of 1 s (of a sentinel: 0.3 s). Whoever gets LC_ERROR_RETRY finds the connection closed; the
 * next lc_connection_open makes a new one. */
#pragma once

#include "address.h"

#include <hiredis/hiredis.h>

typedef struct {
    lc_redis_address address;
    lc_redis_endpoint at; /* the server connected to, or tried last; no host: a Unix socket */
    bool is_to_sentinel;
    bool has_answered; /* since it was connected to */

    redisContext *context; /* NULL: not connected */
    GString *out;          /* commands not yet sent */
    lc_arena *replies;     /* where replies go, by the caller's choice; before anything is received */
} lc_connection;

/* Takes over what `address` owns. */
void lc_connection_init(lc_connection *connection, lc_redis_address address);
void lc_connection_clear(lc_connection *connection);

/* Connects, authenticates and selects, unless that is done. By sentinels: to the one that they name and that says
 * itself that it is the master. */
bool lc_connection_open(lc_connection *connection, GError **error);
/* False: the sentinels name another by now. Where they don't answer, or are none, it is believed. */
bool lc_connection_is_to_master(lc_connection *connection);
void lc_connection_close(lc_connection *connection);

/* A command of `n` words, the words to follow. */
void lc_connection_command(lc_connection *connection, size_t n);
void lc_connection_word(lc_connection *connection, lc_text word);
/* One word of some parts. */
void lc_connection_parts(lc_connection *connection, const lc_text *parts, size_t n);
/* One word of two parts. */
void lc_connection_words(lc_connection *connection, lc_text first, lc_text second);
void lc_connection_number(lc_connection *connection, int64_t number);
/* A whole command of words without blanks, such as "MULTI". */
void lc_connection_say(lc_connection *connection, const char *words);

bool lc_connection_send(lc_connection *connection, GError **error);

/* The next reply, also one that is an error; NULL: the connection is lost. It lives in `replies`, with all its parts.
 */
const redisReply *lc_connection_receive(lc_connection *connection, GError **error);

/* The next reply; an error reply is an error of ours. */
const redisReply *lc_connection_expect(lc_connection *connection, GError **error);

/* Fills `error` from an error reply: LC_ERROR_CONFIG where only the operator can help. Always false. */
bool lc_connection_refuse(const redisReply *reply, GError **error);

/* The text of a string reply; absent for nil. */
lc_text lc_reply_text(const redisReply *reply);
