-- Each replica reads every second which sessions have ended since its last read. A time cannot answer that: a transaction sets
-- it first and may commit long after a later one. So a session that ends keeps the id of the transaction that ended it, and
-- PostgreSQL tells with each read which transactions were still open then.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table sessions add column ended_by_transaction xid8;

create function stamp_ended_session() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.ended_by_transaction := pg_catalog.pg_current_xact_id();
    return new;
end
$$;
create trigger sessions_stamp_end before update of ended_at on sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function stamp_ended_session();

create index sessions_ended_by on sessions (ended_by_transaction) where ended_by_transaction is not null;
-- It was for the read by time.
drop index sessions_ended;
