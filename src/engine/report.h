/* report.h - how a worker stands, counted and shown to others. */
#pragma once

#include <leadclock/engine.h>

void lc_histogram_add(lc_histogram *histogram, int64_t ms);
/* `fact` NULL: a wake-up. */
void lc_tally_judgement(lc_worker_tally *tally, const lc_fact *fact, const lc_judgement *judgement);
/* Lets others see how the worker stands. */
void lc_worker_publish_report(lc_worker *worker);
