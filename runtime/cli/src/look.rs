//! How text may look where it is printed: how wide, in which colours, with which characters.

use std::os::fd::AsFd;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Effects, Style};

/// Columns of a page where nobody says how wide it is.
const DEFAULT_WIDTH: usize = 100;

/// A page is not laid out for fewer columns.
const LEAST_WIDTH: usize = 40;

/// Longer lines are not read with pleasure.
const MOST_WIDTH: usize = 140;

/// How text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns, from 40 to 140.
    pub width: usize,
    /// Whether there are colours.
    pub colour: bool,
    /// Whether there are characters beside ASCII.
    pub unicode: bool,
}

impl Look {
    /// For text that somebody else shows.
    pub const PLAIN: Look = Look { width: DEFAULT_WIDTH, colour: false, unicode: true };

    /// For standard output. A terminal says its width, `COLUMNS` overrules it; `NO_COLOR`, `CLICOLOR_FORCE` and `TERM` decide
    /// about colours, the locale about characters.
    pub fn of_stdout() -> Look {
        Look::of(&std::io::stdout())
    }

    /// For standard error.
    pub fn of_stderr() -> Look {
        Look::of(&std::io::stderr())
    }

    fn of(stream: &(impl RawStream + AsFd)) -> Look {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let named = variable("COLUMNS").and_then(|columns| columns.parse().ok());
        let terminal = || terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0));
        let width = named.or_else(terminal).filter(|width| *width > 0).unwrap_or(DEFAULT_WIDTH);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        Look {
            width: width.clamp(LEAST_WIDTH, MOST_WIDTH),
            colour: colours(stream) != ColorChoice::Never,
            unicode: is_unicode(locale.as_deref(), variable("TERM").as_deref()),
        }
    }

    /// A text in a tone.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let style = tone.style();
        match self.colour && style != Style::new() && !text.trim().is_empty() {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

/// Whether a stream gets colours. A dumb terminal gets none unless they are forced, also where `CI` says that the terminal of a
/// build shows them whatever its kind.
fn colours<S: RawStream>(stream: &S) -> ColorChoice {
    let is = |name: &str, value: &str| std::env::var_os(name).is_some_and(|said| said == value);
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0");
    match AutoStream::choice(stream) {
        ColorChoice::Always if is("TERM", "dumb") && !forced => ColorChoice::Never,
        choice => choice,
    }
}

/// Whether a locale and a terminal show characters beside ASCII. Where nobody names a locale, as in most containers, they do;
/// the console of the Linux kernel has no glyphs to draw with.
fn is_unicode(locale: Option<&str>, terminal: Option<&str>) -> bool {
    let utf8 = |locale: &str| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    };
    locale.is_none_or(utf8) && terminal != Some("linux")
}

/// What a piece of text is, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Text.
    Plain,
    /// What the eye should find first.
    Strong,
    /// What matters less.
    Faint,
    /// What hurts.
    Bad,
    /// What is well.
    Good,
    /// What is not certain.
    Unsure,
    /// What can be typed, and names.
    Accent,
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Tone::Plain => Style::new(),
            Tone::Strong => Style::new().effects(Effects::BOLD),
            Tone::Faint => Style::new().effects(Effects::DIMMED),
            Tone::Bad => colour(AnsiColor::Red).effects(Effects::BOLD),
            Tone::Good => colour(AnsiColor::Green),
            Tone::Unsure => colour(AnsiColor::Yellow),
            Tone::Accent => colour(AnsiColor::Cyan),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_decides_about_characters() {
        for (locale, terminal, unicode) in [
            (Some("C.UTF-8"), None, true),
            (Some("de_DE.utf8"), Some("xterm"), true),
            (None, Some("xterm"), true),
            (Some("C"), Some("xterm"), false),
            (Some("de_DE.ISO-8859-1"), None, false),
            (Some("C.UTF-8"), Some("linux"), false),
        ] {
            assert_eq!(is_unicode(locale, terminal), unicode, "{locale:?} {terminal:?}");
        }
    }

    #[test]
    fn colours_are_there_where_they_may() {
        let look = Look { width: 80, colour: true, unicode: true };
        assert_eq!(look.paint(Tone::Good, "x"), "\u{1b}[32mx\u{1b}[0m");
        assert_eq!(look.paint(Tone::Plain, "x"), "x");
        assert_eq!(Look { colour: false, ..look }.paint(Tone::Good, "x"), "x");
    }
}
