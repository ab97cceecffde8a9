/* frame.c - what is around the answers: where one is, where one may go, how far what is shown reaches. */
#include "frame.h"

static const struct {
    const char *path, *title;
} places[] = {
    {"/", "Now"},
    {"/worklist", "Work list"},
    {"/promises", "Promises"},
    {"/channels", "Channels"},
    {"/routes", "Rejections and routes"},
    {"/service", "Service"},
};

static void
write_places(GString *out, const char *path)
{
    g_string_append(out, "<nav aria-label=\"Pages\"><ul>\n");
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
        g_string_append_printf(out, "<li><a href=\"%s\"%s>%s</a></li>\n", places[i].path,
                               strcmp(places[i].path, path) == 0 ? " aria-current=\"page\"" : "", places[i].title);
    g_string_append(out, "</ul></nav>\n"
                         "<form action=\"/lead\" role=\"search\"><label for=\"id\">Lead</label> "
                         "<input id=\"id\" name=\"id\" required maxlength=\"255\" autocomplete=\"off\"> "
                         "<button>Show</button></form>\n");
}

static void
write_head(GString *out, const lc_frame *frame)
{
    g_string_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    lc_html_text(out, frame->report ? lc_answers_title(frame->report) : "No such page");
    g_string_append(out, " - Leadclock</title>\n<link rel=\"icon\" href=\"/icon.svg\">\n"
                         "<link rel=\"stylesheet\" href=\"/style.css\">\n"
                         "<script src=\"/live.js\" defer></script>\n</head>\n<body>\n"
                         "<a class=\"skip\" href=\"#main\">To the content</a>\n"
                         "<header><p class=\"name\">Leadclock</p>\n");
    write_places(out, frame->path);
    g_string_append(out, "</header>\n<main id=\"main\">\n");
}

static void
write_state(GString *out, const lc_frame *frame)
{
    g_string_append(out, frame->is_whole ? "<p class=\"state\">" : "<p class=\"state warn\"><strong>Mind:</strong> ");
    lc_html_text(out, frame->state);
    g_string_append(out, "</p>\n");
}

/* Of pages that look back. */
static void
write_spans(GString *out, const char *path, unsigned shown)
{
    if (strcmp(path, "/promises") != 0 && strcmp(path, "/routes") != 0)
        return;
    g_string_append(out, "<p class=\"spans\">Leads handed off in the last ");
    for (size_t i = 0; i < 3; i++) {
        static const unsigned days[] = {7, 30, 90};
        g_string_append_printf(out, "%s<a href=\"%s?days=%u\"%s>%u days</a>", i ? ", " : "", path, days[i],
                               days[i] == shown ? " aria-current=\"true\"" : "", days[i]);
    }
    g_string_append(out, "</p>\n");
}

void
lc_frame_write(GString *out, const lc_frame *frame)
{
    write_head(out, frame);
    write_state(out, frame);
    write_spans(out, frame->path, frame->days);
    if (frame->report) {
        lc_answers_write_part(out, frame->report, frame->link);
    } else {
        g_string_append(out, "<h1>Nothing here</h1>\n<p>");
        lc_html_text(out, frame->problem);
        g_string_append(out, "</p>\n");
    }
    g_string_append(out, "</main>\n<p id=\"live\" role=\"status\"></p>\n</body>\n</html>\n");
}
