//! Builds PDFs in two forms: plain, with a cross-reference table, or packed into a compressed object stream.
//! A search of the raw bytes of a packed PDF finds no name, such as `/JavaScript`.

/// A PDF with an empty page. Object 1 is the catalog, 2 the page tree, 3 the page, and later ones belong to the test.
#[derive(Clone, Default)]
pub struct PdfFile {
    catalog: String,
    page: String,
    trailer: String,
    objects: Vec<Object>,
}

#[derive(Clone)]
struct Object {
    body: Vec<u8>,
    /// An object stream cannot contain a stream, so the packed form writes it on its own.
    is_stream: bool,
}

impl PdfFile {
    pub fn catalog(mut self, entries: &str) -> Self {
        self.catalog += entries;
        self
    }

    pub fn page(mut self, entries: &str) -> Self {
        self.page += entries;
        self
    }

    pub fn trailer(mut self, entries: &str) -> Self {
        self.trailer += entries;
        self
    }

    pub fn object(mut self, body: &str) -> Self {
        self.objects.push(Object { body: body.into(), is_stream: false });
        self
    }

    pub fn stream(mut self, entries: &str, content: &[u8]) -> Self {
        self.objects.push(Object { body: stream(entries, content), is_stream: true });
        self
    }

    fn all(&self) -> Vec<Object> {
        let object = |body: String| Object { body: body.into(), is_stream: false };
        let mut all = vec![
            object(format!("<< /Type /Catalog /Pages 2 0 R {} >>", self.catalog)),
            object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned()),
            object(format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] {} >>", self.page)),
        ];
        all.extend(self.objects.iter().cloned());
        all
    }

    pub fn plain(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let all = self.all();
        for (index, object) in all.iter().enumerate() {
            writer.object(index + 1, &object.body);
        }
        writer.table(0, all.len() + 1, &format!("/Root 1 0 R {}", self.trailer))
    }

    /// Returns the packed file.
    pub fn packed(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        let all = self.all();
        let container = all.len() + 1;
        let (mut header, mut bodies, mut entries, mut count) = (String::new(), Vec::new(), entry(0, 0, 0), 0);
        for (index, object) in all.iter().enumerate() {
            if object.is_stream {
                entries.extend(entry(1, writer.bytes.len(), 0));
                writer.object(index + 1, &object.body);
            } else {
                header += &format!("{} {} ", index + 1, bodies.len());
                bodies.extend([&object.body[..], b"\n"].concat());
                entries.extend(entry(2, container, count));
                count += 1;
            }
        }
        let content = deflated(&[header.as_bytes(), &bodies].concat());
        let says = format!("/Type /ObjStm /N {count} /First {} /Filter /FlateDecode", header.len());
        entries.extend(entry(1, writer.bytes.len(), 0));
        writer.object(container, &stream(&says, &content));
        let start = writer.bytes.len();
        entries.extend(entry(1, start, 0));
        let says = format!("/Type /XRef /Size {} /W [1 4 2] /Root 1 0 R {}", container + 2, self.trailer);
        writer.object(container + 1, &stream(&says, &entries));
        writer.end(start)
    }
}

/// Appends an incremental update that replaces one object of a plain file.
pub fn revised(file: &[u8], number: usize, body: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(file);
    let previous = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().to_owned();
    let mut writer = Writer { bytes: file.to_vec(), offsets: Vec::new() };
    writer.object(number, body.as_bytes());
    writer.table(number, 1, &format!("/Root 1 0 R /Prev {previous}"))
}

fn entry(kind: u8, second: usize, third: u16) -> Vec<u8> {
    [&[kind][..], &u32::try_from(second).unwrap().to_be_bytes(), &third.to_be_bytes()].concat()
}

pub fn stream(entries: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("<< {entries} /Length {} >>\nstream\n", content.len());
    [head.as_bytes(), content, b"\nendstream"].concat()
}

struct Writer {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { bytes: b"%PDF-1.7\n".to_vec(), offsets: Vec::new() }
    }
}

impl Writer {
    fn object(&mut self, number: usize, body: &[u8]) {
        self.offsets.push(self.bytes.len());
        self.bytes.extend([format!("{number} 0 obj\n").as_bytes(), body, b"\nendobj\n"].concat());
    }

    /// Writes the cross-reference table for the objects from `first` on.
    fn table(mut self, first: usize, size: usize, trailer: &str) -> Vec<u8> {
        let start = self.bytes.len();
        let mut table = format!("xref\n{first} {size}\n");
        if first == 0 {
            table += "0000000000 65535 f \n";
        }
        for offset in &self.offsets {
            table += &format!("{offset:010} 00000 n \n");
        }
        table += &format!("trailer\n<< /Size {} {trailer} >>\n", first + size);
        self.bytes.extend(table.into_bytes());
        self.end(start)
    }

    fn end(mut self, start: usize) -> Vec<u8> {
        self.bytes.extend(format!("startxref\n{start}\n%%EOF\n").into_bytes());
        self.bytes
    }
}

/// Compresses bytes with the fixed Huffman code of DEFLATE.
pub fn deflated(content: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    for &byte in content {
        bits.literal(byte);
    }
    bits.zlib()
}

/// Compresses bytes and many zeros (decompression bomb): 13 bits for 258 zeros.
pub fn deflated_with_zeros(content: &[u8], count: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    for &byte in content {
        bits.literal(byte);
    }
    bits.literal(0);
    for _ in 0..count / 258 {
        // The longest possible match: 258 bytes at a distance of one byte.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.zlib()
}

struct Bits {
    bytes: Vec<u8>,
    held: u32,
    count: u32,
}

impl Default for Bits {
    /// Starts the only block of the stream.
    fn default() -> Self {
        Self { bytes: vec![0x78, 0x01], held: 0b011, count: 3 }
    }
}

impl Bits {
    fn literal(&mut self, byte: u8) {
        match byte {
            0..=143 => self.code(0x30 + u32::from(byte), 8),
            144.. => self.code(0x190 + u32::from(byte) - 144, 9),
        }
    }

    /// Writes a code, highest bit first.
    fn code(&mut self, code: u32, length: u32) {
        self.held |= (code.reverse_bits() >> (32 - length)) << self.count;
        self.count += length;
        while self.count >= 8 {
            self.bytes.push(self.held.to_le_bytes()[0]);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Ends the block. PDF readers do not verify the final checksum, which is zero here.
    fn zlib(mut self) -> Vec<u8> {
        self.code(0, 7);
        self.code(0, 7);
        self.bytes.extend([0; 4]);
        self.bytes
    }
}
