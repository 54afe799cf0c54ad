-- Businesses: how a user appears on their invoices, and by which days they count. A user without a row has their display name
-- and UTC. The row goes with its owner (cascade): it is one.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

create table businesses (
    owner_id uuid not null constraint businesses_key primary key
        constraint businesses_owner references owners (id) on delete cascade,
    name text not null constraint businesses_name_length check (char_length(name) between 1 and 200),
    address text constraint businesses_address_length check (char_length(address) <= 500),
    -- ISO 3166-1 alpha-2.
    country text constraint businesses_country_form check (country ~ '^[A-Z]{2}$'),
    vat_id text constraint businesses_vat_id_length check (char_length(vat_id) <= 50),
    registration text constraint businesses_registration_length check (char_length(registration) <= 100),
    -- Without blanks. The service verifies the checksum and the length of the country (ISO 13616).
    iban text constraint businesses_iban_form check (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'),
    bic text constraint businesses_bic_form check (bic ~ '^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$'),
    -- A name of the IANA database. The service knows which there are.
    time_zone text not null constraint businesses_time_zone_length check (char_length(time_zone) <= 64),
    payment_terms_days integer
        constraint businesses_payment_terms check (payment_terms_days between 0 and 365),
    -- 1 is what a user without a row reads, so the first row has 2.
    version bigint not null constraint businesses_version check (version >= 2)
);
alter table businesses enable row level security;
alter table businesses force row level security;
create policy businesses_of_owner on businesses
    using (owner_id = current_owner()) with check (owner_id = current_owner());
grant select, insert on businesses to strongroom_app;
grant update (
    name, address, country, vat_id, registration, iban, bic, time_zone, payment_terms_days, version
) on businesses to strongroom_app;
