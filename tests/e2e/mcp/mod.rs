//! `negawatt mcp` as agents use it: the built program on standard input and output, and the same server over HTTP.

mod case;
mod client;
mod http;
mod python;
mod schemas;
mod served;
mod stdio;
mod tasks;
