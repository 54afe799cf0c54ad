//! A challenge that costs whoever solves it some work: the way past a sprayer for people at the same network.
//!
//! **Abuse**: who sprays from a network takes each turn of its trickle (`login_guard`), and newcomers behind it never get one.
//! **How**: the refusal carries a challenge. With a number after it that makes its SHA-256 begin with so many zero bits, the next
//! attempt stands in a queue of its own, as slow as the other, where only those stand who have worked too. The work doubles
//! with each doubling of the names that failed from there. A challenge is one MACed text, good for two minutes, for one name at
//! one place, and for one turn; nothing is kept of it until it is used. Whoever needs none is asked for none.
//! **Not stopped**: who pays for the work; he gets one guess in ten seconds for the whole network, and each is dearer.
//! **ASVS** 2.4.1, 6.3.1 · **Attack** `attacks::proof_of_work`

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::keys::{Keys, Purpose, Tag};

/// How long there is to solve it.
pub const GOOD_FOR: TimeDelta = TimeDelta::minutes(2);
/// Zero bits, when nobody has failed: 2^14 hashes, which no person notices.
const FEWEST_BITS: u32 = 14;
/// 2^22 hashes: seconds on a laptop, what a phone can still do in two minutes.
const MOST_BITS: u32 = 22;

/// A new challenge for whoever this `place` stands for, where `failed` names have failed.
#[must_use]
pub fn challenge(keys: &Keys, place: &[u8; 32], failed: i64, now: DateTime<Utc>) -> String {
    let bits = (FEWEST_BITS + failed.max(1).ilog2()).min(MOST_BITS);
    let asked = format!("{bits}.{}.{}", (now + GOOD_FOR).timestamp(), Uuid::new_v4().simple());
    let tag = keys.sign(Purpose::Challenge, &[place, asked.as_bytes()]);
    format!("{asked}.{}", URL_SAFE_NO_PAD.encode(tag.to_bytes()))
}

/// What a solved challenge is known by once it was used, if `proof` is one for this place: the challenge, a dot, and digits.
#[must_use]
pub fn solved(keys: &Keys, place: &[u8; 32], proof: &str, now: DateTime<Utc>) -> Option<[u8; 32]> {
    let (challenge, number) = proof.rsplit_once('.')?;
    let (asked, theirs) = challenge.rsplit_once('.')?;
    let tag = Tag::from_bytes(&URL_SAFE_NO_PAD.decode(theirs).ok()?)?;
    if !keys.verify(Purpose::Challenge, &[place, asked.as_bytes()], &tag) {
        return None;
    }
    // From here on it is text of our own, but for the number.
    let (bits, rest) = asked.split_once('.')?;
    let (end, _) = rest.split_once('.')?;
    let in_time = now.timestamp() < end.parse().ok()?;
    let digits = (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    (in_time && digits && zero_bits(proof) >= bits.parse().ok()?).then_some(tag.mac)
}

/// With how many zero bits the hash begins.
fn zero_bits(proof: &str) -> u32 {
    let hash = digest(&SHA256, proof.as_bytes());
    let zeros = hash.as_ref().iter().take_while(|byte| **byte == 0).count();
    let next = hash.as_ref().get(zeros).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(8 * zeros).unwrap_or(u32::MAX).saturating_add(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(&vec![1; 32].into()).unwrap()
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn solve(challenge: &str) -> String {
        let bits: u32 = challenge.split('.').next().unwrap().parse().unwrap();
        (0..).map(|number| format!("{challenge}.{number}")).find(|proof| zero_bits(proof) >= bits).unwrap()
    }

    #[test]
    fn the_work_grows_with_the_names_that_failed_and_has_an_end() {
        let bits =
            |failed| challenge(&keys(), &[0; 32], failed, at(0)).split('.').next().unwrap().parse::<u32>().unwrap();
        let asked: Vec<_> = [0, 1, 2, 30, 1_000, i64::MAX].into_iter().map(bits).collect();
        assert_eq!(asked, [14, 14, 15, 18, 22, 22]);
    }

    #[test]
    fn a_solved_challenge_is_good_for_its_place_and_its_time() {
        let (keys, place) = (keys(), [7; 32]);
        let proof = solve(&challenge(&keys, &place, 0, at(1_000)));
        assert!(solved(&keys, &place, &proof, at(1_119)).is_some());
        assert!(solved(&keys, &place, &proof, at(1_120)).is_none());
        assert!(solved(&keys, &[8; 32], &proof, at(1_000)).is_none());
        let others = Keys::new(&vec![2; 32].into()).unwrap();
        assert!(solved(&others, &place, &proof, at(1_000)).is_none());
    }

    #[test]
    fn what_is_no_solution_is_none() {
        let (keys, place) = (keys(), [7; 32]);
        let challenge = challenge(&keys, &place, 0, at(1_000));
        let proof = solve(&challenge);
        let number = proof.rsplit_once('.').unwrap().1;
        let unsolved = (0..).map(|n| format!("{challenge}.{n}")).find(|proof| zero_bits(proof) < FEWEST_BITS).unwrap();
        let easier = challenge.replacen("14.", "0.", 1);
        let longer = format!("{challenge}.{}", "0".repeat(21));
        for proof in
            ["", ".", "...", number, &challenge, &unsolved, &format!("{easier}.{number}"), &longer, "14.9.x.y.0"]
        {
            assert!(solved(&keys, &place, proof, at(1_000)).is_none(), "{proof}");
        }
    }
}
