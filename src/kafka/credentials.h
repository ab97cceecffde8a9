/* credentials.h - a password in a file, which the clients of this process log in by: what is in it now. */
#pragma once

#include "client.h"

/* Sets sasl.password and ssl.key.password of a client that is about to be made, and hears of its end. LC_ERROR_CONFIG:
 * a file that can't be read. */
bool lc_credentials_give(rd_kafka_conf_t *conf, const lc_kafka_options *options, GError **error);

/* One that was made: it is given what the file holds later, as long as it lives. */
void lc_credentials_join(rd_kafka_t *client);
