/* fiber.c - a stack of its own for each worker, so that any call can wait. */
#include "fiber.h"

#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES ((size_t)1024 * 1024)

struct sim_fiber {
    void (*run)(void *data);
    void *data;
    ucontext_t own, caller;
    void *stack;
    bool ended;
    void *fake_stack; /* ASan's, of whoever is switched away from */
    const void *caller_stack;
    size_t caller_stack_bytes;
};

/* ASan must be told of every change of stack. */
static void
before_switch(void **fake_stack, const void *stack, size_t bytes)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(fake_stack, stack, bytes);
#else
    (void)fake_stack;
    (void)stack;
    (void)bytes;
#endif
}

static void
after_switch(void *fake_stack, const void **stack, size_t *bytes)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, stack, bytes);
#else
    (void)fake_stack;
    (void)stack;
    (void)bytes;
#endif
}

static void
enter(unsigned low, unsigned high)
{
    sim_fiber *fiber = (sim_fiber *)(((uintptr_t)high << 32) | low);
    after_switch(NULL, &fiber->caller_stack, &fiber->caller_stack_bytes);
    fiber->run(fiber->data);
    fiber->ended = true;
    before_switch(NULL, fiber->caller_stack, fiber->caller_stack_bytes);
    swapcontext(&fiber->own, &fiber->caller);
}

sim_fiber *
sim_fiber_new(void (*run)(void *data), void *data)
{
    sim_fiber *fiber = g_new0(sim_fiber, 1);
    uintptr_t address = (uintptr_t)fiber;
    fiber->run = run;
    fiber->data = data;
    fiber->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    g_assert(fiber->stack != MAP_FAILED);
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = fiber->stack;
    fiber->own.uc_stack.ss_size = STACK_BYTES;
    fiber->own.uc_link = NULL;
    makecontext(&fiber->own, (void (*)(void))enter, 2, (unsigned)address, (unsigned)(address >> 32));
    return fiber;
}

bool
sim_fiber_resume(sim_fiber *fiber)
{
    void *fake_stack = NULL;
    g_assert(!fiber->ended);
    before_switch(&fake_stack, fiber->stack, STACK_BYTES);
    swapcontext(&fiber->caller, &fiber->own);
    after_switch(fake_stack, NULL, NULL);
    return !fiber->ended;
}

void
sim_fiber_yield(sim_fiber *fiber)
{
    before_switch(&fiber->fake_stack, fiber->caller_stack, fiber->caller_stack_bytes);
    swapcontext(&fiber->own, &fiber->caller);
    after_switch(fiber->fake_stack, &fiber->caller_stack, &fiber->caller_stack_bytes);
}

void
sim_fiber_free(sim_fiber *fiber)
{
#ifdef WITH_ASAN
    /* The frames it was dropped in leave their poison behind. */
    __asan_unpoison_memory_region(fiber->stack, STACK_BYTES);
#endif
    munmap(fiber->stack, STACK_BYTES);
    g_free(fiber);
}
