//! Takes off what hides personal data from a search and not from a reader: escapes, characters that
//! nobody sees, and letters and digits of another width.

/// Returns `text` as a reader takes it, or `None` if it is that already.
pub(crate) fn unmasked(text: &str) -> Option<String> {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match escaped(rest) {
            Some((escaped, after)) => {
                bare.push(escaped);
                rest = after;
            }
            None => {
                bare.extend(seen(c));
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    (bare != text).then_some(bare)
}

/// Says whether a character is not what it looks like.
pub(super) fn masks(c: char) -> bool {
    seen(c) != Some(c)
}

/// Reads `\uXXXX`, or a pair of them, and returns what stands behind.
fn escaped(text: &str) -> Option<(char, &str)> {
    let (first, rest) = unit(text)?;
    if let Some(Ok(c)) = char::decode_utf16([first]).next() {
        return Some((c, rest));
    }
    let (second, rest) = unit(rest)?;
    let c = char::decode_utf16([first, second]).next()?.ok()?;
    Some((c, rest))
}

fn unit(text: &str) -> Option<(u16, &str)> {
    let rest = text.strip_prefix("\\u")?;
    let digits = rest.get(..4)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u16::from_str_radix(digits, 16).ok()?, &rest[4..]))
}

/// Returns the character that a reader takes `c` for, or `None` for one that nobody sees.
fn seen(c: char) -> Option<char> {
    let digit = |zero: u32| char::from_u32(u32::from('0') + u32::from(c) - zero);
    match c {
        ' '..='~' => Some(c),
        // Soft hyphens, joiners, marks of direction, variation selectors, the byte order mark.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => None,
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + u32::from('!')),
        '\u{fe6b}' => Some('@'),
        '\u{fe52}' | '\u{ff61}' => Some('.'),
        '\u{3000}' => Some(' '),
        // The digits of Arabic, Persian, Hindi and Bengali, and those of mathematics.
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6f0}'..='\u{6f9}' => digit(0x6f0),
        '\u{966}'..='\u{96f}' => digit(0x966),
        '\u{9e6}'..='\u{9ef}' => digit(0x9e6),
        '\u{1d7ce}'..='\u{1d7ff}' => digit(0x1d7ce)
            .and_then(|c| char::from_u32((u32::from(c) - u32::from('0')) % 10 + u32::from('0'))),
        _ => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_taken_off() {
        for (text, bare) in [
            ("anna\u{200b}@x.de", "anna@x.de"),
            ("\u{feff}a\u{ad}b", "ab"),
            ("anna\u{ff20}x\u{ff0e}de", "anna@x.de"),
            ("\u{ff14}\u{ff11}", "41"),
            ("\u{664}\u{6f1}\u{1d7d9}\u{1d7ff}", "4119"),
            (r"anna\u0040x.de", "anna@x.de"),
            (r"\ud83d\udd11", "\u{1f511}"),
        ] {
            assert_eq!(unmasked(text).as_deref(), Some(bare), "{text}");
        }
    }

    #[test]
    fn what_hides_nothing_is_left() {
        for text in [
            "",
            "anna@x.de",
            r"C:\users\u12",
            r"\ud83d",
            "Gr\u{fc}\u{df}e \u{2013} \u{1f511}",
        ] {
            assert_eq!(unmasked(text), None, "{text}");
        }
    }
}
