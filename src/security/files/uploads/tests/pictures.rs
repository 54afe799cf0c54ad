use super::super::{FileType, UploadError};
use super::{MAX_PIXELS, archive, chunk, inspect, jpeg, pdf, png};

/// Returns an MP4 that consists of two boxes. `first` is the length of the first box: 16 to 32 bytes on phones.
fn video(first: u8) -> Vec<u8> {
    let mut video = vec![0, 0, 0, first];
    video.extend_from_slice(b"ftypmp42");
    video.resize(first.into(), 0);
    [&video[..], b"\0\0\0\x0emdatpixels"].concat()
}

/// Returns a trailer as Samsung phones write it: a block with a time, a block with a video, and their directory.
fn samsung(video: &[u8]) -> Vec<u8> {
    let block = |kind: [u8; 2], name: &str, data: &[u8]| {
        let length = u32::try_from(name.len()).unwrap().to_le_bytes();
        [&[0, 0], &kind[..], &length, name.as_bytes(), data].concat()
    };
    let blocks =
        [block([0x01, 0x0a], "Image_UTC_Data", b"1577836800000"), block([0x30, 0x0a], "MotionPhoto_Data", video)];
    let mut distance: usize = blocks.iter().map(Vec::len).sum();
    let mut directory = [b"SEFH".as_slice(), &[101, 0, 0, 0, 2, 0, 0, 0]].concat();
    for block in &blocks {
        directory.extend_from_slice(&block[..4]);
        directory.extend_from_slice(&u32::try_from(distance).unwrap().to_le_bytes());
        directory.extend_from_slice(&u32::try_from(block.len()).unwrap().to_le_bytes());
        distance -= block.len();
    }
    let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
    [&blocks.concat()[..], &directory, &length, b"SEFT"].concat()
}

/// Returns an AFCP trailer that fits a picture of `picture` bytes. `order` states the byte order.
fn afcp(picture: usize, order: u8) -> Vec<u8> {
    let number = |n: u32| if order == b'!' { n.to_be_bytes() } else { n.to_le_bytes() };
    let start = u32::try_from(picture).unwrap();
    let tag = [b'A', b'X', b'S', order];
    let data = b"\x1c\x02\x78\0\x05a cat";
    [
        &tag[..],
        &[1, 0, 0, 1, 0, 0, 0, 0],
        b"IPTC",
        &number(10),
        &number(start + 24),
        data,
        &tag,
        &number(start),
        &[0; 4],
    ]
    .concat()
}

#[test]
fn valid_picture_is_accepted() {
    assert_eq!(inspect(FileType::Png, &png(100, 100, &chunk(b"tEXt", b"a comment"), b"")), Ok(()));
    assert_eq!(inspect(FileType::Jpeg, &jpeg(100, 100, b"a comment", b"")), Ok(()));
}

/// Photoshop on a Mac writes such markup, and compressed pixels contain it by chance.
#[test]
fn markup_in_binary_data_is_accepted() {
    for mark in [
        "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\">",
        "<sVG ",
        "<script>",
        "<html>",
        "<?php ",
        "PK\x05\x06",
    ] {
        let mark = mark.as_bytes();
        assert_eq!(inspect(FileType::Png, &png(1, 1, &chunk(b"tEXt", mark), b"")), Ok(()), "{mark:?}");
        assert_eq!(inspect(FileType::Png, &png(1, 1, &chunk(b"IDAT", mark), b"")), Ok(()), "{mark:?}");
        assert_eq!(inspect(FileType::Jpeg, &jpeg(1, 1, mark, b"")), Ok(()), "{mark:?}");
        let mut scan = jpeg(1, 1, b"", b"");
        let end = scan.len() - 3;
        scan.splice(end..end, mark.iter().copied());
        assert_eq!(inspect(FileType::Jpeg, &scan), Ok(()), "{mark:?}");
        let pdf = [b"%PDF-1.7\n stream\n".as_slice(), mark, b"\n endstream ", &pdf("")[9..]].concat();
        assert_eq!(inspect(FileType::Pdf, &pdf), Ok(()), "{mark:?}");
    }
}

#[test]
fn padding_and_further_pictures_are_accepted() {
    for padding in [&b"\n"[..], b"\r\n", b"\0", &[0; 4000]] {
        assert_eq!(inspect(FileType::Png, &png(1, 1, b"", padding)), Ok(()));
        assert_eq!(inspect(FileType::Jpeg, &jpeg(1, 1, b"", padding)), Ok(()));
        let two = jpeg(100, 100, b"", &[padding, &jpeg(10, 10, b"", padding)].concat());
        assert_eq!(inspect(FileType::Jpeg, &two), Ok(()));
    }
    let three = jpeg(1, 1, b"", &jpeg(1, 1, b"", &jpeg(1, 1, b"", b"")));
    assert_eq!(inspect(FileType::Jpeg, &three), Ok(()), "Multi-Picture Format");
}

