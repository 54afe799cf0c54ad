//! The SQL statements, and the access and refresh tokens, of both Rust peers.
//! A peer is a small server with which `docs/performance.md` compares the service.

use std::path::PathBuf;

use chrono::Utc;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::{Document, Invoice, Line, LineRow, LoggedIn, NewInvoice, Page, Summary};

/// The number of database connections, as in the service.
const CONNECTIONS: u32 = 16;

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    iss: String,
    aud: String,
    exp: i64,
}

/// The database, the folder of the documents and the keys.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    folder: PathBuf,
    sign: EncodingKey,
    verify: DecodingKey,
}

impl Store {
    /// Reads `DATABASE_URL`, `DOCUMENTS` (a folder) and `JWT_KEY`.
    pub async fn open() -> Self {
        let setting = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is missing"));
        let key = setting("JWT_KEY");
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&setting("DATABASE_URL")).await.unwrap();
        let sign = EncodingKey::from_secret(key.as_bytes()).expect("a key");
        let verify = DecodingKey::from_secret(key.as_bytes()).expect("a key");
        Self { pool, folder: setting("DOCUMENTS").into(), sign, verify }
    }

    /// Returns the user of an `Authorization` header.
    pub fn user_of(&self, header: &str) -> Option<Uuid> {
        let mut rules = Validation::new(jsonwebtoken::Algorithm::HS256);
        rules.set_issuer(&["peers"]);
        rules.set_audience(&["peers"]);
        rules.set_required_spec_claims(&["sub", "iss", "aud", "exp"]);
        let token = header.strip_prefix("Bearer ")?;
        jsonwebtoken::decode::<Claims>(token, &self.verify, &rules).ok().map(|token| token.claims.sub)
    }

    pub async fn user(&self, email: &str) -> sqlx::Result<Option<(Uuid, String)>> {
        sqlx::query_as("select id, password_hash from users where email = $1")
            .bind(email)
            .fetch_optional(&self.pool)
            .await
    }

    /// Creates a session and returns its tokens.
    pub async fn begin_session(&self, user: Uuid) -> sqlx::Result<LoggedIn> {
        let (session, secret) = (Uuid::new_v4(), Uuid::new_v4());
        sqlx::query("insert into sessions (id, user_id, token_hash) values ($1, $2, sha256($3))")
            .bind(session)
            .bind(user)
            .bind(secret.as_bytes().as_slice())
            .execute(&self.pool)
            .await?;
        let expires = Utc::now().timestamp() + 3600;
        let claims = Claims { sub: user, iss: "peers".into(), aud: "peers".into(), exp: expires };
        let access_token = jsonwebtoken::encode(&Header::default(), &claims, &self.sign).expect("a token");
        Ok(LoggedIn { access_token, refresh_token: secret.to_string() })
    }

    pub async fn invoice(&self, owner: Uuid, id: Uuid) -> sqlx::Result<Option<Invoice>> {
        let sql = "select i.*, (select coalesce(json_agg(l order by l.position), '[]') from invoice_lines l where l.invoice_id = i.id) as lines
            from invoices i where i.owner_id = $1 and i.id = $2";
        sqlx::query_as(sql).bind(owner).bind(id).fetch_optional(&self.pool).await
    }

    /// Returns the newest twenty invoices. It reads one more row, which shows whether a next page exists.
    pub async fn newest(&self, owner: Uuid) -> sqlx::Result<Page> {
        let sql = "select id, customer_id, status, number, currency, issue_date, due_date, total, paid, credited, created_at, updated_at
            from invoices where owner_id = $1 order by created_at desc, id desc limit 21";
        let mut items: Vec<Summary> = sqlx::query_as(sql).bind(owner).fetch_all(&self.pool).await?;
        let more = items.len() > 20;
        items.truncate(20);
        let next_cursor =
            items.last().filter(|_| more).map(|last| format!("{}_{}", last.created_at.timestamp_micros(), last.id));
        Ok(Page { items, next_cursor })
    }

    /// Inserts a draft and its lines in one transaction. The composite foreign key refuses customers of other owners.
    pub async fn insert(&self, owner: Uuid, new: &NewInvoice, rows: Vec<LineRow>) -> sqlx::Result<Invoice> {
        let positions: Vec<i32> = rows.iter().map(|row| row.position).collect();
        let descriptions: Vec<String> = rows.iter().map(|row| row.description.clone()).collect();
        let quantities: Vec<i64> = rows.iter().map(|row| row.quantity_thousandths).collect();
        let prices: Vec<i64> = rows.iter().map(|row| row.unit_price_ten_thousandths).collect();
        let rates: Vec<i32> = rows.iter().map(|row| row.tax_rate_millipercent).collect();
        let lines: Vec<Line> = rows.into_iter().map(Line::from).collect();
        let (net, tax) =
            (lines.iter().map(|line| line.net).sum::<i64>(), lines.iter().map(|line| line.tax).sum::<i64>());
        let mut tx = self.pool.begin().await?;
        let mut invoice: Invoice = sqlx::query_as(
            "insert into invoices (id, owner_id, customer_id, currency, notes, due_date, subtotal, tax_total, total, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) returning *, '[]'::json as lines",
        )
        .bind(Uuid::new_v4())
        .bind(owner)
        .bind(new.customer_id)
        .bind(&new.currency)
        .bind(&new.notes)
        .bind(new.due_date)
        .bind(net)
        .bind(tax)
        .bind(net + tax)
        .bind(Utc::now())
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query(
            "insert into invoice_lines (invoice_id, position, description, quantity_thousandths, unit_price_ten_thousandths, tax_rate_millipercent)
             select $1, line.* from unnest($2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::integer[]) line",
        )
        .bind(invoice.id)
        .bind(positions)
        .bind(descriptions)
        .bind(quantities)
        .bind(prices)
        .bind(rates)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        invoice.lines = lines;
        Ok(invoice)
    }

    /// Returns a document and its bytes.
    pub async fn document(&self, owner: Uuid, id: Uuid) -> sqlx::Result<Option<(Document, Vec<u8>)>> {
        let sql = "select file_name, media_type, size from documents where owner_id = $1 and id = $2";
        let found: Option<Document> = sqlx::query_as(sql).bind(owner).bind(id).fetch_optional(&self.pool).await?;
        let Some(document) = found else { return Ok(None) };
        Ok(Some((document, tokio::fs::read(self.folder.join(id.to_string())).await?)))
    }
}
