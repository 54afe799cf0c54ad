-- The master key of the token in a queued mail: its link must work, also when the mail leaves after the key was exchanged.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table mail_outbox
    add column key_id bytea constraint mail_outbox_key_id_size check (octet_length(key_id) = 4);
