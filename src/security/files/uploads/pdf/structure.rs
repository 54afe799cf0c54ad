//! Inspects the objects of a PDF for active content. The crate `hayro-syntax` parses the objects.
//!
//! Every object is inspected, even if no other object refers to it, because a PDF reader that repairs the file might
//! use it. So a forbidden action is found in any place (open action, annotation, name tree).
//! The file is parsed twice: first by its cross-reference table, then by a scan for objects, because some PDF readers
//! ignore the table.
//! An object that a later revision of the file has replaced is not inspected, because PDF readers show the later
//! revision.

use std::collections::{HashMap, HashSet};

use hayro_syntax::object::{Array, Dict, FromBytes, MaybeRef, Name, ObjRef, Object, Stream, String as PdfString};
use hayro_syntax::{LoadPdfError, Pdf};

use crate::security::files::uploads::refusal::PdfFault;

/// The forbidden types of actions (`/S`) and of annotations (`/Subtype`), with the reason for the refusal.
const ACTIVE: [(&[u8], PdfFault); 11] = [
    (b"JavaScript", PdfFault::JavaScript),
    (b"Launch", PdfFault::Launch),
    (b"SubmitForm", PdfFault::FormData),
    (b"ImportData", PdfFault::FormData),
    (b"GoToR", PdfFault::OtherFile),
    (b"GoToE", PdfFault::OtherFile),
    (b"RichMedia", PdfFault::Media),
    (b"RichMediaExecute", PdfFault::Media),
    (b"Movie", PdfFault::Media),
    (b"Sound", PdfFault::Media),
    (b"Rendition", PdfFault::Media),
];
/// The keys of forbidden content: the name tree of scripts, the script of a 3D model, an XFA form.
const ACTIVE_KEYS: [(&str, PdfFault); 3] =
    [("JavaScript", PdfFault::JavaScript), ("OnInstantiate", PdfFault::JavaScript), ("XFA", PdfFault::Xfa)];
/// The root elements of electronic invoices: Factur-X and ZUGFeRD, ZUGFeRD 1.0, UBL (Peppol), Order-X.
const INVOICE_ROOTS: [&str; 5] =
    ["CrossIndustryInvoice", "CrossIndustryDocument", "Invoice", "CreditNote", "SCRDMCCBDACIOMessageStructure"];

/// Refuses a PDF that has active content, or that cannot be parsed completely. Returns the first reason.
pub fn inspect(file: &[u8]) -> Result<(), PdfFault> {
    let mut file = file.to_vec();
    // Some old programs write a cross-reference table with objects at offset 0, where no object can be.
    // PDF readers treat these objects as missing. To make `hayro-syntax` do the same, mark their entries as free.
    replace(&mut file, b"0000000000 00000 n", b"0000000000 00000 f");
    let by_table = Pdf::new(file.clone()).map_err(|error| match error {
        LoadPdfError::Decryption(_) => PdfFault::Encrypted,
        LoadPdfError::Invalid => PdfFault::Unreadable,
    })?;
    check_objects(&by_table)?;
    drop(by_table);
    if !after_headers(&file).all(|rest| Object::from_bytes(rest).is_some()) {
        return Err(PdfFault::Unreadable);
    }
    // Misspell `startxref`, so that `hayro-syntax` does not find the cross-reference table and scans the file.
    // If this second parse fails, the scan has found no objects, so there is nothing to check.
    replace(&mut file, b"startxref", b"startXref");
    Pdf::new(file).map_or(Ok(()), |by_scan| check_objects(&by_scan))
}

fn replace(file: &mut [u8], from: &[u8], to: &[u8]) {
    for at in 0..file.len() {
        if let Some(found) = file.get_mut(at..at + from.len())
            && found == from
        {
            found.copy_from_slice(to);
        }
    }
}

/// Returns the bytes after each header of an object (for example `12 0 obj`).
fn after_headers(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_header = |before: &[u8]| {
        let mut words = before.rsplit(is_white_space).filter(|word| !word.is_empty());
        before.last().is_some_and(is_white_space)
            && words.next().is_some_and(|generation| generation.iter().all(u8::is_ascii_digit))
            && words.next().is_some_and(|number| number.last().is_some_and(u8::is_ascii_digit))
    };
    (0..file.len()).filter_map(move |at| {
        let rest = file.get(at..)?.strip_prefix(b"obj")?;
        is_header(file.get(at.saturating_sub(40)..at)?).then(|| without_comments(rest))
    })
}

