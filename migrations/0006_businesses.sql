-- Businesses: the seller on a user's invoices, and the time zone in which the user's days begin.
set local lock_timeout = '5s';
set local statement_timeout = '60s';

-- Without a row, invoices show the user's display name, and days begin at midnight in UTC.
create table businesses (
    owner_id uuid not null constraint businesses_key primary key,
    name text not null constraint businesses_name_length check (char_length(name) between 1 and 200),
    address text constraint businesses_address_length check (char_length(address) <= 500),
    -- ISO 3166-1 alpha-2.
    country text constraint businesses_country_form check (country ~ '^[A-Z]{2}$'),
    vat_id text constraint businesses_vat_id_length check (char_length(vat_id) <= 50),
    registration text constraint businesses_registration_length check (char_length(registration) <= 100),
    -- Without spaces. The service verifies the checksum and the length for the country (ISO 13616).
    iban text constraint businesses_iban_form check (iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'),
    bic text constraint businesses_bic_form check (bic ~ '^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$'),
    -- A name of the IANA time zone database.
    time_zone text not null constraint businesses_time_zone_length check (char_length(time_zone) <= 64),
    payment_terms_days integer
        constraint businesses_payment_terms check (payment_terms_days between 0 and 365),
    -- In the API, a user without a row has version 1. So the first row has version 2.
    version bigint not null constraint businesses_version check (version >= 2)
);
select protect_owned_table('businesses');
grant select, insert on businesses to strongroom_app;
grant update (
    name, address, country, vat_id, registration, iban, bic, time_zone, payment_terms_days, version
) on businesses to strongroom_app;
