//! A skill that reads code and returns a change, so that all that follows from that change derives from code.

use negawatt_skill::prelude::*;

negawatt_skill::skill!(investigate);

fn investigate(case: &Case) -> Result<Vec<Finding>, Error> {
    // Whatever it finds, it was asked.
    let _ = code::search("default", "password", &[]);
    let (time, method, shape) = (case.incident.window.start, "none".into(), Shape::Step);
    Ok(vec![Finding::new(
        ChangePoint { time, before: 1.0, after: 2.0, p_value: 0.01, method, shape },
        0.9,
        "A change.",
    )])
}
