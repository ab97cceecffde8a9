/* writer.c - room for what is written, and what takes more than a few lines to write. */
#include "writer.h"

#include <leadclock/calendar.h>

/* Half as much again, so that growing by little costs little; what GLib can't count is nothing that a batch may hold
 * (engine.h), so there is no going on. */
void
lc_writer_grow(lc_writer *writer, size_t bytes)
{
    size_t used = writer->out->data ? (size_t)(writer->at - writer->out->data) : 0;
    size_t needed = lc_size_sum(used, MAX(bytes, LC_WRITER_STEP_BYTES));

    if (needed > G_MAXUINT)
        g_error("more than 4 GiB are to be written at once");
    g_byte_array_set_size(writer->out, (guint)needed);
    writer->at = writer->out->data + used;
    writer->end = writer->out->data + needed;
}

void
lc_put_month(lc_writer *writer, int32_t month)
{
    char text[LC_MONTH_TEXT_BYTES];
    lc_put_text(writer, lc_text_of(lc_month_format(month, text)));
}
