-- A file's name may be as long as file systems allow: 255 bytes.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

alter table documents drop constraint documents_file_name_length;
alter table documents
    add constraint documents_file_name_length check (octet_length(file_name) between 1 and 255) not valid;
alter table documents validate constraint documents_file_name_length;
