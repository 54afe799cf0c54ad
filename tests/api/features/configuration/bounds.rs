//! A setting with a value outside of its allowed range is a fault.

use strongroom::config::Rate;

use super::Base;

#[test]
fn replica_name_is_restricted() {
    let base = Base::production();
    let long = "r".repeat(65);
    base.refuses("STRONGROOM_REPLICA", &["two words", "a/b", "a\nb", "ä", &long]);
    base.accepts("STRONGROOM_REPLICA", &["web-1", "web_1.example", &long[1..]]);
}

#[test]
fn hash_parameters_are_between_the_owasp_minimum_and_the_maximum() {
    let base = Base::production();
    let faults = |memory: &str, passes: &str| {
        base.faults(&[("STRONGROOM_PASSWORD_MEMORY_KIB", memory), ("STRONGROOM_PASSWORD_ITERATIONS", passes)])
    };
    for (memory, passes) in [("47104", "1"), ("19456", "2"), ("12288", "3"), ("9216", "4"), ("7168", "5")] {
        assert_eq!(faults(memory, passes), [""; 0], "{memory} {passes}");
        let less = (memory.parse::<u32>().unwrap() - 1).to_string();
        assert_eq!(faults(&less, passes), ["STRONGROOM_PASSWORD_MEMORY_KIB"], "{less} {passes}");
    }
    base.refuses("STRONGROOM_PASSWORD_MEMORY_KIB", &["4194304", "-1", "19 MiB"]);
    base.refuses("STRONGROOM_PASSWORD_ITERATIONS", &["1000", "21"]);
    base.refuses("STRONGROOM_PASSWORD_PARALLELISM", &["0", "9"]);
    base.refuses("STRONGROOM_PASSWORD_HASH_SLOTS", &["0", "65"]);
    let too_much = [("STRONGROOM_PASSWORD_MEMORY_KIB", "1048576"), ("STRONGROOM_PASSWORD_HASH_SLOTS", "5")];
    assert_eq!(base.faults(&too_much), ["STRONGROOM_PASSWORD_MEMORY_KIB"]);
    base.refuses("STRONGROOM_PASSWORD_MIN_LENGTH", &["0", "8", "11", "21", "64"]);
    base.accepts("STRONGROOM_PASSWORD_MIN_LENGTH", &["12", "15", "20"]);
}

#[test]
fn lifetimes_and_limits_are_bounded() {
    let base = Base::production();
    base.refuses("STRONGROOM_JWT_TTL_SECONDS", &["0", "59", "3601", "600.5", "10m"]);
    base.refuses("STRONGROOM_SESSION_IDLE_SECONDS", &["0", "99999999"]);
    base.refuses("STRONGROOM_SESSION_ABSOLUTE_SECONDS", &["99999999", "604799", "x"]);
    base.refuses("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", &["31", "-1"]);
    base.accepts("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", &["0", "30"]);
    base.refuses("STRONGROOM_HTTP_REPLY_SECONDS", &["0", "301"]);
    base.refuses("STRONGROOM_DATABASE_ACQUIRE_SECONDS", &["0", "60"]);
    base.refuses(
        "STRONGROOM_LIMITS_STANDARD",
        &["0/15m", "200/0m", "200", "200/", "/15m", "200/15", "200/15w", "200/25h", "200/m", "-1/1m", "1/\u{e4}"],
    );
    base.accepts("STRONGROOM_LIMITS_STANDARD", &["200/15m", "30/60s", "5/1h"]);
    assert_eq!("30/60s".parse(), Ok(Rate { count: 30, window: std::time::Duration::from_secs(60) }));
    // NIST SP 800-63B allows at most 100 failed attempts for one account.
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", &["101/1h", "26/15m", "101/24h", "1/30s"]);
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", &["1000/1h", "5"]);
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_ADDRESS", &["1001/1h"]);
    base.accepts("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", &["100/1h", "25/15m"]);
    base.refuses("STRONGROOM_LOGIN_FAILURES_PER_ACCOUNT", &["1/1h"]);
    base.refuses("STRONGROOM_LOGIN_ACCOUNTS_PER_NETWORK", &["1001/1h", "0/1h"]);
    base.refuses("STRONGROOM_LOGIN_FAILURES_IN_A_ROW", &["81", "9", "many"]);
    base.refuses("STRONGROOM_LOGIN_DEVICE_SECONDS", &["3599", "34560001"]);
}

#[test]
fn production_refuses_log_level_trace() {
    let base = Base::production();
    base.refuses(
        "STRONGROOM_LOG_FILTER",
        &["trace", "info,sqlx=trace", "5", "info,rustls", "info,x[y]=trace", "a=b=c"],
    );
    base.accepts("STRONGROOM_LOG_FILTER", &["info", "warn,strongroom=debug"]);
    base.refuses("STRONGROOM_LOG_FORMAT", &["xml"]);
    Base::development().accepts("STRONGROOM_LOG_FILTER", &["trace"]);
}
