-- Documents are announced as all else is that users own (20261124000007_live.sql has the function).
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create trigger documents_announce after insert or delete on documents
    for each row execute function announce_change('document');
create trigger documents_announce_update after update on documents
    for each row when (old.version is distinct from new.version) execute function announce_change('document');
