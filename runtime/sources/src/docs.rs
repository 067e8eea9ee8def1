//! The tool `docs` from a folder of Markdown, with all its folders. A page's id is its path in the folder.

use std::collections::HashMap;
use std::path::PathBuf;

use async_trait::async_trait;
use negawatt_config::{ConfigError, Located};
use negawatt_host::model::docs::DocMatch;
use negawatt_host::model::{Answer, Error};
use negawatt_host::{Docs, Scope};

use crate::blocking::{Shared, Stop, blocking};
use crate::describe::{Described, Trouble, counted};
use crate::files::{Folder, is_plain};

/// What is read; what is more is an error rather than a search that silently misses some.
const MAX_PAGES: usize = 10_000;
const MAX_BYTES: usize = 256 << 20;
const MAX_DEPTH: usize = 16;
const MAX_MATCHES: usize = 20;
const MAX_EXCERPT_CHARS: usize = 400;

/// Pages in files.
pub struct MarkdownDocs {
    folder: Folder,
}

struct Page {
    id: String,
    text: String,
}

impl MarkdownDocs {
    pub fn configure(path: &Located<PathBuf>) -> Result<Shared<MarkdownDocs>, ConfigError> {
        Ok(Shared::new(MarkdownDocs { folder: Folder::open(path)? }))
    }

    fn pages(&self, stop: &Stop) -> Result<Vec<Page>, Trouble> {
        let mut pages = Vec::new();
        let mut left = MAX_BYTES;
        collect(&self.folder, "", 0, &mut pages, &mut left, stop)?;
        Ok(pages)
    }

    /// How many pages there are.
    pub fn describe(&self, stop: &Stop) -> Result<Described, Trouble> {
        Ok(Described::text(counted(self.pages(stop)?.len(), "page")))
    }

