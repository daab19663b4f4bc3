//! Colours of the pieces of a line.

use client::logs::Level;

use super::super::style::{Ink, Style};

/// Paints pieces of a line into a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brush(pub(super) Style);

/// How a piece is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// By what it means.
    Ink(Ink),
    /// So that it is seen first.
    Loud,
    /// By its name: one of the 256 colours of terminals.
    Hue(&'static str),
}

impl Brush {
    /// Writes a piece in a colour, where colours are wanted.
    pub(super) fn paint(self, colour: Colour, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.0 == Style::Plain {
            return write(out);
        }
        colour.begin(out);
        write(out);
        out.extend_from_slice(b"\x1b[0m");
    }
}

impl Colour {
    /// Returns the colour of a level.
    pub(super) fn of(level: Level) -> Self {
        match level.name() {
            "fatal" => Self::Loud,
            "error" => Self::Ink(Ink::Bad),
            "warn" => Self::Ink(Ink::Warning),
            "info" => Self::Ink(Ink::Good),
            _ => Self::Ink(Ink::Faint),
        }
    }

    /// Returns the colour of a service: always the same, on every machine.
    pub(super) fn of_name(name: &str) -> Self {
        // FNV-1a: a name's hash must not change with the standard library's.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // Its upper bits depend on every byte of a short name.
        let mixed = (hash >> 48) as usize;
        Self::Hue(HUES[mixed % HUES.len()])
    }

    fn begin(self, out: &mut Vec<u8>) {
        let (kind, code) = match self {
            Self::Ink(ink) => ("", ink.code()),
            Self::Loud => ("1;", Ink::Bad.code()),
            Self::Hue(hue) => ("38;5;", hue),
        };
        for piece in ["\x1b[", kind, code, "m"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
}

/// Colours between light and dark, of the cube of 256: each can be read on black and on white,
/// which a test checks, and none is taken for that of a level.
const HUES: [&str; 13] = [
    "33", "170", "30", "137", "99", "66", "61", "67", "162", "132", "97", "127", "63",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// How bright a colour of the cube is to the eye, as WCAG works it out.
    fn luminance(hue: u8) -> f64 {
        let cube = hue - 16;
        let linear = |step: u8| {
            let value = if step == 0 {
                0.0
            } else {
                f64::from(step) * 40.0 + 55.0
            } / 255.0;
            if value <= 0.03928 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(cube / 36) + 0.7152 * linear(cube / 6 % 6) + 0.0722 * linear(cube % 6)
    }

    #[test]
    fn every_hue_can_be_read_on_black_and_on_white() {
        for hue in HUES {
            let luminance = luminance(hue.parse().unwrap());
            let (on_black, on_white) = ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05));
            assert!(
                on_black >= 3.0 && on_white >= 3.0,
                "{hue}: {on_black} {on_white}"
            );
        }
    }

    #[test]
    fn a_name_has_its_colour_for_ever() {
        let hues = ["api", "web", "worker"].map(Colour::of_name);
        assert_eq!(hues, ["33", "66", "137"].map(Colour::Hue));
    }

    #[test]
    fn what_is_plain_has_no_codes() {
        let mut out = Vec::new();
        Brush(Style::Plain).paint(Colour::Loud, &mut out, |out| out.push(b'x'));
        assert_eq!(out, b"x");
        Brush(Style::Coloured).paint(Colour::Hue("30"), &mut out, |out| out.push(b'y'));
        assert_eq!(out, b"x\x1b[38;5;30my\x1b[0m");
    }
}
