use super::*;
use crate::Dice;

/// `f(x)` on its second line, as the grammar of Python has it: kind, field, parent, start, end, flags.
const CALL: [(u16, u16, u32, u32, u32, u8); 6] = [
    (0, 0, 0, 1, 5, NAMED),
    (1, 0, 0, 1, 5, NAMED),
    (2, 1, 1, 1, 2, NAMED),
    (3, 2, 1, 2, 5, NAMED),
    (4, 0, 3, 2, 3, 0),
    (2, 0, 3, 3, 4, NAMED),
];

fn columns(rows: &[(u16, u16, u32, u32, u32, u8)]) -> SyntaxTree {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    SyntaxTree {
        language: "python".into(),
        text: "\nf(x)\né".into(),
        kinds: names(&["module", "call", "identifier", "argument_list", "("]),
        fields: names(&["", "function", "arguments"]),
        node_kinds: rows.iter().map(|row| row.0).collect(),
        node_fields: rows.iter().map(|row| row.1).collect(),
        node_parents: rows.iter().map(|row| row.2).collect(),
        node_starts: rows.iter().map(|row| row.3).collect(),
        node_ends: rows.iter().map(|row| row.4).collect(),
        node_flags: rows.iter().map(|row| row.5).collect(),
    }
}

/// Everything that can be asked of every node; how many answers there were.
fn asked(tree: &Tree) -> usize {
    let mut answers = 0;
    for node in tree.root().descendants() {
        let around = node.ancestors().count() + node.children().count() + node.named_children().count();
        let beside = usize::from(node.next_sibling().is_some()) + usize::from(node.previous_sibling().is_some());
        let texts = node.kind().len() + node.field().len() + node.text().len() + format!("{node:?}").len();
        let lines = tree.line_range(node.first_line()).len() + tree.line_range(node.last_line()).len();
        answers += around + beside + texts + lines + tree.column(node.start()) + usize::from(node.has_error());
        assert!(node.holds(node) && tree.root().holds(node));
        // The root, where it does not hold what is inside of it.
        assert!(tree.root().holds(tree.holding(node.range())));
    }
    answers
}

#[test]
fn a_view_goes_up_and_down() {
    let tree = Tree::new(columns(&CALL)).unwrap();
    let call = tree.root().children().next().unwrap();
    assert_eq!((call.kind(), call.text(), call.parent()), ("call", "f(x)", Some(tree.root())));
    let kinds = |nodes: Vec<Node<'_>>| nodes.iter().map(|node| node.kind().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(call.children().collect()), ["identifier", "argument_list"]);
    let arguments = call.child_by_field("arguments").unwrap();
    assert_eq!(arguments.named_children().map(Node::text).collect::<Vec<_>>(), ["x"]);
    assert_eq!((arguments.children().count(), arguments.descendants().count()), (2, 3));
    let x = arguments.named_children().next().unwrap();
    assert_eq!(kinds(x.ancestors().collect()), ["argument_list", "call", "module"]);
    assert_eq!((arguments.previous_sibling(), arguments.next_sibling()), (call.child_by_field("function"), None));
    assert_eq!(call.child_by_field("function").unwrap().next_sibling(), Some(arguments));
    assert!(call.holds(x) && !x.holds(call) && !call.has_error() && call.child_by_field("nothing").is_none());
    assert_eq!(tree.holding(3..4), x);
    assert_eq!(tree.holding(0..1), tree.root());
}

#[test]
fn lines_and_columns_are_those_of_the_text() {
    let tree = Tree::new(columns(&CALL)).unwrap();
    assert_eq!([0, 1, 5, 6].map(|at| (tree.line(at), tree.column(at))), [(1, 0), (2, 0), (2, 4), (3, 0)]);
    assert_eq!([1, 2, 3].map(|line| &tree.text()[tree.line_range(line)]), ["\n", "f(x)\n", "é"]);
    assert_eq!([0, 4, u32::MAX].map(|line| tree.line_range(line)), [0..0, 8..8, 8..8]);
    assert_eq!((tree.root().first_line(), tree.root().last_line()), (2, 2));
}

/// A change of one row of a tree.
type Change = fn(&mut SyntaxTree);

#[test]
fn what_is_no_tree_is_refused() {
    let changes: [(&str, Change); 10] = [
        ("columns of", |tree| tree.node_ends.truncate(3)),
        ("columns of", |tree| tree.node_flags.push(0)),
        ("row 1", |tree| tree.node_kinds[1] = 5),
        ("row 2", |tree| tree.node_fields[2] = u16::MAX),
        ("row 1", |tree| tree.node_ends[1] = 100),
        ("row 5", |tree| (tree.node_starts[5], tree.node_ends[5]) = (4, 3)),
        ("row 5", |tree| (tree.node_starts[5], tree.node_ends[5]) = (6, 7)),
        ("row 3", |tree| tree.node_parents[3] = 3),
        ("row 0", |tree| tree.node_parents[0] = 4),
        ("row 5", |tree| tree.node_parents[5] = 2),
    ];
    for (at, (expected, change)) in changes.into_iter().enumerate() {
        let mut tree = columns(&CALL);
        change(&mut tree);
        let Err(Error::Invalid(why)) = Tree::new(tree) else { panic!("change {at} is a tree") };
        assert!(why.contains(expected), "change {at}: {why}");
    }
    assert!(Tree::new(columns(&[])).is_err(), "nothing is no tree");
    let nested = |depth: u32| (0..depth).map(|row| (0, 0, row.saturating_sub(1), 0, 1, NAMED)).collect::<Vec<_>>();
    assert!(Tree::new(columns(&nested(1_001))).is_ok() && Tree::new(columns(&nested(1_002))).is_err());
}

#[test]
fn any_columns_are_a_tree_or_refused() {
    let (mut dice, mut trees) = (Dice::new(7), 0);
    for _ in 0..20_000 {
        let rows: Vec<_> = (0..1 + dice.below(6))
            .map(|at| {
                let parent = if dice.chance(0.9) { dice.below(at.max(1)) } else { dice.below(9) };
                let (start, long) = (dice.below(6) as u32, dice.below(3) as u32);
                (dice.below(6) as u16, dice.below(3) as u16, parent as u32, start, start + long, dice.below(256) as u8)
            })
            .collect();
        if let Ok(tree) = Tree::new(columns(&rows)) {
            trees += 1;
            assert!(asked(&tree) > 0);
        }
    }
    assert!(trees > 1_000, "{trees}");
}
