/* shifted_clock.c - to be preloaded: a wall clock that is wrong by as many milliseconds as the file LC_CLOCK_FILE says,
 * at any moment anew. The monotonic clocks are right. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000LL
#define READ_EVERY_NS (NS_PER_S / 20)

static int64_t
true_ns(clockid_t clock)
{
    struct timespec now;

    syscall(SYS_clock_gettime, clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t
error_ns(void)
{
    static _Atomic int64_t read_at, error_ms;
    int64_t now = true_ns(CLOCK_MONOTONIC);
    const char *path = getenv("LC_CLOCK_FILE");

    if (path && (read_at == 0 || now - read_at > READ_EVERY_NS)) {
        read_at = now;
        FILE *file = fopen(path, "re");
        long long found;
        if (file && fscanf(file, "%lld", &found) == 1)
            error_ms = found;
        if (file)
            fclose(file);
    }
    return error_ms * (NS_PER_S / 1000);
}

static struct timespec
timespec_of(int64_t ns)
{
    return (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, now);
    *now = timespec_of(true_ns(CLOCK_REALTIME) + error_ns());
    return 0;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int64_t ns = true_ns(CLOCK_REALTIME) + error_ns();

    (void)zone;
    *now = (struct timeval){ns / NS_PER_S, ns % NS_PER_S / 1000};
    return 0;
}

time_t
time(time_t *now)
{
    time_t seconds = (time_t)((true_ns(CLOCK_REALTIME) + error_ns()) / NS_PER_S);

    if (now)
        *now = seconds;
    return seconds;
}

int
timespec_get(struct timespec *now, int base)
{
    *now = timespec_of(true_ns(CLOCK_REALTIME) + error_ns());
    return base;
}

/* Waits until a wall time that was reckoned by the wrong clock; the kernel has the right one. */
static struct timespec
corrected(const struct timespec *until)
{
    int64_t ns = until->tv_sec * NS_PER_S + until->tv_nsec;
    bool is_wall_time = ns > true_ns(CLOCK_REALTIME) / 2;

    return timespec_of(is_wall_time ? ns - error_ns() : ns);
}

int
pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                       const struct timespec *restrict until)
{
    static _Atomic(int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *)) real;
    struct timespec right = corrected(until);

    if (real == NULL) {
        /* The oldest version of x86-64 has another layout. */
        void *found = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
        real = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))(
            found ? found : dlsym(RTLD_NEXT, "pthread_cond_timedwait"));
    }
    return real(cond, mutex, &right);
}

int
cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    static _Atomic(int (*)(cnd_t *, mtx_t *, const struct timespec *)) real;
    struct timespec right = corrected(until);

    if (real == NULL)
        real = (int (*)(cnd_t *, mtx_t *, const struct timespec *))dlsym(RTLD_NEXT, "cnd_timedwait");
    return real(cond, mutex, &right);
}
