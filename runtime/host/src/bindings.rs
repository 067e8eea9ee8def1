//! What the contract generates for the host. Everything else names these types through [`crate::model`].
#![allow(missing_docs, reason = "the comments are in wit/")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "all",
    imports: { default: async },
    exports: { default: async },
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
