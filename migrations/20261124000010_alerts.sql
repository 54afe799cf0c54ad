-- Alerts: what a rule found, and what people are told of it.
--
-- No row belongs to a user: an alert is about somebody, for administrators. Its statements are in
-- security/log/alerts/store.rs.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table alerts (
    id uuid primary key,
    rule text not null constraint alerts_rule_form check (rule ~ '^[a-z][a-z_]{0,59}$'),
    severity text not null constraint alerts_severity_known check (severity in ('info', 'warning', 'critical')),
    about_kind text not null constraint alerts_about_kind_known
        check (about_kind in ('user', 'network', 'account', 'service')),
    -- An id, a network or a keyed hash: never what somebody typed.
    about text not null constraint alerts_about_form check (about ~ '^[0-9a-f:./-]{0,64}$'),
    state text not null default 'open' constraint alerts_state_known check (state in ('open', 'cleared')),
    opened_at timestamptz not null,
    last_seen_at timestamptz not null,
    -- When people were last told. What comes after it waits for the next summary.
    told_at timestamptz not null,
    cleared_at timestamptz,
    -- The most that the rule counted in one of its windows since people were last told.
    count bigint not null constraint alerts_count_positive check (count > 0),
    -- How often the rule found it, in all.
    findings bigint not null default 1,
    window_seconds bigint not null constraint alerts_window_positive check (window_seconds > 0),
    constraint alerts_cleared_when check ((state = 'cleared') = (cleared_at is not null))
);
-- 47 findings are one alert, whichever replicas they come by.
create unique index alerts_one_open on alerts (rule, about_kind, about) where state = 'open';
create index alerts_newest on alerts (opened_at desc, id desc);
create index alerts_cleared on alerts (cleared_at) where state = 'cleared';
grant select, insert, delete on alerts to strongroom_app;
-- What was found, about whom and when it began cannot be rewritten.
grant update (state, last_seen_at, told_at, cleared_at, count, findings, window_seconds) on alerts to strongroom_app;

-- One row a message and sink, queued in the transaction of its cause. The id goes with the message, at each attempt the
-- same: a receiver that got it twice can tell.
create table alert_outbox (
    id uuid primary key,
    alert_id uuid not null constraint alert_outbox_alert references alerts (id) on delete cascade,
    kind text not null constraint alert_outbox_kind_known check (kind in ('opened', 'continues', 'cleared')),
    sink text not null constraint alert_outbox_sink_known check (sink in ('log', 'slack', 'webhook', 'mail')),
    count bigint not null,
    created_at timestamptz not null,
    next_attempt_at timestamptz not null,
    attempts integer not null default 0,
    sent_at timestamptz,
    given_up_at timestamptz,
    constraint alert_outbox_one_end check (sent_at is null or given_up_at is null)
);
create index alert_outbox_due on alert_outbox (sink, next_attempt_at) where sent_at is null and given_up_at is null;
create index alert_outbox_alert on alert_outbox (alert_id);
create index alert_outbox_age on alert_outbox (created_at);
grant select, insert, delete on alert_outbox to strongroom_app;
grant update (next_attempt_at, attempts, sent_at, given_up_at) on alert_outbox to strongroom_app;

-- The list for administrators, newest first. It asks by itself whether the asker is one, now: a role that was taken away
-- a moment ago is gone here too.
create function admin_alerts(
    admin uuid, wanted_state text, before_at timestamptz, before_id uuid, at_most bigint
) returns setof alerts
language sql stable set search_path = '' as $$
    select a.* from public.alerts a
    where exists (
            select from public.users u where u.id = admin and u.role = 'admin' and u.status = 'active'
        )
        and (wanted_state is null or a.state = wanted_state)
        and (a.opened_at, a.id) < (before_at, before_id)
    order by a.opened_at desc, a.id desc limit at_most
$$;
revoke all on function admin_alerts from public;
grant execute on function admin_alerts to strongroom_app;

-- An alert goes by mail as every mail does.
alter table mail_outbox drop constraint mail_outbox_kind_known;
alter table mail_outbox add constraint mail_outbox_kind_known check (kind in (
    'confirm_registration', 'already_registered', 'reset_password', 'password_changed',
    'session_stolen', 'account_deleted', 'account_locked', 'alert'
));
