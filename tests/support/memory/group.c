/* group.c - the consumer group in memory: generations, static members, assignment. */
#include "broker.h"

/* The group coordinator: generations, static members (KIP-345), the range assignor. */

lc_memory_member *
lc_memory_group_member(lc_memory_broker *broker, uint64_t id)
{
    for (guint i = 0; i < broker->group.members->len; i++) {
        lc_memory_member *member = g_ptr_array_index(broker->group.members, i);
        if (member->id == id)
            return member;
    }
    return NULL;
}

lc_memory_member *
lc_memory_group_instance(lc_memory_broker *broker, const char *instance)
{
    for (guint i = 0; i < broker->group.members->len; i++) {
        lc_memory_member *member = g_ptr_array_index(broker->group.members, i);
        if (strcmp(member->instance, instance) == 0)
            return member;
    }
    return NULL;
}

static void
rebalance(lc_memory_broker *broker)
{
    lc_memory_group *group = &broker->group;
    if (group->rebalancing)
        return;
    lc_memory_trace(broker->world, "group: rebalance");
    group->rebalancing = true;
    group->rebalance_began = lc_memory_now(broker->world);
    for (guint i = 0; i < group->members->len; i++)
        ((lc_memory_member *)g_ptr_array_index(group->members, i))->joined = false;
}

static int
by_instance(gconstpointer a, gconstpointer b)
{
    return strcmp((*(lc_memory_member *const *)a)->instance, (*(lc_memory_member *const *)b)->instance);
}

static void
assign(lc_memory_broker *broker)
{
    lc_memory_group *group = &broker->group;
    int32_t members = (int32_t)group->members->len, next = 0;
    g_ptr_array_sort(group->members, by_instance);
    for (int32_t i = 0; i < members; i++) {
        lc_memory_member *member = g_ptr_array_index(group->members, (guint)i);
        int32_t share = broker->n_partitions / members + (i < broker->n_partitions % members ? 1 : 0);
        g_array_set_size(member->assignment, 0);
        for (; share > 0; share--, next++)
            g_array_append_val(member->assignment, next);
    }
    group->generation++;
    group->rebalancing = false;
    lc_memory_trace(broker->world, "group: generation %" G_GINT64_FORMAT " of %d members", group->generation, members);
}

static bool
is_alive(lc_memory_broker *broker, lc_memory_member *member)
{
    lc_instant now = lc_memory_now(broker->world);
    if (member->client && !member->client->suspended)
        member->seen_at = now;
    return now - member->seen_at <= broker->limits.session_timeout;
}

static void
expel(lc_memory_broker *broker, bool (*stays)(lc_memory_broker *, lc_memory_member *))
{
    GPtrArray *members = broker->group.members;
    for (guint i = 0; i < members->len;) {
        lc_memory_member *member = g_ptr_array_index(members, i);
        if (stays(broker, member)) {
            i++;
            continue;
        }
        lc_memory_trace(broker->world, "group: %s is expelled", member->instance);
        g_ptr_array_remove_index(members, i);
        rebalance(broker);
    }
}

static bool
has_joined(lc_memory_broker *broker, lc_memory_member *member)
{
    (void)broker;
    return member->joined;
}

static bool
all_joined(lc_memory_broker *broker)
{
    for (guint i = 0; i < broker->group.members->len; i++)
        if (!((lc_memory_member *)g_ptr_array_index(broker->group.members, i))->joined)
            return false;
    return true;
}

void
lc_memory_group_tick(lc_memory_broker *broker)
{
    lc_memory_group *group = &broker->group;
    expel(broker, is_alive);
    if (!group->rebalancing)
        return;
    if (lc_memory_now(broker->world) - group->rebalance_began > broker->limits.rebalance_timeout)
        expel(broker, has_joined);
    if (group->members->len == 0)
        group->rebalancing = false;
    else if (all_joined(broker))
        assign(broker);
}

static lc_memory_member *
add_member(lc_memory_broker *broker, const char *instance)
{
    lc_memory_member *member = g_new0(lc_memory_member, 1);
    member->instance = g_strdup(instance);
    member->assignment = g_array_new(FALSE, FALSE, sizeof(int32_t));
    g_ptr_array_add(broker->group.members, member);
    rebalance(broker);
    return member;
}

void
lc_memory_group_join(lc_memory_broker *broker, lc_memory_log *client)
{
    lc_memory_member *member = lc_memory_group_instance(broker, client->instance);
    if (member == NULL)
        member = add_member(broker, client->instance);
    if (member->id == 0 || member->id != client->member_id)
        member->id = ++broker->group.last_member_id;
    member->client = client;
    g_free(member->transactional_id);
    member->transactional_id = g_strdup(client->coordinator->id);
    member->seen_at = lc_memory_now(broker->world);
    member->joined = true;
    client->member_id = member->id;
    lc_memory_group_tick(broker);
}

void
lc_memory_group_forget(lc_memory_broker *broker, lc_memory_log *client)
{
    for (guint i = 0; i < broker->group.members->len; i++) {
        lc_memory_member *member = g_ptr_array_index(broker->group.members, i);
        if (member->client == client)
            member->client = NULL;
    }
}
