use std::sync::Arc;
use std::time::Duration;

use super::*;

fn settings() -> PasswordSettings {
    PasswordSettings {
        min_chars: 12,
        memory_kib: 19_456,
        iterations: 2,
        parallelism: 1,
        hash_slots: 2,
        max_wait: Duration::from_secs(10),
    }
}

fn secret(text: &str) -> SecretString {
    text.into()
}

async fn check(passwords: &Passwords, password: &str, context: &[&str]) -> Result<(), PasswordRefusal> {
    passwords.check(&secret(password), context).await.unwrap()
}

#[actix_web::test]
async fn password_length_is_counted_in_characters() {
    let passwords = Passwords::new(&settings()).unwrap();
    let varied = |count: u32| (0..count).map(|i| char::from_u32(0x1F300 + i * 7 % 61).unwrap()).collect::<String>();
    for (password, expected) in [
        ("пароль".to_owned(), Err(PasswordRefusal::TooShort { min: 12 })),
        ("abcdeghkmnp".to_owned(), Err(PasswordRefusal::TooShort { min: 12 })),
        ("abdeghkmnpqy".to_owned(), Ok(())),
        (varied(64), Ok(())),
        (varied(65), Err(PasswordRefusal::TooLong)),
        ("x".repeat(10_000), Err(PasswordRefusal::TooLong)),
    ] {
        assert_eq!(check(&passwords, &password, &[]).await, expected, "{password}");
    }
}

/// `samples/` contains 200 weak and 200 strong passwords. A strong password is four random words (EFF's list), random
/// characters, or an invented sentence.
#[actix_web::test]
async fn weak_samples_are_rejected_and_strong_samples_accepted() {
    let passwords = Passwords::new(&settings()).unwrap();
    let (weak, strong) = (include_str!("samples/weak.txt"), include_str!("samples/strong.txt"));
    assert_eq!((weak.lines().count(), strong.lines().count()), (200, 200));
    let own = ["anna.keller", "anna.keller@example.com", "Anna Keller"];
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for password in weak.lines() {
        accepted.extend(check(&passwords, password, &own).await.ok().map(|()| password));
    }
    for password in strong.lines() {
        refused.extend(check(&passwords, password, &own).await.err().map(|refusal| (password, refusal)));
    }
    assert_eq!((accepted, refused), (Vec::<&str>::new(), Vec::new()));
}

