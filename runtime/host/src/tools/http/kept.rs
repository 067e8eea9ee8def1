//! What `wasi:http` keeps in the host for a guest, counted as memory of the guest.
//!
//! Requests and headers are resources: a guest has a handle, and their texts are here, sent or not. What is counted stays
//! counted until the call is over. Other functions keep nothing whose size a guest decides.

use http::{HeaderName, HeaderValue};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{self, HostFields, HostOutgoingRequest, Method};
use wasmtime_wasi_http::p2::types::{HostOutgoingRequest as Request, HostOutgoingResponse};
use wasmtime_wasi_http::p2::{HeaderError, body::HostOutgoingBody};
use wasmtime_wasi_http::{FieldMap, WasiHttpView};

use super::exchange::BODY_CHUNK;
use crate::call::CallState;

/// The interface whose functions are replaced, of the version that is linked; it serves the older ones of 0.2 too.
const TYPES: &str = "wasi:http/types@0.2.12";

type Store<'a> = StoreContextMut<'a, CallState>;
type Fields = Resource<FieldMap>;

/// Replaces the functions through which texts get into the host by ones that count them first.
pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let linked = replace(linker);
    linker.allow_shadowing(false);
    linked
}

fn replace(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: Store<'_>, (request, method): (Resource<Request>, Method)| {
            let state = store.data_mut();
            if let Method::Other(name) = &method {
                state.keep(name.len())?;
            }
            Ok((state.http().set_method(request, method)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: Store<'_>, (request, target): (Resource<Request>, Option<String>)| {
            let state = store.data_mut();
            state.keep(target.as_ref().map_or(0, String::len))?;
            Ok((state.http().set_path_with_query(request, target)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: Store<'_>, (request, authority): (Resource<Request>, Option<String>)| {
            let state = store.data_mut();
            state.keep(authority.as_ref().map_or(0, String::len))?;
            Ok((state.http().set_authority(request, authority)?,))
        },
    )?;
    types.func_wrap("[method]outgoing-request.body", |mut store: Store<'_>, (request,): (Resource<Request>,)| {
        let state = store.data_mut();
        // Twice: what waits on either side.
        state.keep(2 * BODY_CHUNK)?;
        let body: Result<Resource<HostOutgoingBody>, ()> = state.http().body(request)?;
        Ok((body,))
    })?;
    // A skill answers nobody.
    types.func_wrap("[method]outgoing-response.body", |_: Store<'_>, (_,): (Resource<HostOutgoingResponse>,)| {
        Ok((Err::<Resource<HostOutgoingBody>, ()>(()),))
    })?;
    types.func_wrap("[static]fields.from-list", |mut store: Store<'_>, (entries,): (Vec<(String, Vec<u8>)>,)| {
        let state = store.data_mut();
        state.keep(entries.iter().map(|(name, value)| field(name.len(), value.len())).sum())?;
        let made = state.http().from_list(entries);
        answered(made)
    })?;
    types.func_wrap(
        "[method]fields.set",
        |mut store: Store<'_>, (fields, name, values): (Fields, String, Vec<Vec<u8>>)| {
            let state = store.data_mut();
            state.keep(values.iter().map(|value| field(name.len(), value.len())).sum())?;
            let set = state.http().set(fields, name, values);
            answered(set)
        },
    )?;
    types.func_wrap(
        "[method]fields.append",
        |mut store: Store<'_>, (fields, name, value): (Fields, String, Vec<u8>)| {
            let state = store.data_mut();
            state.keep(field(name.len(), value.len()))?;
            let appended = state.http().append(fields, name, value);
            answered(appended)
        },
    )?;
    // Copied at the first change; counted when it can be changed.
    types.func_wrap("[method]fields.clone", |mut store: Store<'_>, (fields,): (Fields,)| {
        let state = store.data_mut();
        let bytes = state.table.get(&fields)?.iter().map(|(name, value)| field(name.as_str().len(), value.len())).sum();
        state.keep(bytes)?;
        Ok((HostFields::clone(&mut state.http(), fields)?,))
    })
}

/// Bytes of one header in the host, its entry in a map included.
fn field(name: usize, value: usize) -> usize {
    size_of::<(HeaderName, HeaderValue)>() + name + value
}

/// What a function that may refuse headers returns, or what ends the call.
fn answered<T>(answer: Result<T, HeaderError>) -> wasmtime::Result<(Result<T, types::HeaderError>,)> {
    match answer {
        Ok(value) => Ok((Ok(value),)),
        Err(error) => Ok((Err(error.downcast()?),)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_takes_its_texts_and_more() {
        assert_eq!(field(3, 4), field(0, 0) + 7);
        assert!(field(0, 0) >= 32);
    }
}
