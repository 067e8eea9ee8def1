//! What files say that no profiler would write, or few.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use negawatt_host::model::profiles::Profile;
use prost::Message;

use super::message::{Function, Line, Location, Mapping, Sample, ValueType};
use super::*;

/// A file in the making: its fields in the order in which they are added.
#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    strings: i64,
}

impl File {
    /// With these sample types, each `name/unit`.
    fn of(types: &[&str]) -> File {
        let mut file = File::default();
        file.text("");
        for of in types {
            file.value_type(profile::SAMPLE_TYPE, of);
        }
        file
    }

    fn field(&mut self, number: u64, bytes: &[u8]) {
        prost::encode_length_delimiter((number << 3 | 2) as usize, &mut self.bytes).unwrap();
        prost::encode_length_delimiter(bytes.len(), &mut self.bytes).unwrap();
        self.bytes.extend(bytes);
    }

    fn text(&mut self, text: &str) -> i64 {
        self.field(profile::STRING, text.as_bytes());
        self.strings += 1;
        self.strings - 1
    }

    fn value_type(&mut self, number: u64, of: &str) {
        let (name, unit) = of.split_once('/').unwrap();
        let of = ValueType { name: self.text(name), unit: self.text(unit) };
        self.field(number, &of.encode_to_vec());
    }

    fn function(&mut self, id: u64, name: &str) {
        let function = Function { id, name: self.text(name), system_name: 0, file: self.text(&format!("{name}.rs")) };
        self.field(profile::FUNCTION, &function.encode_to_vec());
    }

    fn location(&mut self, id: u64, mapping: u64, lines: &[(u64, i64)]) {
        let lines = lines.iter().map(|&(function, line)| Line { function, line }).collect();
        self.field(profile::LOCATION, &Location { id, mapping, lines }.encode_to_vec());
    }

    fn mapping(&mut self, id: u64, file: &str) {
        let file = self.text(file);
        self.field(profile::MAPPING, &Mapping { id, file }.encode_to_vec());
    }

    fn sample(&mut self, locations: &[u64], values: &[i64]) {
        let sample = Sample { locations: locations.to_vec(), values: values.to_vec() };
        self.field(profile::SAMPLE, &sample.encode_to_vec());
    }

    fn read(&self) -> Result<Profile, String> {
        read_bytes(&self.bytes)
    }
}

fn read_bytes(bytes: &[u8]) -> Result<Profile, String> {
    let mut file = Interner::new();
    let units = read(bytes, &mut file, &Stop::default()).map_err(|failure| match failure {
        Failure::Wrong { message, .. } => message,
        Failure::Over(error) => error.message().to_owned(),
    })?;
    let mut answer = Interner::new();
    answer.add_file(0, &file.into_file(units), &Stop::default()).unwrap();
    Ok(answer.finish().unwrap())
}

/// The stacks as folded lines, with file and line of each frame.
fn folded(profile: &Profile) -> Vec<String> {
    let string = |at: u32| &profile.strings[at as usize];
    let frame = |at: &u32| {
        let at = *at as usize;
        format!("{} {}:{}", string(profile.frame_names[at]), string(profile.frame_files[at]), profile.frame_lines[at])
    };
    let rows = profile.sample_stacks.iter().zip(&profile.sample_counts);
    rows.map(|(stack, count)| {
        let [from, until] = [0, 1].map(|more| profile.stack_offsets[*stack as usize + more] as usize);
        let frames: Vec<_> = profile.stack_frames[from..until].iter().map(frame).collect();
        format!("{} = {count}", frames.join(";"))
    })
    .collect()
}

#[test]
fn the_last_line_of_a_location_is_the_caller_of_those_before_it() {
    let mut file = File::of(&["samples/count", "cpu/nanoseconds"]);
    // Samples may stand before all that they refer to.
    file.sample(&[7, 9], &[3, 30]);
    for (id, name) in [(1, "main"), (2, "outer"), (3, "middle"), (4, "inner")] {
        file.function(id, name);
    }
    file.location(9, 0, &[(1, 10)]);
    file.location(7, 0, &[(4, 40), (3, 30), (2, 20)]);
    file.sample(&[7, 9], &[1, 10]);
    file.sample(&[9], &[5, 50]);
    let profile = file.read().unwrap();
    let expected =
        ["main main.rs:10;outer outer.rs:20;middle middle.rs:30;inner inner.rs:40 = 4", "main main.rs:10 = 5"];
    assert_eq!(folded(&profile), expected);
    assert_eq!(profile.unit, "samples");
}

