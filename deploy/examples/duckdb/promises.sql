-- promises.sql - the counters that rows do not determine, made of the facts, what the policy promises, and the rows.
-- A clock that was kept leaves no row. It was kept where a fact came that meets it, and no row says that it was broken
-- before: so no calendar is needed here but for one question (renewals). What many ask is a table, made once. Rules are those of the lead policy (4.4, 5.2 and so on).

-- ---- Which fact belongs to which cycle ----

-- The same id in the same lead is the same fact. At which time a contact counts is the policy's to say (1.2).
create or replace table moments as
select row_number() over (partition by lead_id order by effective_at, rank, event_id) as n, * from (
    select facts.*, case when type = 'LeadContacted' and logged then coalesce(recorded_at, occurred_at)
                         else occurred_at end as effective_at
    from (select * from facts qualify row_number() over (partition by lead_id, event_id order by arrived) = 1) facts
    asof left join (select case when row_number() over (order by effective_from) = 1 then '-infinity'::timestamp
                                else effective_from end as since, logged from policies) on occurred_at >= since);

-- Of cycles, what is needed here, and no name that facts have too.
create or replace view passages as
select cycle_id, lead_id, cycle, policy, rule, handoff_at, settled_at, cause, first_contact_due_at from cycles;

-- The fact that began each cycle: of several hand-offs at one instant the first began the first.
create or replace table openers as
select passages.*, moment.n as opener, moment.type = 'LeadCreated' as is_created, moment.owner as first_owner,
       case when moment.type = 'LeadCreated' then moment.follow_up_at end as asked_for
from (select *, row_number() over (partition by lead_id, handoff_at order by cycle) as k,
             row_number() over (partition by lead_id order by handoff_at, cycle) = 1 as is_first from passages) passages
join (select *, row_number() over (partition by lead_id, effective_at order by n) as k from moments
      where type in ('LeadCreated', 'LeadAssigned')) moment
  on moment.lead_id = passages.lead_id and moment.effective_at = handoff_at and moment.k = passages.k;

-- All facts from the hand-off to before the next one.
create or replace table own_facts as
select cycle_id, settled_at, cause, policy, next_opener, moments.* from (
    select *, lead(opener) over (partition by lead_id order by handoff_at, cycle) as next_opener from openers) join moments using (lead_id)
where n > opener and (next_opener is null or n < next_opener);

-- Of what can settle a cycle (4.6, 4.7, 4.13) the first at that instant did; a gate did at once; a clock does after the
-- facts of its instant.
create or replace macro settles(cause, type, closes) as
    coalesce(cause = 'REJECTED' and type = 'LeadRejected' or cause = 'MERGED' and type = 'LeadMerged'
             or cause = 'COMPLETED' and type = 'LeadProgressed' and closes is not null, false);
create or replace macro is_gate(cause) as coalesce(cause in ('COOLDOWN', 'OPEN_DIALOGUE', 'NOT_QUALIFIED'), false);

-- What is outside of any cycle shortly before a hand-off is given to it, as if it were at that instant (4.4).
create or replace table given_facts as
with outside as (
    select * from own_facts left join (
        select cycle_id, min(n) as closer from own_facts left join policy_stages using (policy, stage)
        where effective_at = settled_at and settles(cause, type, closes) group by cycle_id) using (cycle_id)
    where effective_at > settled_at or (effective_at = settled_at and (is_gate(cause) or n > closer))
    union all by name
    select moments.*, opener as next_opener from moments join openers using (lead_id) where is_first and n < opener
)
select openers.cycle_id, outside.lead_id, n, event_id, type, rank, outside.owner, outside.follow_up_at, connected, channel,
       attributes, stage, handoff_at as effective_at
from outside join openers on openers.lead_id = outside.lead_id and opener = next_opener join policies on policies.policy = openers.policy
where is_created and effective_at < handoff_at and effective_at >= handoff_at - clock_skew
  and type in ('LeadContacted', 'LeadAssigned', 'LeadRejected');

-- Both in order: `place`; the hand-off itself has none.
create or replace table placed as
select row_number() over (partition by cycle_id order by given desc, n) as place, * from (
    select cycle_id, lead_id, n, event_id, type, rank, owner, follow_up_at, connected, channel, attributes, stage, effective_at,
           false as given from own_facts
    union all by name select *, true as given from given_facts);

