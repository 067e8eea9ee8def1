//! Pages of lists. A cursor names the last entry that was given, so that a list may change between two pages.

use rmcp::ErrorData;
use rmcp::model::PaginatedRequestParams;

/// Entries of a page.
const PAGE: usize = 50;

/// One page of a list, and the cursor of the next if there is one.
pub(crate) fn page<T>(
    all: Vec<T>,
    asked: Option<PaginatedRequestParams>,
    name: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let from = match asked.and_then(|asked| asked.cursor) {
        None => 0,
        Some(cursor) => {
            let at = all.iter().position(|one| name(one) == cursor);
            at.ok_or_else(|| ErrorData::invalid_params("the cursor names nothing that is there; begin anew", None))? + 1
        }
    };
    let rest = all.len().saturating_sub(from);
    let page: Vec<T> = all.into_iter().skip(from).take(PAGE).collect();
    let next = page.last().filter(|_| rest > PAGE).map(|last| name(last).to_owned());
    Ok((page, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(cursor: Option<&str>) -> Option<PaginatedRequestParams> {
        Some(PaginatedRequestParams::default().with_cursor(cursor.map(str::to_owned)))
    }

    #[test]
    fn pages_hold_everything_once() {
        let all = |count: usize| (0..count).map(|n| format!("n{n}")).collect::<Vec<_>>();
        for count in [0, 1, PAGE, PAGE + 1, 3 * PAGE] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let (page, next) = page(all(count), asked(cursor.as_deref()), |name| name).unwrap();
                assert!(page.len() <= PAGE);
                seen.extend(page);
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen, all(count));
        }
        assert!(page(all(3), asked(Some("n7")), |name| name).is_err());
    }
}