    fn read(&self, id: &str) -> Answer<String> {
        let missing = || Error::NotFound(format!("there is no page {id:?}"));
        let (folders, name) = id.rsplit_once('/').map_or(("", id), |(folders, name)| (folders, name));
        if !id.split('/').all(is_plain) || !name.ends_with(".md") {
            return Err(missing());
        }
        let mut below = None;
        for name in folders.split('/').filter(|name| !name.is_empty()) {
            below = Some(below.as_ref().unwrap_or(&self.folder).folder(name)?.ok_or_else(missing)?);
        }
        let bytes = below.as_ref().unwrap_or(&self.folder).read(name)?.ok_or_else(missing)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn collect(
    folder: &Folder,
    prefix: &str,
    depth: usize,
    pages: &mut Vec<Page>,
    left: &mut usize,
    stop: &Stop,
) -> Result<(), Trouble> {
    for (name, is_folder) in folder.names()?.into_iter().filter(|(name, _)| is_plain(name)) {
        stop.check()?;
        let id = format!("{prefix}{name}");
        if is_folder {
            if depth == MAX_DEPTH {
                return Err(folder.error(&name, 0, format!("is more than {MAX_DEPTH} folders deep")).into());
            }
            if let Some(below) = folder.folder(&name)? {
                collect(&below, &format!("{id}/"), depth + 1, pages, left, stop)?;
            }
        } else if name.ends_with(".md")
            && let Some(bytes) = folder.read(&name)?
        {
            let too_much = |what: String| folder.error("", 0, format!("has more than {what}; name a smaller folder"));
            if pages.len() == MAX_PAGES {
                return Err(too_much(format!("{MAX_PAGES} pages")).into());
            }
            *left = left.checked_sub(bytes.len()).ok_or_else(|| too_much(format!("{} MiB", MAX_BYTES >> 20)))?;
            // Lines end as people see them, so that paragraphs are found.
            pages.push(Page { id, text: String::from_utf8_lossy(&bytes).replace("\r\n", "\n") });
        }
    }
    Ok(())
}

#[async_trait]
impl Docs for Shared<MarkdownDocs> {
    async fn search(&self, _: &Scope, text: String) -> Answer<Vec<DocMatch>> {
        crate::answers("files");
        let docs = self.clone();
        blocking(move |stop| Ok(search(&docs.pages(stop)?, &text))).await
    }

    async fn read(&self, _: &Scope, id: String) -> Answer<String> {
        crate::answers("files");
        let docs = self.clone();
        blocking(move |_| MarkdownDocs::read(&docs, &id)).await
    }
}

/// The pages that hold words of the text, in their own or in their id, by Okapi BM25 with its usual k₁ = 1.2 and b = 0.75 (Robertson and Zaragoza, The
/// Probabilistic Relevance Framework, 2009, section 3.2).
fn search(pages: &[Page], text: &str) -> Vec<DocMatch> {
    let mut query: Vec<String> = words(text).collect();
    query.sort();
    query.dedup();
    let counts: Vec<HashMap<String, f64>> = pages.iter().map(count).collect();
    let lengths: Vec<f64> = counts.iter().map(|counts| counts.values().sum()).collect();
    let mean = (lengths.iter().sum::<f64>() / pages.len().max(1) as f64).max(1.0);
    let rarity = |word: &String| {
        let holding = counts.iter().filter(|counts| counts.contains_key(word)).count() as f64;
        (1.0 + (pages.len() as f64 - holding + 0.5) / (holding + 0.5)).ln()
    };
    let rarities: Vec<f64> = query.iter().map(rarity).collect();
    let score = |at: usize| -> f64 {
        let term = |(word, rarity): (&String, &f64)| {
            let count = counts[at].get(word).copied().unwrap_or(0.0);
            rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths[at] / mean))
        };
        query.iter().zip(&rarities).map(term).sum()
    };
    let mut found: Vec<(f64, &Page)> = pages.iter().enumerate().map(|(at, page)| (score(at), page)).collect();
    found.retain(|(score, _)| *score > 0.0);
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    found.truncate(MAX_MATCHES);
    let doc =
        |(_, page): (f64, &Page)| DocMatch { id: page.id.clone(), title: title(page), excerpt: excerpt(page, &query) };
    found.into_iter().map(doc).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn count(page: &Page) -> HashMap<String, f64> {
    let mut counts = HashMap::new();
    for word in words(page.id.trim_end_matches(".md")).chain(words(&page.text)) {
        *counts.entry(word).or_insert(0.0) += 1.0;
    }
    counts
}

/// The first heading, or the id.
fn title(page: &Page) -> String {
    let heading = page.text.lines().find_map(|line| line.strip_prefix("# "));
    heading.map_or(page.id.as_str(), str::trim).chars().take(MAX_EXCERPT_CHARS).collect()
}

/// The paragraph with most of the words.
fn excerpt(page: &Page, query: &[String]) -> String {
    let held = |paragraph: &&str| {
        let words: std::collections::HashSet<String> = words(paragraph).collect();
        query.iter().filter(|word| words.contains(*word)).count()
    };
    // Of several that hold as many, the first.
    let best = page.text.split("\n\n").collect::<Vec<_>>().into_iter().rev().max_by_key(held).unwrap_or_default();
    best.trim().chars().take(MAX_EXCERPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_that_is_about_it_comes_first() {
        let page = |id: &str, text: &str| Page { id: id.into(), text: text.into() };
        let pages = [
            page("a.md", "# Deploys\n\nThe checkout is deployed at noon."),
            page(
                "b.md",
                "# Checkout\n\nOther things.\n\nThe checkout cache is cold after a deploy; the cache fills in an hour.",
            ),
            page("c.md", "No heading."),
        ];
        let found = search(&pages, "Cold CACHE, checkout!");
        let ids: Vec<_> = found.iter().map(|doc| doc.id.as_str()).collect();
        assert_eq!(ids, ["b.md", "a.md"]);
        assert_eq!(found[0].title, "Checkout");
        assert!(found[0].excerpt.starts_with("The checkout cache"));
        assert!(search(&pages, "").is_empty() && search(&[], "x").is_empty());
    }
}
