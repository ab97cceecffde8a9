/* fiber.h - a worker as a coroutine: it runs until it waits, and may be dropped wherever it waits. */
#pragma once

#include <stdbool.h>

typedef struct sim_fiber sim_fiber;

/* `run` is called by the first resume. */
sim_fiber *sim_fiber_new(void (*run)(void *data), void *data);
/* Runs the fiber until it yields or ends. False: it has ended. */
bool sim_fiber_resume(sim_fiber *fiber);
/* Within the fiber: back to who resumed it. */
void sim_fiber_yield(sim_fiber *fiber);
/* Of a fiber that does not run; one that has not ended is dropped where it stands. */
void sim_fiber_free(sim_fiber *fiber);
