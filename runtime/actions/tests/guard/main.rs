//! Real patches to real repositories, and commands that behave and do not.

mod checkout;
mod commands;
mod limits;
mod patches;
mod support;
mod untouched;
mod validation;