-- Whether each came while the cycle was open.
create or replace table told as
with closers as (
    select cycle_id, min(place) as closer from placed join passages using (cycle_id, lead_id)
    left join policy_stages using (policy, stage)
    where effective_at = settled_at and settles(cause, type, closes) group by cycle_id
)
select placed.*, not is_gate(cause) and coalesce(place <= closer, effective_at <= settled_at, true) as inside
from placed join passages using (cycle_id, lead_id) left join closers using (cycle_id);

create or replace view late_rejections as
select cycle_id from told
where type = 'LeadRejected' and not inside
  and (given or not exists (from given_facts where given_facts.lead_id = told.lead_id and given_facts.event_id = told.event_id));

-- ---- What meets clocks: contacts, and progress to a stage that the policy has ----

create or replace table touches as
select told.cycle_id, lead_id, policy, rule, place, effective_at, type, connected, stage, told.follow_up_at
from told join passages using (cycle_id, lead_id) left join policy_stages using (policy, stage)
where inside and (type = 'LeadContacted' or (type = 'LeadProgressed' and position is not null));

create or replace table late as select * from breaches where kind = 'LATE';

-- Reaching one stage shows that another was reached (4.10).
create or replace view shows as
select t.policy, t.stage, s.stage as shown from policy_stages t join policy_stages s using (policy)
where t.stage = s.stage or (s.position < t.position and coalesce(t.closes, '') <> 'lost' and s.closes is null);

-- ---- Each clock ----

create or replace view milestones_met as
select distinct cycle_id, milestone.stage from passages
join policy_milestones milestone using (policy, rule)
join touches using (cycle_id)
join shows on shows.policy = passages.policy and shows.stage = touches.stage and shows.shown = milestone.stage
where not exists (from late where late.cycle_id = passages.cycle_id and clock = 'milestone:' || milestone.stage);

-- A time that was asked for (5.2), to the one that takes its place: met by the first touch from its opening on.
create or replace table requests as
with asked as (
    select cycle_id, policy, rule, 0 as place, handoff_at as effective_at, asked_for as wanted_at from openers where asked_for > handoff_at
    union all
    select cycle_id, policy, rule, place, effective_at, follow_up_at from touches where type = 'LeadContacted' and follow_up_at > effective_at
), lasting as (
    select asked.*, early, lead(place) over (partition by cycle_id order by place) as replaced,
           lead(effective_at) over (partition by cycle_id order by place) as replaced_at
    from asked join policy_rules using (policy, rule) where requested
)
select lasting.*,
       (select min(breached_at) from late where late.cycle_id = lasting.cycle_id and clock = 'requested'
            and breached_at > lasting.effective_at and (replaced_at is null or breached_at < replaced_at)) as broken_at,
       (select min(touches.place) from touches where touches.cycle_id = lasting.cycle_id and touches.place > lasting.place
            and (replaced is null or touches.place <= replaced) and touches.effective_at >= wanted_at - early) as touched
from lasting;
create or replace view requests_met as
select requests.* from requests join touches on touches.cycle_id = requests.cycle_id and touches.place = touched
where broken_at is null or touches.effective_at <= broken_at;

-- After which touch a requested time still runs.
create or replace table waiting as
select touches.cycle_id, touches.place from touches
join requests on requests.cycle_id = touches.cycle_id and requests.place <= touches.place
             and (replaced is null or replaced > touches.place)
where (touched is null or touched > touches.place) and (broken_at is null or broken_at >= touches.effective_at);

-- Attempts that nobody answered (5.4) begin a follow-up; a requested time takes it away; an answer or progress meets it.
create or replace view follow_ups_met as
with so_far as (
    select *, max(case when connected or type = 'LeadProgressed' then 1 else 0 end) over (partition by cycle_id order by place) as answered,
           (select count(*) from requests where requests.cycle_id = touches.cycle_id and requests.place between 1 and touches.place) as requests_so_far
    from touches
), started as (
    select cycle_id, policy, rule, requests_so_far, min(place) as place from so_far
    where answered = 0 and (cycle_id, place) not in (from waiting) group by all
)
select distinct started.cycle_id from started join policy_rules using (policy, rule)
join touches using (cycle_id)
where follow_up and touches.place > started.place and (touches.connected or type = 'LeadProgressed')
  and not exists (from requests where requests.cycle_id = started.cycle_id and requests.place > started.place
                  and requests.place < touches.place)
  and not exists (from late where late.cycle_id = started.cycle_id and clock = 'follow_up')
union
select cycle_id from passages where cause = 'UNRESPONSIVE';

