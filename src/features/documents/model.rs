use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::hex::hex;
use crate::base::page::Position;
use crate::features::documents::id::DocumentId;
use crate::features::invoices::id::InvoiceId;
use crate::security::files::uploads::FileType;

/// In characters.
pub const MAX_TITLE: usize = 200;

/// An uploaded file. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The file name after sanitizing.
    pub name: String,
    pub kind: FileType,
    /// The size in bytes.
    pub size: u64,
    pub sha256: [u8; 32],
    /// The key of the file in the object store.
    pub key: Uuid,
}

impl File {
    /// Returns the SHA-256 hash in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.sha256)
    }
}

/// A partial update of a document. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub title: Option<String>,
    /// `Some(None)` detaches the document from its invoice.
    pub invoice: Option<Option<InvoiceId>>,
}

#[derive(Clone, Debug)]
pub struct Document {
    id: DocumentId,
    title: String,
    invoice: Option<InvoiceId>,
    file: File,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Document {
    /// The default title is the file name, cut off after [`MAX_TITLE`] characters.
    #[must_use]
    pub fn new(title: Option<String>, invoice: Option<InvoiceId>, file: File, now: DateTime<Utc>) -> Self {
        let title = title.unwrap_or_else(|| file.name.chars().take(MAX_TITLE).collect());
        Self::from_stored(DocumentId::new(), title, invoice, file, 1, now, now)
    }

    #[must_use]
    pub fn from_stored(
        id: DocumentId,
        title: String,
        invoice: Option<InvoiceId>,
        file: File,
        version: i64,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self { id, title, invoice, file, version, created_at, updated_at }
    }

    #[must_use]
    pub fn updated_with(self, change: Change, now: DateTime<Utc>) -> Self {
        let title = change.title.unwrap_or(self.title);
        let invoice = change.invoice.unwrap_or(self.invoice);
        Self { title, invoice, version: self.version + 1, updated_at: now, ..self }
    }

    #[must_use]
    pub fn id(&self) -> DocumentId {
        self.id
    }

    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    #[must_use]
    pub fn invoice(&self) -> Option<InvoiceId> {
        self.invoice
    }

    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    #[must_use]
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_changes_title_and_invoice_but_never_the_file() {
        let name = "terms.pdf".to_owned();
        let file = File { name, kind: FileType::Pdf, size: 7, sha256: [0xab; 32], key: Uuid::nil() };
        let invoice = Some(InvoiceId::new());
        let old = Document::new(None, invoice, file.clone(), DateTime::UNIX_EPOCH);
        assert_eq!((old.title(), old.version(), old.invoice()), ("terms.pdf", 1, invoice));
        let renamed =
            old.clone().updated_with(Change { title: Some("Terms".into()), invoice: None }, DateTime::UNIX_EPOCH);
        assert_eq!((renamed.title(), renamed.version(), renamed.invoice()), ("Terms", 2, invoice));
        let detached = old.updated_with(Change { title: None, invoice: Some(None) }, DateTime::UNIX_EPOCH);
        assert_eq!((detached.title(), detached.invoice(), detached.file()), ("terms.pdf", None, &file));
        assert!(file.fingerprint().starts_with("abab") && file.fingerprint().len() == 64);
    }
}
