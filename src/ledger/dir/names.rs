//! Names of files for names of jobs, which may have any length and any character.

/// What the name of a file may have at most, beside its prefix and suffixes: file systems allow 255 bytes.
const LONGEST: usize = 200;

/// How much of a name that is too long stays, for a person who looks into the directory.
const BEGINNING: usize = 100;

/// The name of a job's file, without a suffix. Names of different jobs differ even if the file system ignores case or
/// normalizes Unicode. The prefix keeps names away that Windows reserves, such as `con`.
pub(super) fn file_name(job: &str) -> String {
    let escaped = escape(job);
    if escaped.len() <= LONGEST {
        format!("job-{escaped}")
    } else {
        // `=` is in no escaped name.
        let beginning = &escaped[..BEGINNING];
        format!("job-{beginning}={:032x}", hash(job))
    }
}

/// The text in small ASCII letters, digits, `-`, `_` and `%`: every other byte is `%` and two hexadecimal digits.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') {
            escaped.push(char::from(byte));
        } else {
            escaped += &format!("%{byte:02x}");
        }
    }
    escaped
}

/// The text that was escaped, or `None` if it was not `escape` that wrote `escaped`.
pub(super) fn unescape(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes().iter();
    while let Some(byte) = rest.next() {
        if *byte == b'%' {
            let digits = [*rest.next()?, *rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(*byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (escape(&text) == escaped).then_some(text)
}

/// FNV-1a with 128 bits. The file has the whole name too, so that a collision is found.
fn hash(name: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.bytes()
        .fold(BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// FNV-1a with 64 bits, over the bytes of a file.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes
        .iter()
        .fold(BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn names() -> Vec<String> {
        let long = "n".repeat(300);
        let mut names: Vec<String> = [
            "", "bill", "Bill", "BILL", "con", "..", "/", "a/b", "a\\b", "a b", "%", "%41", "a\0b", "a\nb",
        ]
        .map(String::from)
        .into();
        // The same text composed and decomposed, and characters that fold into others.
        names.extend(["\u{e9}", "e\u{301}", "\u{df}", "ss", "\u{130}", "i", "\u{1f680}"].map(String::from));
        names.extend([
            format!("{long}a"),
            format!("{long}b"),
            long.to_uppercase(),
            "\u{1f680}".repeat(100),
        ]);
        names
    }

    #[test]
    fn file_names_differ_and_are_valid() {
        let mut seen = HashSet::new();
        for name in names() {
            let file_name = file_name(&name);
            assert!(seen.insert(file_name.to_lowercase()), "{name:?}");
            assert!(
                file_name.len() <= 255 - ".row.new".len(),
                "{name:?}: {} bytes",
                file_name.len()
            );
            let is_valid = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'%' | b'=');
            assert!(file_name.bytes().all(is_valid), "{file_name}");
        }
    }

    #[test]
    fn escaped_texts_can_be_read_back() {
        for name in names() {
            assert_eq!(unescape(&escape(&name)), Some(name));
        }
        assert_eq!(escape("Night report"), "%4eight%20report");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["A", "%", "%4", "%zz", "%61", "%4E", "%ff", "a b"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
