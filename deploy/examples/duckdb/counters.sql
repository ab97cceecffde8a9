-- counters.sql - the counters of section 7 of the lead policy, made anew from the rows: one row a (channel, cohort, metric)
-- in the view `recomputed`, those of leads.tables.counters in `published`, where they differ in `differences`.

-- Since when a cycle had had its first contact, as the counters name it.
create or replace macro step_of(ms) as case
    when ms <= 60_000 then '1m'
    when ms <= 300_000 then '5m'
    when ms <= 900_000 then '15m'
    when ms <= 3_600_000 then '1h'
    when ms <= 14_400_000 then '4h'
    when ms <= 86_400_000 then '24h'
    when ms <= 172_800_000 then '48h'
    when ms <= 604_800_000 then '7d'
    else 'later' end;

-- A clock that was kept leaves no row, first_contact's aside; nor does a rejection after the settlement. promises.sql makes
-- these of the facts, and says then that all are recomputed.
create or replace macro is_recomputed(metric) as
    not regexp_matches(metric, '^(again_met|renewed_met|next_contact_met|requested_met|follow_up_met|milestone_met:.*|rejected_late)$');
create or replace view counted_by_facts as select cycle_id, '' as metric from cycles where false;

-- Each cycle under each metric that it counts for, once.
create or replace view counted_by_rows as
select cycle_id, 'handed_off' as metric from cycles
union all select cycle_id, case cause when 'COOLDOWN' then 'cooled_down' when 'OPEN_DIALOGUE' then 'open_dialogue'
                                     when 'NOT_QUALIFIED' then 'not_qualified' else 'opened' end from cycles
union all select cycle_id, 'duplicate' from cycles where duplicate
union all select cycle_id, 'contacted' from cycles where first_contact_at is not null
union all select cycle_id, 'responded:' || step_of(response_ms) from cycles where first_contact_at is not null
union all select cycle_id, 'responded_open:' || step_of(response_open_ms) from cycles where first_contact_at is not null
union all select cycle_id, 'first_contact_met' from cycles where first_contact_state = 'MET'
union all select cycle_id, 'paused' from cycles where paused_since is not null or paused_ms > 0
union all select cycle_id, unnest(['rejected', 'rejected:' || rejected_as]) from cycles where cause = 'REJECTED'
union all select cycle_id, 'reason_unknown' from cycles
          where cause = 'REJECTED' and rejected_as = 'other' and lower(trim(reason)) <> 'other'
union all select cycle_id, lower(cause) from cycles where cause in ('UNRESPONSIVE', 'COMPLETED', 'MERGED', 'ERASED')
union all select cycle_id, 'clawed_back' from cycles where cause = 'CLAWED_BACK'
union all select distinct cycle_id, case
              when kind = 'EARLY' then 'requested_early'
              when clock like 'milestone:%' then 'milestone_breached:' || substr(clock, 11)
              when clock like 'first_contact:%' then 'again_breached'
              else clock || '_breached' end from breaches
union all select distinct cycle_id, 'escalated' from breaches where level > 0
union all select cycle_id, unnest(['reached:' || stage, 'reached:' || stage || '@' || age]) from stages
union all select cycle_id, 'held_back_reached:' || stages.stage from stages join cycles using (cycle_id)
          where cause in ('COOLDOWN', 'OPEN_DIALOGUE', 'NOT_QUALIFIED');

create or replace view recomputed as
select cycles.channel, cycles.cohort, metric, count(*) as value
from (from counted_by_rows union all from counted_by_facts) join cycles using (cycle_id) group by all;

-- Each partition has counted its own leads.
create or replace view published as
select channel, cohort, metric, sum(value)::bigint as value from counters group by all having sum(value) <> 0;

-- An erasure deletes the rows of its lead, but what was counted stays counted. So where `erased` cycles of a population
-- are counted and have no row, each metric may be that much greater: a cycle counts at most once under each.
create or replace view differences as
with compared as (
    select channel, cohort, metric, coalesce(published.value, 0) as published, coalesce(recomputed.value, 0) as recomputed
    from published full join recomputed using (channel, cohort, metric)
    where is_recomputed(metric)
), missing as (
    select channel, cohort, published - recomputed as erased from compared where metric = 'handed_off'
)
select compared.*, greatest(coalesce(erased, 0), 0) as erased,
       published - recomputed not between 0 and greatest(coalesce(erased, 0), 0) as unexplained
from compared left join missing using (channel, cohort)
where published <> recomputed
order by all;
