/* form.c - what a body is, by its Content-Type. */
#include <leadclock/ingest.h>

static const struct {
    const char *type;
    lc_form form;
} forms[] = {
    {"application/json", LC_FORM_JSON},
    {"application/x-ndjson", LC_FORM_LINES},
    {"application/ndjson", LC_FORM_LINES},
    {"application/jsonl", LC_FORM_LINES},
    {"application/cloudevents+json", LC_FORM_EVENT},
    {"application/cloudevents-batch+json", LC_FORM_EVENTS},
};

/* Of parameters only a charset counts: JSON is UTF-8. */
static bool
is_utf8(char **parameters)
{
    for (; *parameters; parameters++) {
        char *parameter = g_strstrip(*parameters);
        if (g_ascii_strncasecmp(parameter, "charset=", strlen("charset=")) != 0)
            continue;
        g_strdelimit(parameter, "\"", ' ');
        const char *charset = g_strstrip(parameter + strlen("charset="));
        if (g_ascii_strcasecmp(charset, "utf-8") != 0 && g_ascii_strcasecmp(charset, "us-ascii") != 0)
            return false;
    }
    return true;
}

lc_form
lc_form_of(const char *content_type, bool has_headers)
{
    g_auto(GStrv) parts = g_strsplit(content_type ? content_type : "", ";", -1);
    if (parts[0] == NULL || !is_utf8(parts + 1))
        return LC_FORM_UNKNOWN;
    const char *type = g_strstrip(parts[0]);
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        if (g_ascii_strcasecmp(forms[i].type, type) == 0)
            return forms[i].form == LC_FORM_JSON && has_headers ? LC_FORM_BINARY : forms[i].form;
    return LC_FORM_UNKNOWN;
}
