//! A differential flame graph: which functions were on the processor, below whom, before a change and after it.
//!
//! It hangs from its root. A frame is as wide as its share of all samples after the change, and as strongly coloured as its share
//! changed. What is too small to be seen is one frame beside its neighbours.

use std::collections::HashMap;

use super::clean;
use super::profile::{Profiles, Sides};

/// Rows; what lies deeper is counted for the last one.
const DEEPEST: usize = 100;

/// Frames that are drawn, without those that stand for several.
const MOST: usize = 700;

/// What takes less on both sides cannot be seen.
const LEAST: f64 = 0.001;

/// A share that changed by less is not coloured.
const EQUAL: f64 = 0.0005;

/// Characters of a function's name.
const NAME: usize = 160;

/// Strengths of a colour.
const SHADES: f64 = 5.0;

/// What is drawn.
#[derive(Debug, Default)]
pub struct Flame {
    /// Every frame after the one that calls it.
    pub frames: Vec<Frame>,
    /// How many rows there are.
    pub rows: usize,
    /// Frames that were too small to be drawn each for itself.
    pub merged: usize,
    /// Whether there are stacks that reach below the last row.
    pub deeper: bool,
    /// Whether two sides are compared.
    pub compared: bool,
}

/// A function, called on one way.
#[derive(Debug)]
pub struct Frame {
    /// What stands in it: the end of the function's name, which tells most in little room.
    pub label: String,
    /// Its whole name and numbers in one sentence.
    pub title: String,
    /// Its row, from 0.
    pub depth: usize,
    /// The frame that calls it; itself for the root.
    pub parent: usize,
    /// Where it lies where widths are shares before.
    pub before: Span,
    /// Where it lies where widths are shares after.
    pub after: Span,
    /// Its colour: `r1` to `r5` grew, `b1` to `b5` shrank, `o` stands for several.
    pub class: &'static str,
}

/// A stretch of a row, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub start: f64,
    /// How wide it is.
    pub wide: f64,
}

/// A node of the tree of calls.
struct Node {
    /// The function; the root has none.
    function: Option<usize>,
    depth: usize,
    counts: [u64; 2],
    /// Without what it calls.
    own: [u64; 2],
    children: Vec<usize>,
}

/// What becomes a frame: a node, or the small ones below a node.
enum Drawn {
    Node(usize),
    Small { frames: usize, counts: [u64; 2] },
}

