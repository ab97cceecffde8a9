/* credentials.h - a password in a file, which the clients of this process log in by: what is in it now. */
#pragma once

#include "client.h"

/* Sets sasl.password and ssl.key.password of a client that is about to be made, and hears of it as long as it lives.
 * LC_ERROR_CONFIG: a file that can't be read. */
bool lc_credentials_give(rd_kafka_conf_t *conf, const lc_kafka_options *options, GError **error);

/* A connection ended: the next one is to log in by what the file holds by then. Takes no time. Any thread. */
void lc_credentials_look(void);
