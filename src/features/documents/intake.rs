//! How a file comes in: room first, then its bytes, looked at as they come, then the store. The row is the handler's.

use std::sync::Arc;

use actix_web::web::{Bytes, BytesMut};
use aws_lc_rs::digest::{Context, SHA256, digest};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::model::{File, MAX_TITLE};
use super::removal_store::Removals;
use super::room_store::{self, Quota};
use crate::base::clock::Clock;
use crate::base::id::{InvoiceId, UserId};
use crate::db::OwnerTx;
use crate::http::disposition::safe_file_name;
use crate::http::error::{ApiError, ApiResult};
use crate::http::form::{Form, Part};
use crate::http::idempotency::StreamedIdempotencyKey;
use crate::http::rules;
use crate::http::user_text::UserText;
use crate::security::files::uploads::{FileType, Inspector, PdfInspector, Refused};
use crate::security::sessions::caller::Caller;
use crate::storage::Storage;
use crate::storage::incoming::Incoming;

const MAX_TITLE_BYTES: usize = 4 * MAX_TITLE;
const LONGEST_ID: usize = 8 * 1024;
/// What is looked at and written at once, in bytes.
const BLOCK: usize = 64 * 1024;

/// Where files come in.
#[derive(Clone)]
pub struct Intake {
    pub pool: PgPool,
    pub storage: Arc<Storage>,
    pub removals: Removals,
    pub clock: Clock,
    pub quota: Quota,
    /// Of one file, in bytes.
    pub max_bytes: usize,
    /// Of one picture, in pixels.
    pub max_pixels: u32,
    /// Files that are looked at at once.
    pub cores: Arc<Semaphore>,
    /// Counts among [`cores`](Self::cores) while it works.
    pub pdfs: PdfInspector,
}

/// What a form said.
pub struct Arrived {
    pub title: Option<String>,
    pub invoice: Option<InvoiceId>,
    pub file: File,
}

impl Arrived {
    /// Bytes that are alike for no two forms that ask for different things.
    #[must_use]
    pub fn told_apart(&self) -> Bytes {
        let Self { title, invoice, file } = self;
        format!("{:?}", (title, invoice, &file.name, file.kind, file.size, file.sha256)).into()
    }
}

impl Intake {
    /// Holds room for what is coming. None is needed where this key was answered before: what comes will not be kept.
    ///
    /// # Errors
    /// A conflict if there is no room.
    pub async fn hold(&self, caller: &Caller, key: &StreamedIdempotencyKey, form: &Form) -> ApiResult<Room> {
        let mut transaction = OwnerTx::begin(&self.pool, caller.user()).await?;
        if key.is_used(transaction.connection(), caller.user(), self.clock.now()).await? {
            return Ok(Room { removals: self.removals.clone(), user: caller.user(), held: None });
        }
        let most = self.max_bytes as u64;
        let bytes = form.declared_length().map_or(most, |announced| announced.clamp(1, most));
        self.room(transaction, caller, bytes).await
    }

    async fn room(&self, mut transaction: OwnerTx, caller: &Caller, bytes: u64) -> ApiResult<Room> {
        let (key, bytes) = (Uuid::new_v4(), i64::try_from(bytes).map_err(ApiError::internal)?);
        let now = self.clock.now();
        room_store::hold(transaction.connection(), caller.user(), key, bytes, self.quota, now).await?;
        transaction.commit().await?;
        Ok(Room { removals: self.removals.clone(), user: caller.user(), held: Some(key) })
    }

    /// Takes in what is in memory already: demo data.
    ///
    /// # Errors
    /// There is no room for it, or the store is down.
    pub async fn take(&self, caller: &Caller, name: &str, kind: FileType, bytes: &[u8]) -> ApiResult<(File, Room)> {
        let transaction = OwnerTx::begin(&self.pool, caller.user()).await?;
        let room = self.room(transaction, caller, bytes.len() as u64).await?;
        let key = room.held.unwrap_or_default();
        let mut arriving = self.storage.receive(key).await?;
        arriving.write(bytes).map_err(|error| ApiError::unavailable(5, error))?;
        self.storage.keep(arriving).await?;
        let sha256 = digest(&SHA256, bytes).as_ref().try_into().map_err(ApiError::internal)?;
        Ok((File { name: safe_file_name(name), kind, size: bytes.len() as u64, sha256, key }, room))
    }