-- From each touch to the next (5.12), until a stage is reached or while no requested time runs.
create or replace view next_contacts_met as
with far as (
    select touches.*, next_contact, coalesce(shows.shown is not null, false) as is_far from touches
    join policy_rules using (policy, rule)
    left join shows on shows.policy = touches.policy and shows.stage = touches.stage and shows.shown = next_until
), pairs as (
    select *, max(is_far) over (partition by cycle_id order by place) as is_over,
           lead(effective_at) over of_cycle as next_at, lead(is_far) over of_cycle as next_is_far
    from far window of_cycle as (partition by cycle_id order by place)
)
select distinct cycle_id from pairs
where next_contact and not is_over and next_at is not null and not next_is_far and (cycle_id, place) not in (from waiting)
  and not exists (from late where late.cycle_id = pairs.cycle_id and clock = 'next_contact' and breached_at >= effective_at and breached_at < next_at);

-- After a miss another owner (5.9): the clock of the last owner is kept by the first touch of all.
create or replace view agains_met as
with owners as (
    select cycle_id, 0 as place, handoff_at as effective_at, first_owner as owner, true as is_set from openers
    union all
    select cycle_id, place, effective_at, owner, true from told where type = 'LeadAssigned' and inside
    union all
    select cycle_id, place, effective_at, owner, false from told where type = 'LeadContacted' and inside
), changes as (
    select *, coalesce(last_value(case when is_set then owner end ignore nulls) over before,
                       first_value(owner ignore nulls) over before) as owner_before
    from owners window before as (partition by cycle_id order by place rows between unbounded preceding and 1 preceding)
), missed as (
    select cycle_id, policy, rule, count(*) as misses, max(breached_at) as last_at from late
    where clock = 'first_contact' or clock like 'first_contact:%' group by all
)
select distinct cycle_id from missed join policy_rules using (policy, rule)
join changes using (cycle_id)
where misses <= again_times and place > 0 and is_set and owner is distinct from owner_before and effective_at > last_at
  and place < (select min(touches.place) from touches where touches.cycle_id = missed.cycle_id);

-- Asked again (5.10), by the rule that the duplicate itself falls under, where no first contact is due sooner.
create or replace table duplicates as
select told.*, passages.policy, passages.rule as cycle_rule, first_contact_due_at,
       (select min(position) from policy_rules where policy_rules.policy = passages.policy and not exists (
            from policy_conditions c where c.policy = policy_rules.policy and c.position = policy_rules.position
            and not coalesce(case when what = 'channel' then list_contains(among, told.channel)
                                  when what[1] = '=' then list_contains(among, told.attributes[what[2:]])
                                  else regexp_matches(told.attributes[what[2:]], '^-?[0-9]+([.][0-9]+)?$')
                                       and try_cast(told.attributes[what[2:]] as double) >= at_least end, false))) as position,
       (select min(touches.place) from touches where touches.cycle_id = told.cycle_id and touches.place > told.place) as touched,
       (select max(touches.effective_at) from touches where touches.cycle_id = told.cycle_id and touches.place < told.place) as touched_at
from told join passages using (cycle_id, lead_id)
where inside and type = 'LeadCreated';
create or replace view renewals as
select duplicates.*, calendar = 'always' or touched_at is not null as is_known   -- else only that it may be so
from duplicates join policy_rules using (policy, position)
where renew
  and not exists (from late where late.cycle_id = duplicates.cycle_id and (clock = 'renewed' or clock like 'first_contact%')
                  and breached_at < effective_at and (touched_at is null or touched_at < breached_at))
  and (touched_at is not null or first_contact_due_at is null
       or (policy_rules.rule <> cycle_rule and effective_at + within < first_contact_due_at));
create or replace view renewals_met as
select distinct renewals.cycle_id from renewals join touches on touches.cycle_id = renewals.cycle_id and touches.place = touched
where not exists (from late where late.cycle_id = renewals.cycle_id and clock = 'renewed'
                  and breached_at > renewals.effective_at and breached_at < touches.effective_at);

-- ---- What counts ----

create or replace view counted_by_facts as
select distinct cycle_id, 'rejected_late' as metric from late_rejections
union all select cycle_id, 'milestone_met:' || stage from milestones_met
union all select distinct cycle_id, 'requested_met' from requests_met
union all select cycle_id, 'follow_up_met' from follow_ups_met
union all select cycle_id, 'next_contact_met' from next_contacts_met
union all select cycle_id, 'again_met' from agains_met
union all select cycle_id, 'renewed_met' from renewals_met;

create or replace macro is_recomputed(metric) as true;
