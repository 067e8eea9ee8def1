//! What other systems say of incidents: Alertmanager, Grafana, and whatever sends JSON; and what they are told, signed.
//!
//! All that is read comes from strangers. It is bounded here, and stays data.

mod alert;
mod alertmanager;
mod courier;
mod error;
mod expression;
mod generic;
mod lexer;
mod mapping;
mod notice;
mod outbox;
mod read;
mod secret;
mod verify;

pub use alert::{Received, Signal, State};
pub use alertmanager::{alertmanager, grafana};
pub use courier::{Courier, Delivered, GivenUp};
pub use error::SignalError;
pub use expression::{Expression, Unsayable};
pub use generic::{generic, native};
pub use mapping::{GenericMapping, Mapping};
pub use notice::{
    Notice, NoticeData, OutcomeNotice, ProposalNotice, ReviewNotice, SuspectNotice, VERSION, VerdictNotice,
};
pub use outbox::{Outbox, OutboxError};
pub use secret::SigningSecret;
pub use verify::{Unverified, Verifier};