#[test]
fn trailer_of_a_camera_is_accepted() {
    let picture = jpeg(1, 1, b"", b"").len();
    for trailer in [
        video(24),
        video(32),
        samsung(&video(24)),
        [&[0; 5], &samsung(&video(24))[..]].concat(),
        [jpeg(2, 2, b"", b""), samsung(b"")].concat(),
        afcp(picture, b'!'),
        afcp(picture, b'*'),
        [b"\r\n", &afcp(picture + 2, b'!')[..]].concat(),
    ] {
        assert_eq!(inspect(FileType::Jpeg, &jpeg(1, 1, b"", &trailer)), Ok(()), "{}", trailer.escape_ascii());
        assert_eq!(inspect(FileType::Png, &png(1, 1, b"", &trailer)), Err(UploadError::AfterEnd));
    }
}

#[test]
fn other_data_after_the_end_is_refused() {
    let picture = jpeg(1, 1, b"", b"").len();
    let without_end = |trailer: Vec<u8>| trailer[..trailer.len() - 1].to_vec();
    for after in [
        b"x".to_vec(),
        b" ".to_vec(),
        b"\0\0\0x".to_vec(),
        b"<script>alert(1)</script>".to_vec(),
        archive(),
        pdf(""),
        png(1, 1, b"", b""),
        b"SEFT".to_vec(),
        b"\0\0any data\x08\0\0\0SEFT".to_vec(),
        [b"\0\0any data".as_slice(), &samsung(b"")].concat(),
        [b"A", &samsung(b"")[..]].concat(),
        without_end(samsung(b"")),
        [&samsung(b"")[..], b"x"].concat(),
        without_end(video(24)),
        [&video(24)[..], b"any data"].concat(),
        [b"\0\0\0\x18moov", &[0; 16][..], &video(24)].concat(),
        b"\0\0\0\x18ftypmp42aaaabbbbcccc\0\0\0\0mdat to the end".to_vec(),
        b"A".to_vec(),
        without_end(afcp(picture, b'!')),
        afcp(picture + 1, b'!'),
        b"\xff".to_vec(),
        b"\xff\xd9".to_vec(),
    ] {
        let file = jpeg(1, 1, b"", &after);
        let answer = inspect(FileType::Jpeg, &file);
        let incomplete = after == b"\xff" && answer == Err(UploadError::Content);
        assert!(answer == Err(UploadError::AfterEnd) || incomplete, "{} {answer:?}", after.escape_ascii());
    }
    for after in [&b"x"[..], b" ", b"\0\0\0x", &archive(), &png(1, 1, b"", b"")] {
        assert_eq!(inspect(FileType::Png, &png(1, 1, b"", after)), Err(UploadError::AfterEnd));
    }
    assert_eq!(inspect(FileType::Jpeg, &jpeg(1, 1, b"", &jpeg(1, 1, b"", b"")[..40])), Err(UploadError::Content));
}

#[test]
fn polyglot_picture_is_refused() {
    let with_archive = [b"PK\x03\x04 a file ", &archive()[..]].concat();
    let late_pdf = [&[b' '; 500][..], b"%PDF-1.4"].concat();
    for (inside, refused) in [(&with_archive, UploadError::Archive), (&late_pdf, UploadError::PdfInside)] {
        assert_eq!(inspect(FileType::Png, &png(1, 1, &chunk(b"tEXt", inside), b"")), Err(refused));
        assert_eq!(inspect(FileType::Png, &png(1, 1, &chunk(b"IDAT", inside), b"")), Err(refused));
        assert_eq!(inspect(FileType::Jpeg, &jpeg(1, 1, inside, b"")), Err(refused));
    }
    let shifted = [b" ".to_vec(), png(1, 1, b"", b"")].concat();
    assert_eq!(inspect(FileType::Png, &shifted), Err(UploadError::Not(FileType::Png)));
}

/// Decompression bomb (CWE-409).
#[test]
fn too_many_pixels_are_refused_by_the_header() {
    let too_many = Err(UploadError::Pixels { max: MAX_PIXELS });
    for (width, height) in [(60_000, 60_000), (u32::MAX, u32::MAX), (1, MAX_PIXELS + 1)] {
        assert_eq!(inspect(FileType::Png, &png(width, height, b"", b"")[..30]), too_many);
    }
    assert_eq!(inspect(FileType::Png, &png(11_000, 10_000, b"", b"")), Ok(()), "110 million");
    assert_eq!(inspect(FileType::Jpeg, &jpeg(8_160, 6_144, b"", b"")), Ok(()), "a phone of 50 megapixels");
    assert_eq!(inspect(FileType::Png, &png(0, 5, b"", b"")), Err(UploadError::Content));
    assert_eq!(inspect(FileType::Jpeg, &jpeg(65_000, 65_000, b"", b"")), too_many);
    assert_eq!(inspect(FileType::Jpeg, &jpeg(0, 1, b"", b"")), Err(UploadError::Content));
    let second = jpeg(1, 1, b"", &jpeg(65_000, 65_000, b"", b""));
    assert_eq!(inspect(FileType::Jpeg, &second), too_many, "in the second picture too");
}
