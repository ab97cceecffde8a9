/* make_avro_seeds AVRO-FOLDER STATE-FOLDER FACTS... - seeds of fuzz_avro and fuzz_state from files of JSON facts. */
#include <leadclock/codec.h>

#include <stdio.h>

static void
write_seed(const char *folder, const char *kind, unsigned number, const GByteArray *bytes)
{
    g_autofree char *path = g_strdup_printf("%s/%s-%u", folder, kind, number);
    if (!g_file_set_contents(path, (const char *)bytes->data, bytes->len, NULL))
        fprintf(stderr, "make_avro_seeds: can't write %s\n", path);
}

static void
write_fact(const char *folder, unsigned number, lc_text lead_id, const lc_fact *fact)
{
    static const guint8 frame[LC_FRAME_BYTES] = {0, 0, 0, 0, 1};
    lc_schema schema = lc_fact_schema(fact->type);
    g_autoptr(GByteArray) seed = g_byte_array_new();
    const char *text = lc_schema_text(schema);
    g_byte_array_append(seed, (const guint8 *)text, (guint)strlen(text) + 1);
    g_byte_array_append(seed, frame, sizeof frame);
    lc_encode_fact(seed, lead_id, fact);
    write_seed(folder, lc_schema_record_name(schema), number, seed);
}

static void
write_lead(const char *folder, unsigned number, lc_text lead_id, GArray *facts)
{
    lc_lead lead = {.id = lead_id,
                    .judged_at = number % 2 ? LC_ABSENT : 1767225600000,
                    .wake_at = number % 3 ? 1767225600000 : LC_NEVER,
                    .erased_at = LC_ABSENT,
                    .facts = (lc_fact *)facts->data,
                    .n_facts = facts->len};
    g_autoptr(GByteArray) seed = g_byte_array_new();
    lc_encode_lead(seed, &lead);
    write_seed(folder, "lead", number, seed);
}

static void
write_seeds(char **folders, const char *path, unsigned *number)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    g_autoptr(GArray) facts = g_array_new(FALSE, FALSE, sizeof(lc_fact));
    lc_arena arena = {0};
    for (char **line = lines; *line; line++) {
        lc_fact fact;
        lc_text lead_id;
        lc_instant arrived_at;
        if (!lc_json_read_fact(*line, strlen(*line), &arena, &fact, &lead_id, &arrived_at, NULL))
            continue;
        if (facts->len == 5)
            g_array_set_size(facts, 0);
        g_array_append_val(facts, fact);
        write_fact(folders[0], *number, lead_id, &fact);
        write_lead(folders[1], *number, lead_id, facts);
        ++*number;
    }
    lc_arena_clear(&arena);
}

int
main(int argc, char **argv)
{
    unsigned number = 0;
    if (argc < 4) {
        fprintf(stderr, "Usage: make_avro_seeds AVRO-FOLDER STATE-FOLDER FACTS...\n");
        return 2;
    }
    for (int i = 3; i < argc; i++)
        write_seeds(argv + 1, argv[i], &number);
    printf("%u seeds each\n", number);
    return 0;
}
