//! All that runs in this process; one program, because each is linked with the whole host.

#[path = "../common/mod.rs"]
mod common;
mod damage;
mod faults;
mod fixture;
mod fold;
mod maintenance;
mod portable;
mod promises;
mod proposals;
mod standing;
mod symptoms;
