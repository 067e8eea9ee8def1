//! What always holds of a case, over a real host, real components and a real casebook; one program, because each is linked with
//! the whole host.

#[path = "../common/mod.rs"]
mod common;

mod anew;
mod aside;
mod backtest;
mod budget;
mod effects;
mod egress;
mod replay;
mod scope;
mod world;
