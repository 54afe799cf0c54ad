//! `STRONGROOM_DOCUMENTS_…`: where documents are stored, and their limits.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use url::Url;

use super::Profile;
use super::origin::is_loopback;
use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct DocumentSettings {
    /// The folder for uploads in progress. Without a bucket, it also contains all stored documents.
    pub folder: PathBuf,
    pub bucket: Option<BucketSettings>,
    /// The maximum size of a file, in bytes.
    pub max_bytes: usize,
    pub max_pixels: u32,
    /// The storage quota of an owner, in bytes.
    pub quota_bytes: i64,
    /// The maximum number of files of an owner.
    pub quota_count: i32,
    /// The program that inspects PDFs. It is the service's own executable, except in tests.
    pub pdf_inspector: PathBuf,
}

#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// The origin of the S3 server, for example `https://s3.example`.
    pub endpoint: String,
    pub name: String,
    pub region: String,
    pub access_key: SecretString,
    pub secret_key: SecretString,
}

const S3_URL: &str = "STRONGROOM_DOCUMENTS_S3_URL";
const ACCESS_KEY: &str = "STRONGROOM_DOCUMENTS_S3_ACCESS_KEY";
const SECRET_KEY: &str = "STRONGROOM_DOCUMENTS_S3_SECRET_KEY";

impl DocumentSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile, state_dir: Option<&Path>) -> Self {
        let folder = match (reader.optional("STRONGROOM_DOCUMENTS_FOLDER"), state_dir) {
            (Some(folder), _) => std::path::absolute(&folder).unwrap_or_else(|_| folder.into()),
            (None, Some(state_dir)) => state_dir.join("documents"),
            (None, None) => {
                let problem = "is missing: set a persistent folder that only the service uses";
                reader.fault("STRONGROOM_DOCUMENTS_FOLDER", problem);
                PathBuf::new()
            }
        };
        let number = |reader: &mut Reader<'_>, name, min, max| reader.number(name, min, max);
        Self {
            folder,
            // Without the path of the executable, no inspection can start, so uploads of PDFs get 503.
            pdf_inspector: std::env::current_exe().unwrap_or_default(),
            bucket: bucket(reader, profile),
            max_bytes: usize::try_from(number(reader, "STRONGROOM_DOCUMENTS_MAX_BYTES", 1024, 100 * 1024 * 1024))
                .unwrap_or(usize::MAX),
            max_pixels: u32::try_from(number(reader, "STRONGROOM_DOCUMENTS_MAX_PIXELS", 1_000_000, 1_000_000_000))
                .unwrap_or(u32::MAX),
            quota_bytes: i64::try_from(number(reader, "STRONGROOM_DOCUMENTS_QUOTA_BYTES", 1024, 1 << 50))
                .unwrap_or(i64::MAX),
            quota_count: i32::try_from(number(reader, "STRONGROOM_DOCUMENTS_QUOTA_COUNT", 1, 1_000_000_000))
                .unwrap_or(i32::MAX),
        }
    }
}

fn bucket(reader: &mut Reader<'_>, profile: Profile) -> Option<BucketSettings> {
    let region = reader.text("STRONGROOM_DOCUMENTS_S3_REGION");
    let Some(url) = reader.optional(S3_URL) else {
        for name in [ACCESS_KEY, SECRET_KEY] {
            if reader.has_secret(name) {
                reader.fault(name, format!("is not used without a bucket: set {S3_URL}, or remove it"));
            }
        }
        return None;
    };
    let bucket = parse(&url, profile);
    if bucket.is_none() {
        reader.fault(
            S3_URL,
            "is not a URL such as https://host/bucket, without user and query (http only on loopback in development)",
        );
    }
    let remedy = "create an access key that is limited to the bucket";
    let access_key = reader.required_secret(ACCESS_KEY, remedy);
    let secret_key = reader.required_secret(SECRET_KEY, remedy);
    let (endpoint, name) = bucket?;
    Some(BucketSettings { endpoint, name, region, access_key: access_key?, secret_key: secret_key? })
}

/// Parses the URL of a bucket into the origin of the server and the name of the bucket.
fn parse(url: &str, profile: Profile) -> Option<(String, String)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_secure = match url.scheme() {
        "https" => true,
        "http" => profile == Profile::Development && is_loopback(host),
        _ => false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let bucket = url.path().trim_matches('/');
    let is_name = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
    (is_secure && is_plain && is_name && url.fragment().is_none())
        .then(|| (url.origin().ascii_serialization(), bucket.to_owned()))
}