pub(super) fn is_white_space(byte: &u8) -> bool {
    matches!(byte, b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

fn without_comments(mut rest: &[u8]) -> &[u8] {
    loop {
        let count = rest.iter().take_while(|byte| is_white_space(byte)).count();
        rest = rest.get(count..).unwrap_or_default();
        if rest.first() != Some(&b'%') {
            return rest;
        }
        let comment = rest.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
        rest = rest.get(comment..).unwrap_or_default();
    }
}

fn check_objects(pdf: &Pdf) -> Result<(), PdfFault> {
    let (known, mut read) = (pdf.len(), 0);
    for object in pdf.objects() {
        read += 1;
        check(pdf, object)?;
    }
    // `hayro-syntax` skips objects that it cannot parse. Another PDF reader might parse and execute them.
    if read < known { Err(PdfFault::Unreadable) } else { Ok(()) }
}

fn check<'a>(pdf: &'a Pdf, object: Object<'a>) -> Result<(), PdfFault> {
    let mut pending = vec![object];
    while let Some(object) = pending.pop() {
        let dict = match &object {
            Object::Array(array) => {
                items(array.data()).ok_or(PdfFault::Unreadable)?;
                pending.extend(array.raw_iter().filter_map(container));
                continue;
            }
            Object::Dict(dict) => dict,
            Object::Stream(stream) => {
                match stream.dict().get::<Name<'_>>("Type").as_deref() {
                    Some(b"EmbeddedFile") => check_embedded(stream)?,
                    Some(b"ObjStm") => check_object_stream(stream).ok_or(PdfFault::Unreadable)?,
                    _ => {}
                }
                stream.dict()
            }
            _ => continue,
        };
        check_dict(pdf, dict)?;
        pending.extend(dict.entries().filter_map(|(_, value)| container(value)));
    }
    Ok(())
}

fn container(value: MaybeRef<Object<'_>>) -> Option<Object<'_>> {
    match value {
        MaybeRef::NotRef(value @ (Object::Array(_) | Object::Dict(_) | Object::Stream(_))) => Some(value),
        _ => None,
    }
}

/// Returns the number of items in an array or a dictionary, or `None` if an item cannot be parsed.
/// `hayro-syntax` silently ignores the items after such an item.
fn items(inside: &[u8]) -> Option<usize> {
    let marked = [b"[", inside, b"\n/End]"].concat();
    let (mut items, mut is_whole) = (0, false);
    for item in Array::from_bytes(&marked)?.raw_iter() {
        items += 1;
        is_whole = matches!(item, MaybeRef::NotRef(Object::Name(name)) if name.as_ref() == b"End");
    }
    is_whole.then(|| items - 1)
}

/// Returns `Some` if all PDF readers find the same entries in the dictionary.
/// If a key occurs with two values, some readers use the first one and others use the last one.
fn is_unambiguous(dict: &Dict<'_>) -> Option<()> {
    let inside = dict.data().get(2..dict.data().len().checked_sub(2)?)?;
    if items(inside)? == 2 * dict.len() {
        return Some(());
    }
    let marked = [b"[", inside, b"]"].concat();
    let (mut entries, array) = (HashMap::new(), Array::from_bytes(&marked)?);
    let mut items = array.raw_iter();
    while let Some(key) = items.next() {
        let (MaybeRef::NotRef(Object::Name(key)), value) = (key, items.next()?) else { return None };
        if entries.get(&key).is_some_and(|known| *known != value) {
            return None;
        }
        entries.insert(key, value);
    }
    Some(())
}

/// Returns `Some` if all PDF readers find the same objects in an object stream.
/// Some readers use the table of the stream, and others scan the stream.
fn check_object_stream(stream: &Stream<'_>) -> Option<()> {
    let content = stream.decoded_data().ok()?;
    let [count, first] = ["N", "First"].map(|key| stream.dict().get::<u32>(key));
    let header = [b"[", content.get(..usize::try_from(first?).ok()?)?, b"]"].concat();
    let offsets: Vec<_> = Array::from_bytes(&header)?.iter::<u32>().skip(1).step_by(2).collect();
    let is_ordered = offsets.windows(2).all(|pair| pair.first() < pair.last());
    (is_ordered && offsets.len() == usize::try_from(count?).ok()?).then_some(())
}

fn check_dict<'a>(pdf: &'a Pdf, dict: &Dict<'a>) -> Result<(), PdfFault> {
    is_unambiguous(dict).ok_or(PdfFault::Unreadable)?;
    for key in ["S", "Subtype"] {
        if let Some(name) = dict.get::<Name<'_>>(key)
            && let Some((_, fault)) = ACTIVE.iter().find(|(active, _)| *active == name.as_ref())
        {
            return Err(*fault);
        }
    }
    for (key, fault) in ACTIVE_KEYS {
        if is_set(dict, key) {
            return Err(fault);
        }
    }
    check_triggered(pdf, dict)?;
    check_attachments(dict)
}