#[test]
fn frames_without_names_have_that_of_what_they_were_loaded_from() {
    let mut file = File::of(&["cpu/milliseconds"]);
    file.mapping(1, "/usr/lib/libz.so.1");
    file.mapping(2, "[vdso]");
    file.mapping(3, "");
    file.mapping(4, "C:\\shop\\shop.exe");
    for (id, mapping) in [(1, 1), (2, 2), (3, 3), (4, 0), (5, 4)] {
        file.location(id, mapping, &[]);
    }
    let nameless = Function { id: 1, name: 0, system_name: 0, file: file.text("z.c") };
    file.field(profile::FUNCTION, &nameless.encode_to_vec());
    let mangled = Function { id: 2, name: 0, system_name: file.text("_ZN4shop"), file: 0 };
    file.field(profile::FUNCTION, &mangled.encode_to_vec());
    file.location(6, 1, &[(1, 5)]);
    file.location(7, 1, &[(2, -1)]);
    for id in 1..=7 {
        file.sample(&[id], &[1]);
    }
    file.sample(&[], &[2]);
    let profile = file.read().unwrap();
    let expected = [
        "[libz.so.1] :0 = 1000000",
        "[vdso] :0 = 1000000",
        // Those of no mapping, of one without a name, and of no stack at all.
        "<unknown> :0 = 4000000",
        "[shop.exe] :0 = 1000000",
        "[libz.so.1] z.c:5 = 1000000",
        "_ZN4shop :0 = 1000000",
    ];
    assert_eq!(folded(&profile), expected);
    assert_eq!(profile.unit, "nanoseconds");
}

#[test]
fn what_is_counted_is_cpu_or_refused() {
    for (types, period, unit) in [
        (&["samples/count", "cpu/nanoseconds"][..], "cpu/nanoseconds", Ok("samples")),
        (&["cpu/nanoseconds"], "cpu/nanoseconds", Ok("nanoseconds")),
        (&["cpu/seconds"], "", Ok("nanoseconds")),
        (&["samples/count"], "", Ok("samples")),
        (&["sample/count"], "cpu/nanoseconds", Ok("samples")),
        // These samples are of waiting as well, or nobody knows of what.
        (&["samples/count", "wall/nanoseconds", "cpu/nanoseconds"], "wall/nanoseconds", Ok("nanoseconds")),
        (
            &["sample/count", "wall/nanoseconds"],
            "wall/nanoseconds",
            Err("sample/count, wall/nanoseconds, one for each wall/n"),
        ),
        (&["samples/count"], "space/bytes", Err("it counts samples/count, one for each space/bytes; samples/count or")),
        (&["alloc_objects/count", "inuse_space/bytes"], "", Err("it counts alloc_objects/count, inuse_space/bytes; ")),
        (&["contentions/count", "delay/nanoseconds"], "", Err("contentions/count, delay/nanoseconds")),
        (&["cpu/count"], "", Err("cpu/count")),
        (&[], "", Err("it counts nothing")),
    ] {
        let mut file = File::of(types);
        if !period.is_empty() {
            file.value_type(profile::PERIOD_TYPE, period);
        }
        let read = file.read().map(|profile| profile.unit);
        match unit {
            Ok(unit) => assert_eq!(read.as_deref(), Ok(unit), "{types:?}"),
            Err(text) => assert!(read.as_ref().is_err_and(|error| error.contains(text)), "{types:?}: {read:?}"),
        }
    }
    assert!(read_bytes(b"").unwrap_err().contains("it counts nothing"));
}

