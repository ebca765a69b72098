use std::borrow::Cow;

/// A name as text of PostgreSQL, which can't hold the character 0. Different names stay different.
pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['\\', '\0']) {
        Cow::Owned(name.replace('\\', "\\\\").replace('\0', "\\0"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let table = [
            ("bill", "bill"),
            ("a\\0b", "a\\\\0b"),
            ("a\0b", "a\\0b"),
            ("\\", "\\\\"),
        ];
        for (name, escaped) in table {
            assert_eq!(escape(name), escaped);
        }
    }
}
