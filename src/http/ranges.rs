//! Range requests (RFC 9110 §14): clients resume downloads with them. A request for several ranges receives the whole
//! file, because overlapping ranges together could be longer than the file (amplification).

use actix_web::HttpRequest;
use actix_web::http::header::{self, Range};

/// The part of a file that a request asks for. Both ends are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedRange {
    Whole,
    Part {
        first: u64,
        last: u64,
    },
    /// The range begins after the end of the file (416).
    Unsatisfiable,
}

/// Reads `Range`. Returns the whole file if `If-Range` contains another version than `etag`.
#[must_use]
pub fn requested_range(request: &HttpRequest, length: u64, etag: &str) -> RequestedRange {
    let line = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if line(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return RequestedRange::Whole;
    }
    let Some(Ok(Range::Bytes(ranges))) = line(header::RANGE).map(str::parse) else { return RequestedRange::Whole };
    match ranges.as_slice() {
        [range] => range
            .to_satisfiable_range(length)
            .map_or(RequestedRange::Unsatisfiable, |(first, last)| RequestedRange::Part { first, last }),
        _ => RequestedRange::Whole,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn of(range: &str) -> RequestedRange {
        requested_range(&TestRequest::default().insert_header((header::RANGE, range)).to_http_request(), 100, "\"a\"")
    }

    #[test]
    fn single_range_is_clamped_to_the_file() {
        assert_eq!(of("bytes=0-9"), RequestedRange::Part { first: 0, last: 9 });
        assert_eq!(of("bytes=90-"), RequestedRange::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=-10"), RequestedRange::Part { first: 90, last: 99 });
        assert_eq!(of("bytes=50-18446744073709551615"), RequestedRange::Part { first: 50, last: 99 });
        assert_eq!(of("bytes=-1000"), RequestedRange::Part { first: 0, last: 99 });
    }

    #[test]
    fn range_after_the_end_is_unsatisfiable() {
        for range in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(of(range), RequestedRange::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn multiple_or_malformed_ranges_return_the_whole_file() {
        for range in
            ["bytes=0-1,5-6", "bytes=0-,0-,0-,0-", "lines=1-2", "bytes=x", "0-1", "", "bytes=18446744073709551616-"]
        {
            assert_eq!(of(range), RequestedRange::Whole, "{range}");
        }
    }

    #[test]
    fn range_of_another_version_returns_the_whole_file() {
        let with = |tag: &str| {
            let request = TestRequest::default().insert_header((header::RANGE, "bytes=0-9"));
            requested_range(&request.insert_header((header::IF_RANGE, tag)).to_http_request(), 100, "\"a\"")
        };
        assert_eq!(with("\"a\""), RequestedRange::Part { first: 0, last: 9 });
        for tag in ["\"b\"", "W/\"a\"", "Tue, 24 Nov 2026 00:00:00 GMT"] {
            assert_eq!(with(tag), RequestedRange::Whole, "{tag}");
        }
    }
}
