/* random.h - splitmix64: all chance of a simulation comes from one seed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} sim_random;

static inline uint64_t
sim_random_next(sim_random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0 to n - 1; 0 where n is 0. */
static inline uint32_t
sim_random_below(sim_random *random, uint32_t n)
{
    return n ? (uint32_t)(sim_random_next(random) % n) : 0;
}

/* `low` to `high`, both included. */
static inline int64_t
sim_random_between(sim_random *random, int64_t low, int64_t high)
{
    return low + (int64_t)(sim_random_next(random) % (uint64_t)(high - low + 1));
}

/* True `parts` times in a million. */
static inline bool
sim_random_chance(sim_random *random, uint32_t parts)
{
    return parts && sim_random_below(random, 1000000) < parts;
}
