/* Where a replay stands: its arrays, begun anew, forked and added to. */
#include "replay.h"

void
lc_replay_init(lc_replay *replay, const lc_policy_book *book, const lc_clocks_book *clocks)
{
    *replay = (lc_replay){
        .book = book,
        .clocks = clocks,
        .cycles = lc_array_new(lc_cycle),
        .findings = lc_array_new(lc_finding),
        .handovers = lc_array_new(lc_handover),
        .stages = lc_array_new(lc_stage_reached),
        .stage_bits = lc_array_new(uint64_t),
        .pauses = lc_array_new(lc_pause),
        .runs = lc_array_new(lc_clock_run),
        .waiting = lc_array_new(lc_moment),
        .given = lc_array_new(lc_moment),
    };
}

void
lc_replay_clear(lc_replay *replay)
{
    GArray *arrays[] = {replay->cycles, replay->findings, replay->handovers, replay->stages, replay->stage_bits,
                        replay->pauses, replay->runs,     replay->waiting,   replay->given};

    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_array_unref(arrays[i]);
}

void
lc_replay_begin(lc_replay *replay, lc_instant now)
{
    replay->now = now;
    lc_array_empty(replay->cycles);
    lc_array_empty(replay->findings);
    lc_array_empty(replay->handovers);
    lc_array_empty(replay->stages);
    lc_array_empty(replay->stage_bits);
    lc_array_empty(replay->pauses);
    lc_array_empty(replay->runs);
    lc_array_empty(replay->waiting);
    replay->first_number = 0;
    replay->cycle = NULL;
    replay->open = false;
    replay->cooldown_ends = LC_ABSENT;
    replay->quiet_until = LC_NEVER;
    replay->wake_at = LC_NEVER;
}

void
lc_array_grow(GArray *array, guint len)
{
    g_array_set_size(array, (len / LC_ARRAY_BLOCK + 1) * LC_ARRAY_BLOCK);
}

static void
append_slice(GArray *to, const GArray *from, size_t element_bytes, guint first, guint n)
{
    guint end = to->len;

    if (n == 0)
        return;
    lc_array_lengthen(to, n);
    memcpy(to->data + end * element_bytes, from->data + first * element_bytes, n * element_bytes);
}

static void
fork_cycle(lc_replay *to, const lc_replay *from)
{
    lc_cycle *cycle = lc_array_add(to->cycles, lc_cycle);

    *cycle = *from->cycle;
    append_slice(to->handovers, from->handovers, sizeof(lc_handover), cycle->handovers, cycle->n_handovers);
    append_slice(to->stages, from->stages, sizeof(lc_stage_reached), cycle->stages, cycle->n_stages);
    append_slice(to->stage_bits, from->stage_bits, sizeof(uint64_t), cycle->stage_sets,
                 LC_STAGE_SETS * lc_stage_words(cycle->policy));
    append_slice(to->pauses, from->pauses, sizeof(lc_pause), cycle->pauses, cycle->n_pauses);
    cycle->handovers = cycle->stages = cycle->stage_sets = cycle->pauses = 0;
    cycle->findings = cycle->n_findings = 0;
    to->cycle = cycle;
    to->first_number = from->first_number + from->cycles->len - 1;
}

void
lc_replay_fork(lc_replay *to, const lc_replay *from, lc_instant now)
{
    lc_replay_begin(to, now);
    if (from->cycle)
        fork_cycle(to, from);
    append_slice(to->waiting, from->waiting, sizeof(lc_moment), 0, from->waiting->len);
    to->open = from->open;
    to->cooldown_ends = from->cooldown_ends;
    to->cooldown_destination = from->cooldown_destination;
    to->cooldown_reason = from->cooldown_reason;
    to->quiet_until = from->quiet_until;
    to->wake_at = from->wake_at;
}

void
lc_replay_fork_clocks(lc_replay *to, const lc_replay *from)
{
    to->rule_clocks = from->rule_clocks;
    append_slice(to->runs, from->runs, sizeof(lc_clock_run), 0, from->runs->len);
}

lc_instant
lc_stage_reached_at(const lc_replay *replay, const lc_cycle *cycle, unsigned stage)
{
    const lc_stage_reached *named = lc_cycle_stages(replay, cycle);

    while (!lc_stage_shows(cycle->policy, (unsigned)lc_policy_stage(cycle->policy, named->stage), stage))
        named++;
    return named->at;
}

unsigned
lc_stage_age(const lc_cycle *cycle, lc_instant reached_at)
{
    return (unsigned)MIN((reached_at - cycle->handoff_at) / (30 * LC_DAY), LC_STAGE_AGES - 1);
}

static void
fill_in(const lc_cycle *cycle, lc_finding *finding, lc_outcome_type type, lc_instant at)
{
    finding->type = (uint8_t)type;
    finding->early = false;
    finding->matched = false;
    finding->attempts = cycle->attempts;
    finding->n_handovers = cycle->n_handovers;
    finding->occurred_at = at;
    finding->owner = cycle->owner;
}

lc_finding *
lc_replay_find(lc_replay *replay, lc_outcome_type type, lc_instant at)
{
    lc_finding *finding = lc_array_add(replay->findings, lc_finding);
    fill_in(replay->cycle, finding, type, at);
    replay->cycle->n_findings++;
    return finding;
}

lc_finding *
lc_replay_find_early(lc_replay *replay, lc_instant at)
{
    for (guint i = 0; i < replay->cycle->n_findings; i++) {
        lc_finding *finding = &g_array_index(replay->findings, lc_finding, replay->findings->len - 1 - i);
        if (finding->occurred_at != at)
            break;
        if (finding->type == LC_OUTCOME_BREACHED && finding->early) {
            fill_in(replay->cycle, finding, LC_OUTCOME_BREACHED, at);
            return finding;
        }
    }
    return lc_replay_find(replay, LC_OUTCOME_BREACHED, at);
}

void
lc_replay_route(lc_replay *replay, const lc_settlement *settlement)
{
    lc_finding *finding = lc_replay_find(replay, LC_OUTCOME_ROUTED, settlement->at);

    finding->by = (uint8_t)settlement->cause;
    finding->routed.destination = settlement->destination;
    finding->routed.reason = settlement->reason;
    finding->routed.to_owner = settlement->to_owner;
    finding->routed.rejected_by = settlement->rejected_by;
    finding->routed.resume_at = settlement->resume_at;
}
