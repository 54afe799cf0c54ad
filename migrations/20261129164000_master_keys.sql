-- Exchange of the master key. Each MAC of the audit trail begins with the id of its key (4 bytes): rows and seals of several
-- keys stand side by side.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table security_events
    drop constraint security_events_mac_size,
    add constraint security_events_mac_size check (octet_length(mac) = 36);
alter table security_event_seals
    drop constraint security_event_seals_previous_size,
    drop constraint security_event_seals_mac_size,
    drop constraint security_event_seals_whole,
    add constraint security_event_seals_previous_size check (octet_length(previous) = 36),
    add constraint security_event_seals_mac_size check (octet_length(mac) = 36),
    add constraint security_event_seals_whole
        check (cardinality(seqs) > 0 and octet_length(macs) = 36 * cardinality(seqs));

-- The ids of the master keys that were current. The first replica that starts with a new one adds its row, and writes the
-- event of the change in the same transaction; the others find the row.
create table master_keys (
    id bytea primary key constraint master_keys_id_size check (octet_length(id) = 4),
    first_used_at timestamptz not null
);
grant select, insert on master_keys to strongroom_app;
