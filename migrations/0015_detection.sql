-- Detection: the alerts that the detection rules raise for administrators.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Finds the counters of a detection rule whose count has reached the threshold, in a window that ends after `since`.
-- Returns the number of these counters, the sum of their counts, and the keys of the five largest counters.
create function abuse_totals(
    wanted_rule text, threshold bigint, since timestamptz, out members bigint, out events bigint, out largest text[]
) language sql stable set search_path = '' as $$
    select count(*), coalesce(sum(c.count), 0)::bigint, array(
        select top.key from public.counters top
        where top.kind = wanted_rule and top.count >= threshold and top.expires_at > since
        order by top.count desc, top.key limit 5
    )
    from public.counters c
    where c.kind = wanted_rule and c.count >= threshold and c.expires_at > since
$$;
grant execute on function abuse_totals to strongroom_app;

-- Alert fatigue: an attacker with many networks could cause so many alerts that their recipients ignore all of them.
-- So a rule opens only a few alerts for single networks (or users, sessions, accounts).
-- One combined alert counts all further subjects.
create table alerts (
    id uuid primary key,
    rule text not null constraint alerts_rule_form check (rule ~ '^[a-z][a-z_]{0,59}$'),
    severity text not null constraint alerts_severity_known check (severity in ('info', 'warning', 'critical')),
    subject_kind text not null constraint alerts_subject_kind_known
        check (subject_kind in ('user', 'session', 'network', 'account', 'service')),
    -- An id, a network or a keyed hash, but never text that a client chose. Empty for a combined alert.
    subject text not null constraint alerts_subject_form check (subject ~ '^[0-9a-f:./-]{0,64}$'),
    state text not null default 'open' constraint alerts_state_known check (state in ('open', 'cleared')),
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- The time of the last message about this alert.
    notified_at timestamptz not null,
    cleared_at timestamptz,
    -- The highest number of events in one window since the last message.
    count bigint not null constraint alerts_count_positive check (count > 0),
    -- How often the rule has fired for this alert.
    findings bigint not null default 1,
    window_seconds bigint not null constraint alerts_window_positive check (window_seconds > 0),
    -- The number of events at which the rule fires.
    threshold bigint not null default 1,
    -- For a combined alert: the number of its subjects, and the five subjects with the most events.
    members bigint not null default 1 constraint alerts_members_positive check (members > 0),
    largest text[] not null default '{}',
    constraint alerts_cleared_when check ((state = 'cleared') = (cleared_at is not null))
);
-- Two replicas can detect the same attack at the same time. With this index, only one of them opens an alert.
create unique index alerts_one_open on alerts (rule, subject_kind, subject) where state = 'open';
create index alerts_newest on alerts (opened_at desc, id desc);
create index alerts_cleared on alerts (cleared_at) where state = 'cleared';
grant select, insert, delete on alerts to strongroom_app;
-- Rule, subject and time of opening never change.
grant update (
    state, last_seen_at, notified_at, cleared_at, count, findings, window_seconds, members, largest
) on alerts to strongroom_app;

-- Returns a page of alerts, newest first, or no rows if the user is not an active administrator.
create function admin_alerts(
    admin uuid, wanted_state text, before_at timestamptz, before_id uuid, page_size bigint
) returns setof alerts
language sql stable set search_path = '' as $$
    select a.* from public.alerts a
    where public.is_active_admin(admin)
        and (wanted_state is null or a.state = wanted_state)
        and (a.opened_at, a.id) < (before_at, before_id)
    order by a.opened_at desc, a.id desc limit page_size
$$;
grant execute on function admin_alerts to strongroom_app;
