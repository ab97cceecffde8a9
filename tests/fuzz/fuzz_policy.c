/* fuzz_policy.c - any text is a policy or is refused with a place; a policy that was taken can be asked anything. */
#include <leadclock/policy.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 2 KiB of its own on some long quoted scalars. Documents that we forget would be its memory too:
 * the unit tests look for those, with the leak check whole. */
const char *
__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

static void
ask_clock(const lc_clock_rule *clock)
{
    lc_instant start = 1770022800000;
    lc_duration target = lc_clock_rule_target(clock, start);
    lc_instant due = lc_calendar_add(clock->calendar, start, target);
    g_assert_true(target > 0 && due > start && lc_calendar_last(clock->calendar, start, target) >= due);
    g_assert_true(due == LC_NEVER || lc_calendar_between(clock->calendar, start, due) == target);
    for (unsigned i = 0; i < clock->n_warnings; i++) {
        lc_duration part = lc_warning_part(&clock->warnings[i], target);
        g_assert_true(part < target && (part > 0 || (part == 0 && clock->working_days >= 0)));
    }
    for (unsigned i = 0; i < clock->n_escalations; i++)
        g_assert_true(clock->escalations[i].after > 0 &&
                      (i == 0 || clock->escalations[i - 1].after <= clock->escalations[i].after));
}

static void
ask_rule(const lc_policy *policy, const lc_rule *rule)
{
    if (rule->has_first_contact)
        ask_clock(&rule->first_contact);
    if (rule->reassign)
        ask_clock(&rule->again_contact);
    if (rule->has_requested_time)
        ask_clock(&rule->requested_time);
    if (rule->has_follow_up)
        ask_clock(&rule->follow_up);
    if (rule->has_next_contact)
        ask_clock(&rule->next_contact);
    for (unsigned i = 0; i < rule->n_milestones; i++)
        ask_clock(&rule->milestones[i].clock);
    ask_clock(&rule->clawback);
    g_assert_true(!rule->reassign || (rule->again_times >= 1 && rule->again_times <= 9));
    g_assert_true(rule->head_start >= 0 && rule->pause_at_most >= 0);
    g_assert_true(rule->clawback_until < (int)policy->n_stages && rule->next_contact_until < (int)policy->n_stages);
}

static void
ask_policy(const lc_policy *policy)
{
    const lc_attribute attributes[] = {{LC_TEXT("segment"), LC_TEXT("smb")}, {LC_TEXT("employees"), LC_TEXT("200.5")}};
    g_assert_nonnull(lc_policy_rule(policy, LC_TEXT("demo"), attributes, G_N_ELEMENTS(attributes)));
    g_assert_true(lc_policy_reason(policy, LC_TEXT("other")) == (int)policy->other);
    lc_zone_month(policy->reporting_zone, 1770022800000);
    for (unsigned i = 0; i < policy->n_rules; i++)
        ask_rule(policy, &policy->rules[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book = lc_policy_book_parse("policy.yaml", (const char *)data, size, &error);
    g_assert_true((book == NULL) == (error != NULL));
    if (book) {
        g_autofree char *explanation = lc_policy_book_explain(book),
                        *warnings = lc_policy_book_warnings(book, 1770022800000);
        g_autofree char *hash = lc_policy_book_hash(book, 0);
        g_assert_true(explanation[0] && strlen(hash) == 64 && (warnings == NULL || warnings[0]));
        ask_policy(lc_policy_book_get(book, 0));
    } else
        g_assert_true(g_str_has_prefix(error->message, "policy.yaml:"));
    return 0;
}
