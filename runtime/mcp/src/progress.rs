//! What happens while a client waits, as notifications to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use negawatt_host::text::{printable, shorten};
use negawatt_planner::{Progress, Watcher};
use rmcp::RoleServer;
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Notifications that wait for a slow client; further ones are left out.
const WAITING: usize = 64;

/// How often the steps of one call may say how far they are: a skill could say so without end.
const MOST_SAID: u32 = 500;

/// Characters of a notification.
const MOST_CHARACTERS: usize = 240;

/// What a line of progress says.
pub(crate) fn line(progress: &Progress) -> String {
    let text = match progress {
        Progress::Opened(case) => format!("case {case}"),
        Progress::Planned(steps) => {
            let steps: Vec<_> = steps.iter().map(|step| format!("{} {}", step.step, step.skill)).collect();
            format!("runs {}", steps.join(", "))
        }
        Progress::Step { step, fraction, text } => format!("{step}: {:.0} % {text}", fraction * 100.0),
        Progress::Called { step, status, findings, .. } => format!("{step} is over: {status}, {findings} found"),
    };
    shorten(&printable(&text), MOST_CHARACTERS)
}

/// Sends notifications to a client that asked for them.
pub(crate) struct Notifier {
    to: Option<mpsc::Sender<String>>,
    sends: Option<JoinHandle<()>>,
}

impl Notifier {
    /// Of a request; one without a token for progress hears nothing.
    pub(crate) fn of(context: &RequestContext<RoleServer>) -> Notifier {
        let Some(token) = context.meta.get_progress_token() else { return Notifier { to: None, sends: None } };
        let (to, mut lines) = mpsc::channel::<String>(WAITING);
        let peer = context.peer.clone();
        let sends = tokio::spawn(async move {
            let mut said = 0.0;
            while let Some(line) = lines.recv().await {
                // An empty line is the end.
                if line.is_empty() {
                    break;
                }
                said += 1.0;
                let notification = ProgressNotificationParam::new(token.clone(), said).with_message(line);
                if peer.notify_progress(notification).await.is_err() {
                    break;
                }
            }
        });
        Notifier { to: Some(to), sends: Some(sends) }
    }

    /// Hears what happens, and passes it on.
    pub(crate) fn watcher(&self) -> Watcher {
        let Some(to) = self.to.clone() else { return Arc::new(|_| {}) };
        let said = AtomicU32::new(0);
        Arc::new(move |progress| {
            let is_of_skill = matches!(progress, Progress::Step { .. });
            if !is_of_skill || said.fetch_add(1, Ordering::Relaxed) < MOST_SAID {
                // Who cannot keep up misses some.
                let _ = to.try_send(line(progress));
            }
        })
    }

    /// Waits until all is sent: after the answer to a request nothing of it may come.
    pub(crate) async fn end(self) {
        if let Some(to) = self.to {
            let _ = to.send(String::new()).await;
        }
        if let Some(sends) = self.sends {
            let _ = sends.await;
        }
    }
}
