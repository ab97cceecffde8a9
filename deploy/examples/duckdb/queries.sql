-- queries.sql - what one wants to know next. show.py prints each.

-- Conversion: of the leads handed off in a month the share that has reached each stage
select channel, cohort as month, leads, stage, count(*) as reached, round(100.0 * count(*) / leads, 1) as per_cent
from stages
join (select channel, cohort, count(*) as leads from cycles group by all) using (channel, cohort)
group by channel, cohort, leads, stage
order by channel, month, reached desc;

-- Response: minutes from the hand-off to the first contact, by channel
select channel, count(*) as handed_off, count(response_ms) as contacted,
       round(quantile_cont(response_ms, 0.5) / 60_000, 1) as median,
       round(quantile_cont(response_ms, 0.9) / 60_000, 1) as p90,
       round(quantile_cont(response_ms, 0.95) / 60_000, 1) as p95
from cycles
group by all
order by channel;

-- Promises that are broken now, longest first
select lead_id, channel, owner, broken_since, broken, escalation
from cycles
where broken > 0
order by broken_since, lead_id
limit 10;
