-- One alert over all: a rule that is found for many networks (or users, sessions, accounts) opens a few alerts of their own, then
-- one that counts them. Otherwise an attacker with many networks floods the people who are told.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table alerts
    -- From how many events on the rule finds something. An alert over all counts those that have reached it.
    add column threshold bigint not null default 1,
    -- An alert over all has an empty `about`; these say how many it is about, and the five with the most events.
    add column members bigint not null default 1 constraint alerts_members_positive check (members > 0),
    add column largest text[] not null default '{}';
grant update (members, largest) on alerts to strongroom_app;
alter table alerts drop constraint alerts_about_kind_known;
alter table alerts add constraint alerts_about_kind_known
    check (about_kind in ('user', 'session', 'network', 'account', 'service'));

-- What a rule has counted since then, over all who have reached its threshold.
create function abuse_totals(
    wanted_rule text, threshold bigint, since timestamptz, out members bigint, out events bigint, out largest text[]
) language sql stable set search_path = '' as $$
    select count(*), coalesce(sum(c.counted), 0)::bigint, array(
        select top.about from public.abuse_counters top
        where top.rule = wanted_rule and top.counted >= threshold and top.expires_at > since
        order by top.counted desc, top.about limit 5
    )
    from public.abuse_counters c
    where c.rule = wanted_rule and c.counted >= threshold and c.expires_at > since
$$;
revoke all on function abuse_totals from public;
grant execute on function abuse_totals to strongroom_app;