impl Flame {
    /// Of the samples of two sides.
    pub fn of(profiles: &Profiles, sides: &Sides) -> Flame {
        let (nodes, deeper) = tree(profiles, sides);
        let compared = sides.before.is_some();
        let mut flame = Flame { deeper, compared, ..Flame::default() };
        let scale = Scale::of(nodes[0].counts, compared);
        let kept = kept(&nodes, &scale);
        let greatest =
            nodes.iter().enumerate().filter(|(n, _)| kept[*n]).map(|(_, node)| scale.change(node.counts).abs());
        let greatest = greatest.fold(EQUAL, f64::max);

        let mut waiting = vec![(Drawn::Node(0), 0, 0, [0.0, 0.0])];
        while let Some((drawn, depth, parent, start)) = waiting.pop() {
            let counts = match &drawn {
                Drawn::Node(n) => nodes[*n].counts,
                Drawn::Small { counts, .. } => *counts,
            };
            let span = |side: usize| Span { start: start[side] * 100.0, wide: scale.share(counts, side) * 100.0 };
            let (name, class, own) = match &drawn {
                Drawn::Node(n) => {
                    let name = nodes[*n].function.map_or("all samples", |function| &profiles.names[function]);
                    let own = nodes[*n].function.map(|_| nodes[*n].own);
                    (clean(name, NAME), shade(scale.change(counts), greatest), own)
                }
                Drawn::Small { frames: 1, .. } => ("1 small frame".to_owned(), "o", None),
                Drawn::Small { frames, .. } => (format!("{frames} small frames"), "o", None),
            };
            let title = format!("{name}: {}", scale.in_words(counts, own));
            let index = flame.frames.len();
            flame.rows = flame.rows.max(depth + 1);
            flame.frames.push(Frame {
                label: label(&name).to_owned(),
                title,
                depth,
                parent,
                before: span(0),
                after: span(1),
                class,
            });
            let Drawn::Node(n) = drawn else { continue };

            let mut children: Vec<Drawn> = Vec::new();
            let mut small = (0, [0, 0]);
            for child in &nodes[n].children {
                if kept[*child] {
                    children.push(Drawn::Node(*child));
                } else {
                    small.0 += 1;
                    add(&mut small.1, nodes[*child].counts);
                }
            }
            flame.merged += small.0;
            // The widest first, where it stands in either picture.
            children.sort_by_key(|child| match child {
                Drawn::Node(n) => std::cmp::Reverse((nodes[*n].counts[1], nodes[*n].counts[0])),
                Drawn::Small { counts, .. } => std::cmp::Reverse((counts[1], counts[0])),
            });
            if scale.greater(small.1) >= LEAST {
                children.push(Drawn::Small { frames: small.0, counts: small.1 });
            }
            let mut at = start;
            let placed: Vec<_> = children
                .into_iter()
                .map(|child| {
                    let counts = match &child {
                        Drawn::Node(n) => nodes[*n].counts,
                        Drawn::Small { counts, .. } => *counts,
                    };
                    let begins = at;
                    at = [at[0] + scale.share(counts, 0), at[1] + scale.share(counts, 1)];
                    (child, depth + 1, index, begins)
                })
                .collect();
            waiting.extend(placed.into_iter().rev());
        }
        flame
    }
}

/// The tree of calls; and whether a stack was deeper than it.
fn tree(profiles: &Profiles, sides: &Sides) -> (Vec<Node>, bool) {
    let node = |function, depth| Node { function, depth, counts: [0; 2], own: [0; 2], children: Vec::new() };
    let mut nodes = vec![node(None, 0)];
    let mut known: HashMap<(usize, usize), usize> = HashMap::new();
    let mut deeper = false;
    for (stack, counts) in profiles.stacks(sides) {
        let mut at = 0;
        add(&mut nodes[0].counts, counts);
        deeper |= stack.len() >= DEEPEST;
        for function in stack.iter().take(DEEPEST - 1) {
            at = *known.entry((at, *function)).or_insert_with(|| {
                let child = nodes.len();
                let depth = nodes[at].depth + 1;
                nodes[at].children.push(child);
                nodes.push(node(Some(*function), depth));
                child
            });
            add(&mut nodes[at].counts, counts);
        }
        add(&mut nodes[at].own, counts);
    }
    (nodes, deeper)
}

/// Which nodes are frames of their own. A node that is kept has a parent that is: nothing is greater than what calls it.
fn kept(nodes: &[Node], scale: &Scale) -> Vec<bool> {
    let mut order: Vec<(f64, usize)> =
        nodes.iter().enumerate().map(|(n, node)| (scale.greater(node.counts), n)).collect();
    order.sort_by(|(a, n), (b, m)| b.total_cmp(a).then_with(|| (nodes[*n].depth, n).cmp(&(nodes[*m].depth, m))));
    let mut kept = vec![false; nodes.len()];
    for (_, n) in order.iter().take_while(|(share, _)| *share >= LEAST).take(MOST) {
        kept[*n] = true;
    }
    kept[0] = true;
    kept
}

/// The last two parts of a name that is a path, such as `PriceBook::rules_for` or `cart.(*Cart).Price`.
fn label(name: &str) -> &str {
    // What is in brackets, or behind a blank, is no part of the path.
    let path = &name[..name.find([' ', '(', '<', '[', '{']).unwrap_or(name.len())];
    let folders = path.rfind('/').map_or(0, |at| at + 1);
    let modules = match name.contains(['<', ' ']) {
        false => name.rmatch_indices("::").nth(1).map_or(0, |(at, _)| at + 2),
        true => 0,
    };
    Some(&name[folders.max(modules)..]).filter(|label| !label.is_empty()).unwrap_or(name)
}

