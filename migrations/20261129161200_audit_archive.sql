-- Retention: the schema's owner removes months that `strongroom audit archive` has written to a file and verified.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- The setting guards against a mistake and not against the owner, who could also drop the trigger. The service's role has no
-- right to delete, with or without the setting. What was removed without an archive shows: its batches are missing, and only the
-- command, which has the master key, can write the event that says they were archived.
create or replace function refuse_to_change_events() returns trigger
language plpgsql set search_path = '' as $$
begin
    if tg_op = 'DELETE' and current_setting('app.archiving', true) = 'on' then
        return null;
    end if;
    raise exception '% on % is refused: security events are only added', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;
