//! Unpacking, bounded.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::blocking::Stop;
use crate::profiles::Failure;

/// What a gzip file begins with (RFC 1952, section 2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The most bytes that a profile has, unpacked.
pub const MAX_BYTES: usize = 128 << 20;

/// How much is unpacked at once.
const PIECE: u64 = 1 << 20;

/// The bytes of a file, unpacked where they are packed, whatever the file is called.
pub fn unpacked<'a>(bytes: &'a [u8], stop: &Stop) -> Result<Cow<'a, [u8]>, Failure> {
    let too_large = || Failure::file(format!("has more than {} MiB, unpacked", MAX_BYTES >> 20));
    if !bytes.starts_with(&MAGIC) {
        return if bytes.len() > MAX_BYTES { Err(too_large()) } else { Ok(Cow::Borrowed(bytes)) };
    }
    let mut unpacked = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes);
    loop {
        stop.check()?;
        let read = (&mut decoder).take(PIECE).read_to_end(&mut unpacked);
        let read = read.map_err(|error| Failure::file(format!("cannot be unpacked: {error}")))?;
        if unpacked.len() > MAX_BYTES {
            return Err(too_large());
        }
        if read == 0 {
            return Ok(Cow::Owned(unpacked));
        }
    }
}
