//! Layer 1: the object store for documents. It is a local folder, or a bucket of an S3-compatible service.
//!
//! - The keys of files are random. Only the database contains the owner and the name of a file.
//! - An upload is first written to a local file ([`incoming`]), so that a slow client uses no memory.
//! - A file is moved to the store, atomically, only after it has passed inspection.

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

use incoming::{Incoming, PART_BYTES};

/// The timeout of one request to the store.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The timeout for sending one file to a bucket, shorter than the timeout of the upload request.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);
/// The maximum number of files that are sent to a bucket at once. Each file needs [`PART_BYTES`] of memory.
const MAX_PARALLEL_SENDS: usize = 4;

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error("object not found")]
    Missing,
    /// The store is full, unreachable or too slow, or refuses the credentials. The text is for the log only.
    #[error("object store unavailable: {0}")]
    Unavailable(String),
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<tokio::time::error::Elapsed> for StorageError {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Unavailable("timed out".to_owned())
    }
}

/// A bucket of an S3-compatible service.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The origin of the S3 server, for example `https://s3.example`.
    pub endpoint: String,
    pub name: String,
    pub region: String,
    pub access_key: SecretString,
    pub secret_key: SecretString,
}

pub struct Storage {
    incoming: PathBuf,
    objects: Arc<dyn ObjectStore>,
    /// Whether files are sent to a bucket, or renamed within the local folder.
    is_remote: bool,
    sending: Semaphore,
}

impl Storage {
    /// Opens the store without connecting to it.
    ///
    /// # Errors
    /// [`StorageError`] if the folder cannot be created, or if the settings of the bucket are invalid.
    pub fn open(folder: &Path, bucket: Option<&Bucket>) -> Result<Self, StorageError> {
        let incoming = folder.join("incoming");
        for private in [&incoming, &folder.join("objects")] {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(private)?;
        }
        let objects: Arc<dyn ObjectStore> = match bucket {
            None => Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)),
            Some(bucket) => Arc::new(s3_client(bucket)?),
        };
        Ok(Self { incoming, objects, is_remote: bucket.is_some(), sending: Semaphore::new(MAX_PARALLEL_SENDS) })
    }

    /// Creates the temporary file of an upload.
    pub async fn receive(&self, key: Uuid) -> Result<Incoming, StorageError> {
        let path = self.incoming.join(key.to_string());
        blocking(move || Incoming::open(key, path)).await
    }

    /// Moves an upload to the store atomically, so that no reader can see a part of the file.
    ///
    /// # Errors
    /// [`StorageError`] if the store is unavailable. The file may be stored all the same, so the caller must
    /// [remove](Self::remove) it.
    pub async fn store(&self, mut incoming: Incoming) -> Result<(), StorageError> {
        let incoming = blocking(move || incoming.finish().map(|()| incoming)).await?;
        if self.is_remote {
            let _slot = self.sending.acquire().await.map_err(|error| StorageError::Unavailable(error.to_string()))?;
            return tokio::time::timeout(SEND_TIMEOUT, self.send(incoming)).await?;
        }
        let from = Key::from(format!("incoming/{}", incoming.key()));
        Ok(tokio::time::timeout(REQUEST_TIMEOUT, self.objects.rename(&from, &object_key(incoming.key()))).await??)
    }

    async fn send(&self, incoming: Incoming) -> Result<(), StorageError> {
        let key = object_key(incoming.key());
        let (mut incoming, first) = next_part(incoming).await?;
        if first.len() < PART_BYTES {
            self.objects.put(&key, first.into()).await?;
            return Ok(());
        }
        let mut upload = self.objects.put_multipart(&key).await?;
        let sent = async {
            let mut part = first;
            while !part.is_empty() {
                upload.put_part(part.into()).await?;
                (incoming, part) = next_part(incoming).await?;
            }
            upload.complete().await.map_err(StorageError::from)
        };
        if let Err(error) = sent.await {
            // Otherwise the bucket keeps the parts of the incomplete upload, and the provider charges for them.
            upload.abort().await?;
            return Err(error);
        }
        Ok(())
    }

    /// Returns a range of bytes of a stored file as a stream.
    pub async fn read(
        &self,
        key: Uuid,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, object_store::Error>>, StorageError> {
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        Ok(tokio::time::timeout(REQUEST_TIMEOUT, self.objects.get_opts(&object_key(key), options))
            .await??
            .into_stream())
    }

    /// Deletes the stored file and the upload in progress with this key, if they exist.
    pub async fn remove(&self, key: Uuid) -> Result<(), StorageError> {
        incoming::remove(&self.incoming.join(key.to_string())).await?;
        match tokio::time::timeout(REQUEST_TIMEOUT, self.objects.delete(&object_key(key)))
            .await?
            .map_err(StorageError::from)
        {
            Err(StorageError::Missing) => Ok(()),
            other => other,
        }
    }

    /// Deletes uploads that were last written before this time. Their process was killed, so they never complete.
    pub async fn sweep(&self, before: DateTime<Utc>) -> Result<(), StorageError> {
        let mut files = tokio::fs::read_dir(&self.incoming).await?;
        while let Some(file) = files.next_entry().await? {
            let written = file.metadata().await.and_then(|metadata| metadata.modified());
            // If the metadata cannot be read, the upload was stored or deleted a moment ago.
            if written.is_ok_and(|written| DateTime::<Utc>::from(written) < before) {
                incoming::remove(&file.path()).await?;
            }
        }
        Ok(())
    }
}

/// Runs work that blocks on I/O on a thread of the blocking pool.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.unwrap_or_else(|error| Err(io::Error::other(error)))?)
}

async fn next_part(mut incoming: Incoming) -> Result<(Incoming, Bytes), StorageError> {
    blocking(move || incoming.part().map(|part| (incoming, part))).await
}

fn object_key(key: Uuid) -> Key {
    Key::from(format!("objects/{key}"))
}

/// Creates a client with the credentials in `bucket`. The client uses no credentials from environment variables or from
/// the metadata service of a cloud.
fn s3_client(bucket: &Bucket) -> Result<impl ObjectStore, object_store::Error> {
    let client = ClientOptions::new()
        .with_timeout(REQUEST_TIMEOUT)
        .with_connect_timeout(Duration::from_secs(3))
        // `config` accepts http:// only for loopback addresses.
        .with_allow_http(bucket.endpoint.starts_with("http://"));
    AmazonS3Builder::new()
        .with_endpoint(&bucket.endpoint)
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(bucket.access_key.expose_secret())
        .with_secret_access_key(bucket.secret_key.expose_secret())
        .with_retry(RetryConfig { max_retries: 2, retry_timeout: REQUEST_TIMEOUT, ..RetryConfig::default() })
        .with_client_options(client)
        .build()
}
