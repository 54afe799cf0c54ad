-- Counters of detection rules, mail budgets (CWE-770), and reads of events by administrators.
-- All replicas share these counters, and a restart does not reset them.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Counts events in a window of fixed length. The first event begins the window.
create table counters (
    -- The name of a detection rule, mail_budget, or admin_events_read.
    -- A mail budget limits the mails that one network or known device can cause to one mailbox or mail domain.
    -- A common budget of all networks would let an attacker block all mails to a mailbox.
    kind text not null constraint counters_kind_length check (char_length(kind) <= 60),
    -- For a rule: a user id, a session id, a network, or a keyed hash of the e-mail address in a login.
    -- For a mail budget: a keyed hash. For admin_events_read: view, session id and address of the administrator.
    key text not null constraint counters_key_length check (char_length(key) <= 64),
    count bigint not null constraint counters_count_positive check (count > 0),
    expires_at timestamptz not null,
    constraint counters_key primary key (kind, key)
);
create index counters_expiry on counters (expires_at);
grant select, insert, update, delete on counters to strongroom_app;
