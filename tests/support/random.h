/* random.h - random numbers for property tests: a seed that is printed, and can be given again. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t state;
} lc_random;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t
lc_random_next(lc_random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 to bound - 1. */
static inline uint64_t
lc_random_below(lc_random *random, uint64_t bound)
{
    return lc_random_next(random) % bound;
}

static inline int
lc_random_chance(lc_random *random, unsigned percent)
{
    return lc_random_below(random, 100) < percent;
}

/* The seed after `--seed`, or one of the time; printed. */
static inline uint64_t
lc_random_seed(int argc, char **argv)
{
    uint64_t seed = (uint64_t)g_get_real_time();
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--seed") == 0)
            seed = g_ascii_strtoull(argv[i + 1], NULL, 10);
    printf("%s --seed %" G_GUINT64_FORMAT "\n", argv[0], seed);
    fflush(stdout);
    return seed;
}
