use super::*;

/// `main;a;b`, `main;b;a;b`, `main;c` in two files; `b` has two frames on two lines.
fn columns() -> profiles::Profile {
    profiles::Profile {
        strings: ["main", "a", "b", "c", "src/a.rs", ""].map(String::from).to_vec(),
        frame_names: vec![0, 1, 2, 2, 3],
        frame_files: vec![5, 4, 4, 4, 5],
        frame_lines: vec![0, 1, 7, 9, 0],
        stack_offsets: vec![0, 3, 7, 9],
        stack_frames: vec![0, 1, 2, 0, 3, 1, 2, 0, 4],
        file_starts: vec![100, 200],
        file_offsets: vec![0, 2, 5],
        sample_stacks: vec![0, 2, 0, 1, 2],
        sample_counts: vec![3, 1, 2, 5, 1],
        unit: "samples".into(),
    }
}

#[test]
fn recursion_counts_once() {
    let profile = Profile::new(&columns()).unwrap();
    assert_eq!(profile.functions(), ["main", "a", "b", "c"]);
    let counts = profile.counts(0..2);
    assert_eq!(counts.total, 12.0);
    assert_eq!(counts.inclusive, [12.0, 10.0, 10.0, 2.0]);
    assert_eq!(counts.own, [0.0, 0.0, 10.0, 2.0]);
    assert_eq!((counts.share(0), counts.own_share(3)), (1.0, 2.0 / 12.0));
    assert_eq!(profile.counts(1..2).inclusive, [8.0, 7.0, 7.0, 1.0]);
    assert_eq!((profile.total(0..2), profile.total(1..2), profile.total(2..9)), (12.0, 8.0, 0.0));
    assert_eq!(profile.stacks().collect::<Vec<_>>(), [&[0, 1, 2][..], &[0, 2, 1, 2], &[0, 3]]);
    assert_eq!(profile.files()[1].samples(), [(0, 2.0), (1, 5.0), (2, 1.0)]);
}

/// A few stacks that are all hit often are many samples, not few large ones.
#[test]
fn only_nanoseconds_hide_what_one_sample_is() {
    let sample_counts = vec![300, 100, 200, 500, 0];
    let samples = profiles::Profile { sample_counts, ..columns() };
    let nanoseconds = profiles::Profile { unit: "nanoseconds".into(), ..samples.clone() };
    assert_eq!(Profile::new(&samples).unwrap().one_sample(), 1.0);
    assert_eq!(Profile::new(&nanoseconds).unwrap().one_sample(), 100.0);
}

#[test]
fn callees_are_below_and_callers_above() {
    let profile = Profile::new(&columns()).unwrap();
    let [main, a, b] = ["main", "a", "b"].map(|name| profile.function(name).unwrap());
    assert_eq!(profile.callees(a, 0..2), [0.0, 0.0, 10.0, 0.0]);
    assert_eq!(profile.callees(b, 0..2), [0.0, 5.0, 5.0, 0.0]);
    assert_eq!(profile.callers(b, 0..2), [10.0, 10.0, 5.0, 0.0]);
    assert!(profile.callers(main, 0..2).iter().all(|&count| count == 0.0));
    assert_eq!(profile.sources(b), ["src/a.rs"]);
    assert!(profile.sources(main).is_empty());
}

#[test]
fn a_file_that_reaches_over_the_time_belongs_to_neither_side() {
    let profile = Profile::new(&columns()).unwrap();
    assert_eq!(profile.split(150), (0..0, 1..2));
    assert_eq!(profile.split(200), (0..1, 1..2));
    assert_eq!(profile.split(100), (0..0, 0..2));
    assert_eq!(profile.split(300), (0..1, 2..2));
}

#[test]
fn contradictions_are_errors() {
    let broken: [fn(&mut profiles::Profile); 6] = [
        |columns| columns.frame_names[0] = 99,
        |columns| columns.stack_frames[0] = 99,
        |columns| columns.stack_offsets[1] = 99,
        |columns| columns.file_offsets[1] = 9,
        |columns| columns.sample_stacks[0] = 3,
        |columns| columns.file_starts.clear(),
    ];
    for (index, break_it) in broken.into_iter().enumerate() {
        let mut columns = columns();
        break_it(&mut columns);
        assert!(matches!(Profile::new(&columns), Err(Error::Internal(_))), "case {index}");
    }
    assert!(Profile::new(&profiles::Profile { frame_files: vec![], ..columns() }).is_err());
}
