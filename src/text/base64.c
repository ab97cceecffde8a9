/* base64.c - base64 that is nothing else. */
#include <leadclock/text.h>

/* GLib's decoder passes over what is no base64, so what it found is written again and compared. */
GBytes *
lc_base64_read(const char *text)
{
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(text, &size);
    g_autofree char *again = g_base64_encode(bytes, size);
    size_t length = strcspn(text, "="), padding = strspn(text + length, "=");
    bool is_one = text[length + padding] == '\0' && padding <= 2 && strcspn(again, "=") == length &&
                  strncmp(text, again, length) == 0;

    return is_one ? g_bytes_new_take(g_steal_pointer(&bytes), size) : NULL;
}
