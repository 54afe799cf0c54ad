//! One part of a file (RFC 9110 §14): a download that broke off goes on. Several ranges at once are a way to make a server send
//! more than the file; they get the whole file, as the RFC allows.

use actix_web::HttpRequest;
use actix_web::http::header::{self, Range};

/// What of the file is asked for. Both ends belong to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    Part {
        first: u64,
        last: u64,
    },
    /// It begins behind the end: 416.
    Unsatisfiable,
}

/// What this request wants of a file of `length` bytes that is called `etag` now. A part of another version is of no use:
/// `If-Range` with another tag wants the whole.
#[must_use]
pub fn wanted(request: &HttpRequest, length: u64, etag: &str) -> Wanted {
    let line = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if line(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Wanted::Whole;
    }
    let Some(Ok(Range::Bytes(ranges))) = line(header::RANGE).map(str::parse) else { return Wanted::Whole };
    match ranges.as_slice() {
        [range] => range
            .to_satisfiable_range(length)
            .map_or(Wanted::Unsatisfiable, |(first, last)| Wanted::Part { first, last }),
        _ => Wanted::Whole,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn of(range: &str) -> Wanted {
        wanted(&TestRequest::default().insert_header((header::RANGE, range)).to_http_request(), 100, "\"a\"")
    }

    #[test]
    fn one_range_is_a_part_within_the_file() {
        assert_eq!(of("bytes=0-9"), Wanted::Part { first: 0, last: 9 });
        assert_eq!(of("bytes=90-"), Wanted::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=-10"), Wanted::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=50-18446744073709551615"), Wanted::Part { first: 50, last: 99 });
        assert_eq!(of("bytes=-1000"), Wanted::Part { first: 0, last: 99 });
    }

    #[test]
    fn what_lies_behind_the_end_is_unsatisfiable() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(of(range), Wanted::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn several_ranges_and_what_is_none_get_the_whole() {
        for range in
            ["bytes=0-1,5-6", "bytes=0-,0-,0-,0-", "lines=1-2", "bytes=x", "0-1", "", "bytes=18446744073709551616-"]
        {
            assert_eq!(of(range), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_the_whole() {
        let with = |tag: &str| {
            let request = TestRequest::default().insert_header((header::RANGE, "bytes=0-9"));
            wanted(&request.insert_header((header::IF_RANGE, tag)).to_http_request(), 100, "\"a\"")
        };
        assert_eq!(with("\"a\""), Wanted::Part { first: 0, last: 9 });
        for tag in ["\"b\"", "W/\"a\"", "Tue, 24 Nov 2026 00:00:00 GMT"] {
            assert_eq!(with(tag), Wanted::Whole, "{tag}");
        }
    }
}