fn is_set(dict: &Dict<'_>, key: &str) -> bool {
    !matches!(dict.get::<Object<'_>>(key), None | Some(Object::Null(_)))
}

fn is_name(dict: &Dict<'_>, key: &str, expected: &[u8]) -> bool {
    dict.get::<Name<'_>>(key).is_some_and(|name| name.as_ref() == expected)
}

/// Refuses actions that open a link without a click, because a third party would learn when a user opens the file, and
/// from which IP address.
fn check_triggered<'a>(pdf: &'a Pdf, dict: &Dict<'a>) -> Result<(), PdfFault> {
    let mut pending: Vec<_> = dict.get_raw::<Object<'_>>("OpenAction").into_iter().collect();
    if let Some(additional) = dict.get::<Dict<'_>>("AA") {
        pending.extend(additional.entries().map(|(_, action)| action));
    }
    let mut seen = HashSet::<ObjRef>::new();
    while let Some(value) = pending.pop() {
        let value = match value {
            MaybeRef::NotRef(value) => Some(value),
            MaybeRef::Ref(id) if seen.insert(id) => pdf.xref().get::<Object<'_>>(id.into()),
            MaybeRef::Ref(_) => None,
        };
        match value {
            Some(Object::Dict(action)) if is_name(&action, "S", b"URI") => return Err(PdfFault::OpensLink),
            Some(Object::Dict(action)) => pending.extend(action.get_raw::<Object<'_>>("Next")),
            // An array contains either several actions, or a destination: a page and a position on this page.
            Some(Object::Array(actions)) => pending.extend(actions.raw_iter()),
            _ => {}
        }
    }
    Ok(())
}

/// Checks the embedded files of a file specification. Only the XML of an electronic invoice is allowed.
fn check_attachments(dict: &Dict<'_>) -> Result<(), PdfFault> {
    if !is_set(dict, "EF") {
        return Ok(());
    }
    let files = dict.get::<Dict<'_>>("EF").ok_or(PdfFault::EmbeddedFile)?;
    let names = ["F", "UF"].map(|key| dict.get::<PdfString<'_>>(key));
    // A name may be in UTF-16. Without its zero bytes, an ASCII name in UTF-16 equals the single-byte name.
    let ends_as_xml = |name: &PdfString<'_>| {
        let name: Vec<_> = name.iter().filter(|byte| **byte != 0).map(u8::to_ascii_lowercase).collect();
        name.ends_with(b".xml")
    };
    if is_set(dict, "RF") || !names.iter().flatten().all(ends_as_xml) {
        return Err(PdfFault::EmbeddedFile);
    }
    for (key, _) in files.entries() {
        check_embedded(&files.get::<Stream<'_>>(&key).ok_or(PdfFault::EmbeddedFile)?)?;
    }
    Ok(())
}

fn check_embedded(stream: &Stream<'_>) -> Result<(), PdfFault> {
    let says_xml = stream.dict().get::<Name<'_>>("Subtype").is_none_or(|subtype| subtype.ends_with(b"xml"));
    let content = stream.decoded_data().map_err(|_| PdfFault::EmbeddedFile)?;
    let is_invoice = std::str::from_utf8(&content).is_ok_and(|text| is_invoice(text).is_some());
    if says_xml && is_invoice { Ok(()) } else { Err(PdfFault::EmbeddedFile) }
}

/// Returns `Some` if the XML begins and ends with the root element of an invoice.
/// A document type (entities, XXE) or a style sheet (XSLT) before the root element is refused.
fn is_invoice(text: &str) -> Option<()> {
    let mut rest = text.trim_start_matches('\u{feff}').trim();
    if let Some(declaration) = rest.strip_prefix("<?xml ") {
        rest = declaration.split_once("?>")?.1.trim_start();
    }
    while let Some(comment) = rest.strip_prefix("<!--") {
        rest = comment.split_once("-->")?.1.trim_start();
    }
    let element = rest.strip_prefix('<')?.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
    let is_root = INVOICE_ROOTS.contains(&element.rsplit(':').next()?);
    let is_empty = rest.matches('<').count() == 1 && rest.ends_with("/>");
    (is_root && (is_empty || rest.ends_with(&format!("</{element}>")))).then_some(())
}
