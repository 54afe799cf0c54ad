//! Floor 1: where the bytes of documents are, behind one door: a folder, or a bucket of an S3-compatible store.
//!
//! A key is random and says nothing. Bytes arrive in a file of this machine ([`incoming`]), whatever store they go to: a slow
//! client holds a file and no memory, and nothing that was not looked at to its end ever enters the store. What is kept is
//! written whole or not at all. This floor knows neither owners nor names; who may have which key is in the database alone.

pub mod incoming;

use std::fs;
use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use uuid::Uuid;

use incoming::{Incoming, PART};

/// A store that does not answer within this is down.
const WITHIN: Duration = Duration::from_secs(10);
/// Of a whole file on its way to a bucket, which ends before its request does.
const SENT_WITHIN: Duration = Duration::from_secs(15);
/// Files on their way to a bucket at once: each holds one [`PART`] in memory.
const SENDING: usize = 4;

/// Why bytes cannot be kept or had.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("there are no such bytes")]
    Missing,
    /// Full, away, slow, or not letting us in. The text is for the log.
    #[error("the store of documents is down: {0}")]
    Down(String),
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Down(other.to_string()),
        }
    }
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        Self::Down(error.to_string())
    }
}

impl From<tokio::time::error::Elapsed> for StorageError {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Down("no answer in time".to_owned())
    }
}

/// A bucket of an S3-compatible store.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The origin of the store.
    pub endpoint: String,
    pub name: String,
    pub region: String,
    pub access_key: SecretString,
    pub secret_key: SecretString,
}

/// The store.
pub struct Storage {
    incoming: PathBuf,
    objects: Arc<dyn ObjectStore>,
    /// Whether what arrives has to be sent on: a folder has it already.
    is_remote: bool,
    sending: Semaphore,
}

impl Storage {
    /// In this folder, or with a bucket only what arrives in it. Nothing is connected yet.
    ///
    /// # Errors
    /// The folder cannot be made, or the bucket's settings do not go together.
    pub fn open(folder: &Path, bucket: Option<&Bucket>) -> Result<Self, StorageError> {
        let incoming = folder.join("incoming");
        for private in [&incoming, &folder.join("objects")] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(private)?;
        }
        let objects: Arc<dyn ObjectStore> = match bucket {
            None => Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)),
            Some(bucket) => Arc::new(connected(bucket)?),
        };
        Ok(Self { incoming, objects, is_remote: bucket.is_some(), sending: Semaphore::new(SENDING) })
    }

    /// Opens the file in which the bytes of this key arrive.
    ///
    /// # Errors
    /// The disk is full or away.
    pub async fn receive(&self, key: Uuid) -> Result<Incoming, StorageError> {
        let path = self.incoming.join(key.to_string());
        apart(move || Incoming::open(key, path)).await
    }

    /// Keeps what has arrived, whole.
    ///
    /// # Errors
    /// The store is down: nothing is kept, or it can be [removed](Self::remove).
    pub async fn keep(&self, mut arrived: Incoming) -> Result<(), StorageError> {
        let arrived = apart(move || arrived.finish().map(|()| arrived)).await?;
        if self.is_remote {
            let _slot = self.sending.acquire().await.map_err(|error| StorageError::Down(error.to_string()))?;
            return tokio::time::timeout(SENT_WITHIN, self.send(arrived)).await?;
        }
        let from = Key::from(format!("incoming/{}", arrived.key()));
        Ok(tokio::time::timeout(WITHIN, self.objects.rename(&from, &place(arrived.key()))).await??)
    }

    async fn send(&self, arrived: Incoming) -> Result<(), StorageError> {
        let place = place(arrived.key());
        let (mut arrived, first) = next_part(arrived).await?;
        if first.len() < PART {
            self.objects.put(&place, first.into()).await?;
            return Ok(());
        }
        let mut upload = self.objects.put_multipart(&place).await?;
        let sent = async {
            let mut part = first;
            while !part.is_empty() {
                upload.put_part(part.into()).await?;
                (arrived, part) = next_part(arrived).await?;
            }
            upload.complete().await.map_err(StorageError::from)
        };
        if let Err(error) = sent.await {
            // Parts of what never became an object are kept and paid for.
            upload.abort().await?;
            return Err(error);
        }
        Ok(())
    }

    /// These bytes of what is kept, as they come.
    ///
    /// # Errors
    /// There are none, or the store is down.
    pub async fn read(
        &self,
        key: Uuid,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, StorageError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        Ok(tokio::time::timeout(WITHIN, self.objects.get_opts(&place(key), options)).await??.into_stream())
    }

    /// Removes what there is of this key, if there is anything.
    ///
    /// # Errors
    /// The store is down.
    pub async fn remove(&self, key: Uuid) -> Result<(), StorageError> {
        incoming::remove(&self.incoming.join(key.to_string())).await?;
        match tokio::time::timeout(WITHIN, self.objects.delete(&place(key))).await?.map_err(StorageError::from) {
            Err(StorageError::Missing) => Ok(()),
            other => other,
        }
    }

    /// Removes what has been arriving here since before this moment: its process is gone.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn sweep(&self, before: DateTime<Utc>) -> Result<(), StorageError> {
        let mut files = tokio::fs::read_dir(&self.incoming).await?;
        while let Some(file) = files.next_entry().await? {
            let written = file.metadata().await.and_then(|metadata| metadata.modified());
            // One that has gone meanwhile was taken by its own upload.
            if written.is_ok_and(|written| DateTime::<Utc>::from(written) < before) {
                incoming::remove(&file.path()).await?;
            }
        }
        Ok(())
    }
}

/// On a thread that may wait for the disk.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.unwrap_or_else(|error| Err(io::Error::other(error)))?)
}

async fn next_part(mut arrived: Incoming) -> Result<(Incoming, Bytes), StorageError> {
    apart(move || arrived.part().map(|part| (arrived, part))).await
}

fn place(key: Uuid) -> Key {
    Key::from(format!("objects/{key}"))
}

/// With the keys that are given and no others: nothing is taken from the machine's environment or from the network around it.
fn connected(bucket: &Bucket) -> Result<impl ObjectStore, object_store::Error> {
    let client = ClientOptions::new()
        .with_timeout(WITHIN)
        .with_connect_timeout(Duration::from_secs(3))
        // The configuration takes it for a store on loopback only.
        .with_allow_http(bucket.endpoint.starts_with("http://"));
    AmazonS3Builder::new()
        .with_endpoint(&bucket.endpoint)
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(bucket.access_key.expose_secret())
        .with_secret_access_key(bucket.secret_key.expose_secret())
        .with_retry(RetryConfig { max_retries: 2, retry_timeout: WITHIN, ..RetryConfig::default() })
        .with_client_options(client)
        .build()
}
