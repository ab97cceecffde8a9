/* process.c - figures of this process and of this build, by the names that every exporter gives them. */
#include <leadclock/service.h>

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics */

static void
write_one(GString *text, const char *name, const char *type, double value, const char *help)
{
    lc_metrics_family(text, name, type, help);
    lc_metrics_sample(text, name, value, NULL);
}

static double
seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* proc(5): field 22 of /proc/self/stat is when it started, in ticks since the boot, whose time /proc/stat has. 0: not
 * known. */
static double
find_start_time(void)
{
    g_autofree char *own = NULL, *machine = NULL;
    unsigned long long ticks;
    if (!g_file_get_contents("/proc/self/stat", &own, NULL, NULL) ||
        !g_file_get_contents("/proc/stat", &machine, NULL, NULL))
        return 0;
    const char *fields = strrchr(own, ')'), *boot = strstr(machine, "\nbtime ");
    if (fields == NULL || boot == NULL ||
        sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) !=
            1)
        return 0;
    return g_ascii_strtod(boot + strlen("\nbtime "), NULL) + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void
write_memory(GString *text)
{
    g_autofree char *pages = NULL;
    unsigned long long size, resident;
    if (!g_file_get_contents("/proc/self/statm", &pages, NULL, NULL) ||
        sscanf(pages, "%llu %llu", &size, &resident) != 2)
        return;
    double page_bytes = (double)sysconf(_SC_PAGESIZE);
    write_one(text, "process_virtual_memory_bytes", "gauge", (double)size * page_bytes, "Virtual memory.");
    write_one(text, "process_resident_memory_bytes", "gauge", (double)resident * page_bytes, "Resident memory.");
}

static void
write_descriptors(GString *text)
{
    g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
    struct rlimit limit;
    int n = -1; /* the one by which they are counted */
    if (folder == NULL || getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    while (g_dir_read_name(folder))
        n++;
    write_one(text, "process_open_fds", "gauge", n, "Open file descriptors.");
    write_one(text, "process_max_fds", "gauge", (double)limit.rlim_cur, "At most so many may be open.");
}

void
lc_metrics_process(GString *text)
{
    struct rusage usage;
    double started = find_start_time();
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        write_one(text, "process_cpu_seconds_total", "counter", seconds(usage.ru_utime) + seconds(usage.ru_stime),
                  "CPU time, user and system.");
    write_memory(text);
    write_descriptors(text);
    if (started > 0)
        write_one(text, "process_start_time_seconds", "gauge", started, "When it was started, in Unix time.");
}

void
lc_metrics_build(GString *text, const char *zone_data)
{
    lc_metrics_family(text, "leadclock_build_info", "gauge",
                      "1, with the version, and that of the time zone data that policies were read with.");
    lc_metrics_sample(text, "leadclock_build_info", 1, "version", LC_VERSION, zone_data ? "time_zone_data" : NULL,
                      zone_data, NULL);
}
