-- What the rules of abuse have counted (security/log/rules), for all replicas and over restarts. A counter holds no text that
-- somebody typed: a user's, a session's or an invoice's id, a network, or the keyed hash of a typed name.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table abuse_counters (
    rule text not null constraint abuse_counters_rule_length check (char_length(rule) <= 60),
    about text not null constraint abuse_counters_about_length check (char_length(about) <= 64),
    counted bigint not null constraint abuse_counters_counted check (counted > 0),
    -- The window is fixed: it begins with the first event and ends here.
    expires_at timestamptz not null,
    constraint abuse_counters_key primary key (rule, about)
);
create index abuse_counters_expiry on abuse_counters (expires_at);
grant select, insert, update, delete on abuse_counters to strongroom_app;