fn add(sum: &mut [u64; 2], counts: [u64; 2]) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum = sum.saturating_add(count);
    }
}

/// From counts to shares.
struct Scale {
    total: [u64; 2],
    compared: bool,
}

impl Scale {
    fn of(total: [u64; 2], compared: bool) -> Scale {
        Scale { total, compared }
    }

    fn share(&self, counts: [u64; 2], side: usize) -> f64 {
        if self.total[side] == 0 { 0.0 } else { counts[side] as f64 / self.total[side] as f64 }
    }

    fn greater(&self, counts: [u64; 2]) -> f64 {
        self.share(counts, 0).max(self.share(counts, 1))
    }

    fn change(&self, counts: [u64; 2]) -> f64 {
        if self.compared { self.share(counts, 1) - self.share(counts, 0) } else { 0.0 }
    }

    fn in_words(&self, counts: [u64; 2], own: Option<[u64; 2]>) -> String {
        let both = |counts| match self.compared {
            true => format!("{} → {}", percent(self.share(counts, 0)), percent(self.share(counts, 1))),
            false => percent(self.share(counts, 1)),
        };
        let by = match self.compared {
            true => format!(", {}", points(self.change(counts))),
            false => String::new(),
        };
        let own = own.map_or(String::new(), |own| format!("; by itself {}", both(own)));
        format!("{}{by}{own}", both(counts))
    }
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent > 0.0 && percent < 0.995 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// A difference of shares.
pub fn points(change: f64) -> String {
    match change * 100.0 {
        points if points.abs() < 0.005 => "no change".to_owned(),
        points if points.abs() < 0.995 => format!("{points:+.2} points"),
        points => format!("{points:+.1} points"),
    }
}

/// The colour of a change; the root of it, so that a small one is seen beside a great one.
fn shade(change: f64, greatest: f64) -> &'static str {
    const GREW: [&str; 5] = ["r1", "r2", "r3", "r4", "r5"];
    const SHRANK: [&str; 5] = ["b1", "b2", "b3", "b4", "b5"];
    if change.abs() < EQUAL {
        return "n";
    }
    let shade = ((change.abs() / greatest).sqrt() * SHADES).ceil().clamp(1.0, SHADES) as usize - 1;
    if change > 0.0 { GREW[shade] } else { SHRANK[shade] }
}

#[cfg(test)]
mod tests {
    use super::super::profile::profile;
    use super::*;

    fn flame(before: &[(&str, u64)], after: &[(&str, u64)]) -> Flame {
        let profiles = Profiles::of([profile(&[(0, before), (10, after)])]).unwrap();
        Flame::of(&profiles, &profiles.sides(Some(10), &[]))
    }

    fn drawn(flame: &Flame) -> Vec<(&str, usize, usize, f64, f64, &str)> {
        let round = |span: Span| (span.start.round(), span.wide.round());
        flame
            .frames
            .iter()
            .map(|frame| {
                let (start, wide) = round(frame.after);
                (frame.label.as_str(), frame.depth, frame.parent, start, wide, frame.class)
            })
            .collect()
    }

