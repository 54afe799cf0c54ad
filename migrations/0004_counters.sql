-- Counters of mail budgets (CWE-770) and detection rules. All replicas share them, and they survive restarts.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Counts events in a fixed window, which begins with the first event.
create table counters (
    -- The name of a rule, or mail_budget. A budget counts the mails that one network, or one known device, has
    -- requested for one mailbox or one mail domain. A single budget for each recipient would let an attacker exhaust
    -- the budget and so block the recipient's mails.
    kind text not null constraint counters_kind_length check (char_length(kind) <= 60),
    -- For a rule: the id of a user, session or invoice, a network, or a keyed hash of a typed address. For a mail
    -- budget: a keyed hash, which reveals neither addresses nor networks.
    key text not null constraint counters_key_length check (char_length(key) <= 64),
    count bigint not null constraint counters_count_positive check (count > 0),
    -- The end of the window.
    expires_at timestamptz not null,
    constraint counters_key primary key (kind, key)
);
create index counters_expiry on counters (expires_at);
grant select, insert, update, delete on counters to strongroom_app;
