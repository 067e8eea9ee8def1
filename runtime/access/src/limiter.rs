//! How often somebody may ask: a bucket of tokens for each, which fills again as time passes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Requests a second in the long run; more than 0.
    pub per_second: f64,
    /// Requests at once after a while without any; at least 1.
    pub burst: u32,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// Those of a token, by its id.
    Principal(String),
    /// Those from an address. Of IPv6 a whole /64 counts as one: it is what one subscriber has.
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Counts requests, in a bounded memory. It reads no clock: times are given, and those of one limiter do not go back.
#[derive(Debug)]
pub struct Limiter {
    rate: Rate,
    most: usize,
    buckets: Mutex<HashMap<Key, Bucket>>,
}

impl Limiter {
    /// Counts for `most` keys at a time. Where there are more, those who asked least lately are forgotten, and begin anew.
    pub fn new(rate: Rate, most: usize) -> Limiter {
        let rate = Rate { per_second: rate.per_second.max(1e-6), burst: rate.burst.max(1) };
        Limiter { rate, most: most.max(1), buckets: Mutex::default() }
    }

    /// Takes one request; `Err` says after how long the next one is taken.
    pub fn check(&self, key: &Key, now: Instant) -> Result<(), Duration> {
        let key = key.counted();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= self.most && !buckets.contains_key(&key) {
            self.forget(&mut buckets, now);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: self.rate.burst.into(), at: now });
        *bucket = Bucket { left: self.left(bucket, now), at: now.max(bucket.at) };
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) / self.rate.per_second));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn left(&self, bucket: &Bucket, now: Instant) -> f64 {
        let filled = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate.per_second;
        (bucket.left + filled).min(self.rate.burst.into())
    }

    /// Makes room: half of the keys go, the fullest first, so that it happens seldom and forgives little.
    fn forget(&self, buckets: &mut HashMap<Key, Bucket>, now: Instant) {
        let mut left: Vec<f64> = buckets.values().map(|bucket| self.left(bucket, now)).collect();
        left.sort_by(f64::total_cmp);
        let bound = left[left.len() / 2];
        let mut surplus = buckets.len().div_ceil(2);
        buckets.retain(|_, bucket| {
            let goes = surplus > 0 && self.left(bucket, now) >= bound;
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Key {
    fn counted(&self) -> Key {
        match self {
            Key::Address(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => Key::Address(IpAddr::V4(address)),
                None => Key::Address(IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into())),
            },
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> Key {
        Key::Principal("ada".to_owned())
    }

    #[test]
    fn a_burst_and_then_what_fills_again() {
        let (limiter, start) = (Limiter::new(Rate { per_second: 2.0, burst: 3 }, 10), Instant::now());
        for _ in 0..3 {
            assert_eq!(limiter.check(&ada(), start), Ok(()));
        }
        let wait = limiter.check(&ada(), start).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        assert_eq!(limiter.check(&Key::Principal("bob".to_owned()), start), Ok(()), "another one is not held up");
        assert!(limiter.check(&ada(), start + wait / 2).is_err());
        assert_eq!(limiter.check(&ada(), start + wait), Ok(()));
        assert!(limiter.check(&ada(), start).is_err(), "time that goes back gives nothing");
        let later = start + Duration::from_secs(3_600);
        assert_eq!((0..10).filter(|_| limiter.check(&ada(), later).is_ok()).count(), 3, "no more than a burst");
    }

    #[test]
    fn addresses_count_by_what_one_has() {
        let (limiter, now) = (Limiter::new(Rate { per_second: 1.0, burst: 1 }, 10), Instant::now());
        let check = |address: &str| limiter.check(&Key::Address(address.parse().unwrap()), now);
        assert!(check("2001:db8::1").is_ok() && check("2001:db8::2").is_err() && check("2001:db8:0:1::1").is_ok());
        assert!(check("192.0.2.1").is_ok() && check("::ffff:192.0.2.1").is_err() && check("192.0.2.2").is_ok());
    }

    #[test]
    fn memory_is_bounded_and_who_asks_most_is_not_forgotten() {
        let (limiter, now) = (Limiter::new(Rate { per_second: 0.001, burst: 2 }, 100), Instant::now());
        assert!(limiter.check(&ada(), now).is_ok() && limiter.check(&ada(), now).is_ok());
        for n in 0..10_000 {
            assert!(limiter.check(&Key::Principal(n.to_string()), now).is_ok());
            assert!(limiter.keys() <= 100);
        }
        assert!(limiter.check(&ada(), now).is_err(), "ten thousand others did not wash it away");
    }
}
