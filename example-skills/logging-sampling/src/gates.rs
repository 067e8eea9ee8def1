//! How a logger is asked whether it listens.

use negawatt_skill::rewrite::{Draft, function};

use crate::calls::{Call, Family, Level};

/// The line that opens a block which runs only where a call is heard; absent where nobody can be asked.
pub fn gate(draft: &mut Draft<'_>, call: &Call<'_>) -> Option<String> {
    let receiver = call.receiver.map_or("", |receiver| receiver.text());
    let is_trace = call.level == Level::Trace;
    match call.family {
        Family::Logging if !is_trace => {
            let logging = draft.imports.need("logging", call.call)?;
            Some(format!("if {receiver}.isEnabledFor({logging}.DEBUG):"))
        }
        // One that names its target is asked for by that.
        Family::Log | Family::Tracing if call.call.descendants().any(|node| node.text() == "target") => None,
        Family::Log if !draft.imports.is_bound("log") => {
            let level = if is_trace { "Trace" } else { "Debug" };
            Some(format!("if log::log_enabled!(log::Level::{level}) {{"))
        }
        Family::Tracing if !draft.imports.is_bound("tracing") => {
            let level = if is_trace { "TRACE" } else { "DEBUG" };
            Some(format!("if tracing::enabled!(tracing::Level::{level}) {{"))
        }
        Family::Slog | Family::SlogPackage => {
            let slog = draft.imports.need("log/slog", call.call)?;
            let asked = if call.family == Family::Slog { receiver.to_owned() } else { format!("{slog}.Default()") };
            let context = context(draft, call)?;
            Some(format!("if {asked}.Enabled({context}, {slog}.LevelDebug) {{"))
        }
        Family::Zap | Family::ZapSugar => {
            let zap = draft.imports.need("go.uber.org/zap", call.call)?;
            let core = if call.family == Family::Zap { "Core()" } else { "Desugar().Core()" };
            Some(format!("if {receiver}.{core}.Enabled({zap}.DebugLevel) {{"))
        }
        Family::Logrus | Family::LogrusPackage => {
            let logrus = draft.imports.need("github.com/sirupsen/logrus", call.call)?;
            let level = if is_trace { "TraceLevel" } else { "DebugLevel" };
            Some(format!("if {receiver}.IsLevelEnabled({logrus}.{level}) {{"))
        }
        _ => None,
    }
}

/// The context of the function of Go that a call is in, or that of nobody.
fn context(draft: &mut Draft<'_>, call: &Call<'_>) -> Option<String> {
    let parameters = function(draft.language(), call.call)?.child_by_field("parameters")?;
    let own = parameters.named_children().find_map(|parameter| {
        let of = parameter.child_by_field("type")?;
        let is_context = draft.imports.resolve(of).as_deref() == Some("context.Context");
        parameter.child_by_field("name").filter(|name| is_context && name.text() != "_")
    });
    match own {
        Some(own) => Some(own.text().to_owned()),
        None => Some(format!("{}.Background()", draft.imports.need("context", call.call)?)),
    }
}