#[actix_web::test]
async fn refusal_states_reason_and_advice() {
    let passwords = Passwords::new(&settings()).unwrap();
    let own = ["margarethe.k", "margarethe.k@example.com", "Margarethe Krause"];
    for (password, reason) in [
        ("unbelievable", "is among the passwords that attackers try first"),
        ("Administrator2026!", "is among the passwords that attackers try first"),
        ("Correct Horse, Battery Staple!", "is among the passwords that attackers try first"),
        ("margarethe.k1987", "is made of your name, your address or the name of this service"),
        ("strongroomstrongroom", "is made of your name, your address or the name of this service"),
        ("zebu zebu zebu zebu", "is easy to guess, because it is made of repetitions"),
        ("krause margarethe 1987", "is easy to guess, because it is made of common words or names and dates or years"),
        ("my password is secret", "is easy to guess, because it is made of common words or names"),
        ("cvbnm,./lkjhgf", "is easy to guess, because it is made of neighbouring keys"),
        ("            ", "is easy to guess, because it is made of very few different characters"),
    ] {
        let message = check(&passwords, password, &own).await.unwrap_err().to_string();
        assert!(message.starts_with(reason), "{password}: {message}");
        let advice = ": choose four or more random words, or let a password manager make one";
        assert!(message.ends_with(advice), "{message}");
    }
    for fine in ["margarethe rides at dawn", "lamp otter velvet 4", "ñandú con sombrero"] {
        assert_eq!(check(&passwords, fine, &own).await, Ok(()), "{fine}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_estimated_without_a_panic(password in "\\PC{12,64}") {
        let _ = policy::estimate(&password, &[]);
    }
}

#[actix_web::test]
async fn both_normalization_forms_are_the_same_password() {
    let passwords = Passwords::new(&settings()).unwrap();
    let spellings =
        ["caf\u{e9} \u{d55c}\u{ae00} lait", "cafe\u{301} \u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} lait"];
    for (chosen, typed) in [(spellings[0], spellings[1]), (spellings[1], spellings[0])] {
        let stored = passwords.hash(&secret(chosen)).await.unwrap();
        let verdict = passwords.verify(&secret(typed), Some(stored.as_str()), 0).await.unwrap();
        assert_eq!(verdict, Verdict::Correct { needs_rehash: false }, "{typed}");
    }
    let decomposed = |characters: usize| secret(&"e\u{301}".repeat(characters));
    assert_eq!(passwords.check(&decomposed(6), &[]).await.unwrap(), Err(PasswordRefusal::TooShort { min: 12 }));
    assert!(Passwords::is_within_max_length(&decomposed(64)), "128 code points that are 64 characters");
    assert!(!Passwords::is_within_max_length(&decomposed(65)));
    assert!(Passwords::is_within_max_length(&secret(&"\u{1112}\u{1161}\u{11ab}".repeat(64))), "576 bytes");
}

#[actix_web::test]
async fn password_is_not_trimmed_truncated_or_folded() {
    let passwords = Passwords::new(&settings()).unwrap();
    let long = |last: char| format!("{}{last}", "🦦".repeat(63));
    let pairs = [
        (long('🦊'), long('🦉')),
        (" leading space".to_owned(), "leading space".to_owned()),
        ("Case matters 12".to_owned(), "case matters 12".to_owned()),
        ("x\u{b2} plus y\u{b2} is 25".to_owned(), "x2 plus y2 is 25".to_owned()),
    ];
    for (right, twin) in pairs {
        let stored = passwords.hash(&secret(&right)).await.unwrap();
        assert_eq!(
            passwords.verify(&secret(&right), Some(stored.as_str()), 0).await.unwrap(),
            Verdict::Correct { needs_rehash: false }
        );
        assert_eq!(passwords.verify(&secret(&twin), Some(stored.as_str()), 0).await.unwrap(), Verdict::Wrong);
    }
}

#[actix_web::test]
async fn unknown_account_costs_one_hash_with_configured_parameters() {
    let passwords = Passwords::new(&settings()).unwrap();
    let stored = passwords.hash(&secret("lamp otter velvet 4")).await.unwrap();
    let parsed = PasswordHash::new(stored.as_str()).unwrap();
    assert_eq!(parsed.params, passwords.dummy.params, "the dummy has the configured parameters");
    assert_eq!(parsed.params.to_string(), "m=19456,t=2,p=1");
    let before = passwords.hashes();
    passwords.verify(&secret("wrong"), Some(stored.as_str()), 0).await.unwrap();
    assert_eq!(passwords.hashes(), before + 1);
    assert_eq!(passwords.verify(&secret("wrong"), None, 0).await.unwrap(), Verdict::Wrong);
    assert_eq!(passwords.hashes(), before + 2);
}

#[actix_web::test]
async fn hash_with_old_parameters_verifies_and_needs_rehash() {
    let old = Passwords::new(&PasswordSettings { memory_kib: 47_104, iterations: 1, ..settings() }).unwrap();
    let stored = old.hash(&secret("lamp otter velvet 4")).await.unwrap();
    let now = Passwords::new(&settings()).unwrap();
    let verdict = now.verify(&secret("lamp otter velvet 4"), Some(stored.as_str()), 0).await.unwrap();
    assert_eq!(verdict, Verdict::Correct { needs_rehash: true });
}

#[actix_web::test]
async fn stored_hash_with_excessive_parameters_is_rejected() {
    let passwords = Passwords::new(&settings()).unwrap();
    let stored = passwords.hash(&secret("lamp otter velvet 4")).await.unwrap();
    let before = passwords.hashes();
    for (from, to) in [("m=19456", "m=4194304"), ("t=2", "t=4000000"), ("argon2id", "argon2d"), ("v=19", "v=16")] {
        let planted = stored.as_str().replace(from, to);
        assert!(matches!(passwords.verify(&secret("x"), Some(&planted), 0).await, Err(ApiError::Internal(_))), "{to}");
    }
    assert_eq!(passwords.hashes(), before, "nothing was hashed");
}

#[actix_web::test]
async fn full_hashing_queue_rejects_and_cancelled_wait_is_released() {
    let pool = Arc::new(HashingPool::new(1, 8, Duration::from_secs(60)));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = tokio::spawn({
        let pool = pool.clone();
        async move { pool.run(move |_| held.recv().unwrap()).await }
    });
    while pool.queue().started() == 0 {
        tokio::task::yield_now().await;
    }
    let waiters: Vec<_> = (0..64)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.run(|_| ()).await })
        })
        .collect();
    while pool.queue().waiting() < 64 {
        tokio::task::yield_now().await;
    }
    let full = pool.run(|_| ()).await;
    assert!(matches!(full, Err(ApiError::Unavailable { retry_after: 60, .. })), "the queue is full: {full:?}");
    waiters.iter().for_each(tokio::task::JoinHandle::abort);
    for waiter in waiters {
        assert!(waiter.await.unwrap_err().is_cancelled());
    }
    assert_eq!(pool.queue().waiting(), 0);
    release.send(()).unwrap();
    holder.await.unwrap().unwrap();
    assert_eq!(pool.run(|_| 7).await.unwrap(), 7);
    assert_eq!(pool.buffers(), 1, "one slot, one buffer");
}
