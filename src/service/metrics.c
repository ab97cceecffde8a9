/* metrics.c - the Prometheus text format. */
#include <leadclock/service.h>

#include <stdarg.h>

/* https://prometheus.io/docs/instrumenting/exposition_formats/ */

void
lc_metrics_family(GString *text, const char *name, const char *type, const char *help)
{
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
append_label_value(GString *text, const char *value)
{
    for (const char *c = value; *c; c++) {
        if (*c == '\n')
            g_string_append(text, "\\n");
        else if (*c == '"' || *c == '\\')
            g_string_append_printf(text, "\\%c", *c);
        else
            g_string_append_c(text, *c);
    }
}

void
lc_metrics_sample(GString *text, const char *name, double value, ...)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    const char *label, *separator = "{";
    va_list labels;

    g_string_append(text, name);
    va_start(labels, value);
    while ((label = va_arg(labels, const char *))) {
        g_string_append_printf(text, "%s%s=\"", separator, label);
        append_label_value(text, va_arg(labels, const char *));
        g_string_append_c(text, '"');
        separator = ",";
    }
    va_end(labels);
    g_string_append_printf(text, "%s %s\n", *separator == ',' ? "}" : "",
                           g_ascii_formatd(number, sizeof number, "%.15g", value));
}

void
lc_metrics_histogram(GString *text, const char *name, const int64_t *bounds_ms, const uint64_t *counts, size_t n,
                     double sum_ms)
{
    g_autofree char *bucket = g_strconcat(name, "_bucket", NULL), *sum = g_strconcat(name, "_sum", NULL),
                    *count = g_strconcat(name, "_count", NULL);
    uint64_t below = 0;

    for (size_t i = 0; i < n; i++) {
        char bound[G_ASCII_DTOSTR_BUF_SIZE] = "+Inf";
        if (i < n - 1)
            g_ascii_formatd(bound, sizeof bound, "%.15g", (double)bounds_ms[i] / 1000);
        below += counts[i];
        lc_metrics_sample(text, bucket, (double)below, "le", bound, NULL);
    }
    lc_metrics_sample(text, sum, sum_ms / 1000, NULL);
    lc_metrics_sample(text, count, (double)below, NULL);
}