    /// Takes a whole form in. Its bytes are in the store when this returns, if there is room for them.
    ///
    /// # Errors
    /// Names the part that does not fit; or the store is down.
    pub async fn receive(&self, mut form: Form, room: &Room) -> ApiResult<Arrived> {
        let (mut title, mut invoice, mut file) = (None, None, None);
        while let Some(part) = form.next().await? {
            match part.name() {
                "file" => file = Some(self.read(part, room).await?),
                "title" => {
                    let text = part.text(MAX_TITLE_BYTES).await?.without_marks();
                    if rules::line(&text, &()).is_err() || text.chars().count() > MAX_TITLE {
                        return Err(ApiError::invalid(
                            "/title",
                            "must be one line of 1 to 200 characters, without control or invisible characters",
                        ));
                    }
                    title = Some(text);
                }
                // What is no id is one that nobody has.
                "invoice_id" => {
                    let text = part.text(LONGEST_ID).await?;
                    invoice = Some(text.parse().unwrap_or_else(|_| InvoiceId::new()));
                }
                _ => return Err(part.invalid("is not a known field")),
            }
        }
        let Some((file, arrived)) = file else { return Err(ApiError::invalid("/file", "is required")) };
        if let Some(arrived) = arrived {
            self.storage.keep(arrived).await?;
        }
        Ok(Arrived { title, invoice, file })
    }

    /// The file's part: looked at, hashed and written block by block, beside the threads that answer requests.
    async fn read(&self, mut part: Part, room: &Room) -> ApiResult<(File, Option<Incoming>)> {
        let name = part.file_name().map(|name| safe_file_name(&name)).ok_or(Refused::Name)?;
        let kind = FileType::agreed(part.media_type(), &name)?;
        let arriving = match room.held {
            Some(key) => Some(self.storage.receive(key).await?),
            None => None,
        };
        let mut looking =
            Looking { inspector: Inspector::new(kind, self.max_pixels), hash: Context::new(&SHA256), arriving };
        let (mut block, mut size) = (BytesMut::new(), 0);
        while let Some(bytes) = part.bytes().await? {
            size += bytes.len();
            if size > self.max_bytes {
                return Err(ApiError::PayloadTooLarge);
            }
            block.extend_from_slice(&bytes);
            if block.len() >= BLOCK {
                looking = self.look(looking, block.split().freeze()).await?;
            }
        }
        looking = self.look(looking, block.freeze()).await?;
        looking.inspector.finish()?;
        // A file that is not kept came before, with the same idempotency key: it gets the first answer again.
        if let (FileType::Pdf, Some(arriving)) = (kind, &looking.arriving) {
            let file = arriving.reader().map_err(|error| ApiError::unavailable(5, error))?;
            let _core = self.cores.acquire().await.map_err(ApiError::internal)?;
            self.pdfs.inspect(file).await?;
        }
        let file = File {
            name,
            kind,
            size: size as u64,
            sha256: looking.hash.finish().as_ref().try_into().map_err(ApiError::internal)?,
            key: room.held.unwrap_or_default(),
        };
        Ok((file, looking.arriving))
    }

    /// As many at once as there are cores: however many upload, all others are answered.
    async fn look(&self, mut looking: Looking, block: Bytes) -> ApiResult<Looking> {
        let _core = self.cores.acquire().await.map_err(ApiError::internal)?;
        let looked = tokio::task::spawn_blocking(move || looking.take(&block).map(|()| looking));
        looked.await.map_err(ApiError::internal)?
    }
}

/// A file that is being looked at.
struct Looking {
    inspector: Inspector,
    hash: Context,
    arriving: Option<Incoming>,
}

impl Looking {
    fn take(&mut self, block: &[u8]) -> ApiResult<()> {
        self.inspector.feed(block)?;
        self.hash.update(block);
        match &mut self.arriving {
            Some(arriving) => arriving.write(block).map_err(|error| ApiError::unavailable(5, error)),
            None => Ok(()),
        }
    }
}

/// Room that is held for an upload. Unless a document was made in it, it is given back, and the bytes in it go: by
/// [`close`](Self::close), or when a request was broken off and it is dropped.
pub struct Room {
    removals: Removals,
    user: UserId,
    held: Option<Uuid>,
}

impl Room {
    /// Whether anything is kept in it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// A document was made in it.
    pub fn settled(mut self) {
        self.held = None;
    }

    /// Gives it back. What cannot be removed now stays noted, and is swept.
    pub async fn close(mut self) {
        if let Some(key) = self.held.take()
            && let Err(error) = self.removals.remove(self.user, key).await
        {
            tracing::warn!(cause = ?error, "the room of an upload is given back later");
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let (Some(key), Ok(runtime)) = (self.held.take(), tokio::runtime::Handle::try_current()) else { return };
        let (removals, user) = (self.removals.clone(), self.user);
        runtime.spawn(async move {
            if let Err(error) = removals.remove(user, key).await {
                tracing::warn!(cause = ?error, "the room of an upload is given back later");
            }
        });
    }
}