#[test]
fn what_contradicts_itself_is_told() {
    type Make = fn(&mut File);
    let cases: [(Make, &str); 14] = [
        (|file| file.sample(&[2], &[1]), "sample 2 names the location 2, which the file does not have"),
        (|file| file.sample(&[0], &[1]), "sample 2 names the location 0"),
        (|file| file.sample(&[1], &[1, 2]), "sample 2 has 2 values, and there are 1 sample types"),
        (|file| file.sample(&[1], &[]), "sample 2 has 0 values"),
        (|file| file.sample(&[1], &[-4]), "sample 2 counts -4; a difference"),
        (|file| file.location(1, 0, &[]), "two locations with the id 1"),
        (|file| file.location(0, 0, &[]), "a location has the id 0"),
        (|file| file.function(1, "again"), "two functions with the id 1"),
        (|file| file.mapping(0, "a"), "a mapping has the id 0"),
        (
            |file| {
                file.location(2, 0, &[(9, 1)]);
                file.sample(&[2], &[1]);
            },
            "the location 2 names the function 9",
        ),
        (
            |file| {
                file.location(2, 9, &[]);
                file.sample(&[2], &[1]);
            },
            "the location 2 names the mapping 9",
        ),
        (
            |file| {
                let function = Function { id: 2, name: 1_000, system_name: 0, file: 0 };
                file.field(profile::FUNCTION, &function.encode_to_vec());
                file.location(2, 0, &[(2, 1)]);
                file.sample(&[2], &[1]);
            },
            "names the string 1000, and has",
        ),
        (|file| file.field(profile::SAMPLE, &[0x08]), "sample 2 cannot be read"),
        (|file| file.field(profile::SAMPLE_TYPE, &ValueType { name: -1, unit: 0 }.encode_to_vec()), "the string -1"),
    ];
    for (make, text) in cases {
        let mut file = File::of(&["samples/count"]);
        file.function(1, "main");
        file.location(1, 0, &[(1, 1)]);
        file.sample(&[1], &[1]);
        file.read().unwrap();
        make(&mut file);
        let error = file.read().unwrap_err();
        assert!(error.contains(text), "{error}; expected {text}");
    }
    let mut file = File::default();
    file.text("not empty");
    assert!(file.read().unwrap_err().contains("first string"));
    let mut file = File::of(&["cpu/seconds"]);
    file.sample(&[], &[i64::MAX]);
    assert!(file.read().unwrap_err().contains("too much time"));
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn files_that_would_fill_the_memory_are_refused() {
    // A field that is not used, larger than a file may be.
    let mut bomb = File::default();
    bomb.field(90, &vec![0; gunzip::MAX_BYTES]);
    let bytes = packed(&bomb.bytes);
    assert!(bytes.len() < 4 << 20);
    for bytes in [&bytes, &bomb.bytes] {
        assert_eq!(read_bytes(bytes).unwrap_err(), "has more than 128 MiB, unpacked");
    }
    // Ten locations of a thousand frames each, ten times on one stack.
    let mut deep = File::of(&["samples/count"]);
    deep.function(1, "f");
    deep.location(1, 0, &[(1, 1); 1_000]);
    deep.sample(&[1; 65], &[1]);
    assert_eq!(deep.read().unwrap().stack_frames.len(), 65_000);
    deep.sample(&[1; 66], &[1]);
    assert!(deep.read().unwrap_err().contains("more than 65536 frames"));
    // One location of a million lines.
    let mut wide = File::of(&["samples/count"]);
    wide.location(1, 0, &[(1, 1); 300_000]);
    assert!(wide.read().unwrap_err().contains("a message of"));
    let mut types = File::of(&[]);
    (0..=1_000).for_each(|_| types.field(profile::SAMPLE_TYPE, &[]));
    assert!(types.read().unwrap_err().contains("more than 1000 sample types"));
    let mut strings = File::of(&[]);
    (0..1 << 20).for_each(|_| strings.field(profile::STRING, &[]));
    assert!(strings.read().unwrap_err().contains("more than 1048576 strings"));
}

#[test]
fn a_file_that_is_cut_off_is_told() {
    let mut file = File::of(&["samples/count"]);
    file.function(1, "main");
    file.location(1, 0, &[(1, 1)]);
    file.sample(&[1], &[1]);
    let packed = packed(&file.bytes);
    for length in 0..packed.len() {
        assert!(read_bytes(&packed[..length]).is_err(), "{length}");
    }
    assert!(read_bytes(&packed).is_ok());
    assert!(read_bytes(&[&packed[..], b"garbage"].concat()).unwrap_err().contains("cannot be unpacked"));
    assert!(read_bytes(&file.bytes[..file.bytes.len() - 1]).unwrap_err().contains("cut off"));
    assert!(read_bytes(b"main;f 12\n").is_err());
}

#[test]
fn nothing_is_read_for_nobody() {
    let mut file = File::of(&["samples/count"]);
    file.sample(&[], &[1]);
    let stop = Stop::default();
    stop.say();
    assert!(matches!(read(&file.bytes, &mut Interner::new(), &stop), Err(Failure::Over(_))));
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = read_bytes(&bytes);
        let _ = read_bytes(&packed(&bytes));
    }

    #[test]
    fn a_real_profile_with_other_bytes_never_panics(
        changes in proptest::collection::vec((proptest::num::usize::ANY, proptest::num::u8::ANY), 1..20)
    ) {
        let mut bytes = gunzip::unpacked(include_bytes!("../../../tests/pprof/go.pb.gz"), &Stop::default()).unwrap().into_owned();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(profile) = read_bytes(&bytes) {
            let frames = profile.frame_names.len() as u32;
            proptest::prop_assert!(profile.stack_frames.iter().all(|frame| *frame < frames));
            proptest::prop_assert!(profile.stack_offsets.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
