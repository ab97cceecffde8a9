/* writer.c - room for what is written, and what takes more than a few lines to write. */
#include "writer.h"

#include <leadclock/calendar.h>

/* What GLib can't count is more than a batch may hold (engine.h): there is no going on. */
uint8_t *
lc_writer_grow(lc_writer *writer, size_t used, size_t bytes)
{
    size_t needed = lc_size_sum(used, MAX(bytes, LC_WRITER_STEP_BYTES));
    if (needed > G_MAXUINT)
        g_error("more than 4 GiB are to be written at once");
    g_byte_array_set_size(writer->out, (guint)needed);
    writer->end = writer->out->data + needed;
    return writer->out->data + used;
}

uint8_t *
lc_put_month(lc_writer *writer, uint8_t *at, int32_t month)
{
    char text[LC_MONTH_TEXT_BYTES];
    return lc_put_text(writer, at, lc_text_of(lc_month_format(month, text)));
}