    #[test]
    fn frames_lie_below_who_calls_them() {
        let flame = flame(&[("main;a", 80), ("main;b;c", 20)], &[("main;a", 30), ("main;b;c", 60), ("main;b", 10)]);
        assert_eq!(
            drawn(&flame),
            [
                ("all samples", 0, 0, 0.0, 100.0, "n"),
                ("main", 1, 0, 0.0, 100.0, "n"),
                ("b", 2, 1, 0.0, 70.0, "r5"),
                ("c", 3, 2, 0.0, 60.0, "r5"),
                ("a", 2, 1, 70.0, 30.0, "b5"),
            ]
        );
        assert_eq!(flame.frames[4].before, Span { start: 20.0, wide: 80.0 });
        assert_eq!(flame.frames[2].title, "b: 20.0 % → 70.0 %, +50.0 points; by itself 0.0 % → 10.0 %");
        assert_eq!((flame.rows, flame.merged, flame.deeper, flame.compared), (4, 0, false, true));
    }

    #[test]
    fn without_a_change_nothing_is_coloured() {
        let profiles = Profiles::of([profile(&[(0, &[("main;a", 1), ("main;b", 3)])])]).unwrap();
        let flame = Flame::of(&profiles, &profiles.sides(None, &[]));
        assert!(flame.frames.iter().all(|frame| frame.class == "n"), "{flame:?}");
        assert_eq!(flame.frames[2].title, "b: 75.0 %; by itself 75.0 %");
    }

    #[test]
    fn what_is_too_small_is_one_frame_and_any_profile_is_bounded() {
        let names: Vec<String> = (0..3_000).map(|n| format!("main;f{n}")).collect();
        let mut samples: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        samples.push(("main;large", 10_000));
        let flame = flame(&samples, &samples);
        let small = flame.frames.last().unwrap();
        assert_eq!((flame.frames.len(), small.label.as_str(), small.class), (4, "3000 small frames", "o"));
        assert_eq!(flame.merged, 3_000);

        // Every frame as large as the next: the greatest number of them, and of rows, is kept.
        let deep = vec!["f"; 5_000].join(";");
        let wide: Vec<String> = (0..990).map(|n| format!("w{n}")).collect();
        let mut samples: Vec<(&str, u64)> = wide.iter().map(|name| (name.as_str(), 10)).collect();
        samples.push((&deep, 100));
        let flame = self::flame(&samples, &samples);
        assert!(flame.frames.len() <= 2 * MOST && flame.rows <= DEEPEST && flame.deeper, "{}", flame.frames.len());
        let sums = flame.frames.iter().filter(|frame| frame.depth == 1).map(|frame| frame.after.wide);
        assert!((sums.sum::<f64>() - 100.0).abs() < 1e-6, "nothing is lost");
        for frame in &flame.frames[1..] {
            let parent = &flame.frames[frame.parent];
            assert!(parent.depth + 1 == frame.depth, "{frame:?}");
            assert!(parent.after.start <= frame.after.start + 1e-9, "{frame:?}");
            let end = |span: Span| span.start + span.wide;
            assert!(end(frame.after) <= end(parent.after) + 1e-9, "{frame:?}");
        }
    }

    #[test]
    fn the_end_of_a_name_tells_most() {
        for (name, shown) in [
            ("shop::pricing::PriceBook::rules_for", "PriceBook::rules_for"),
            ("main", "main"),
            ("a::b", "a::b"),
            ("<std::net::TcpStream as std::io::Write>::write", "<std::net::TcpStream as std::io::Write>::write"),
            ("github.com/acme/shop/cart.(*Cart).Price", "cart.(*Cart).Price"),
            ("::a::", "a::"),
            ("operator/", "operator/"),
            ("run (wsgi/thread.py)", "run (wsgi/thread.py)"),
            ("a::b::{{closure}}", "b::{{closure}}"),
            ("ä::ö::ü::ß", "ü::ß"),
        ] {
            assert_eq!(label(name), shown);
        }
    }

    #[test]
    fn shares_are_told_to_what_matters() {
        assert_eq!([0.0, 0.0004, 0.5, 1.0].map(percent), ["0.0 %", "0.04 %", "50.0 %", "100.0 %"]);
        assert_eq!(
            [0.0, 0.00001, -0.004, 0.063].map(points),
            ["no change", "no change", "-0.40 points", "+6.3 points"]
        );
    }
}
