//! The skill as a plug-in of extism.

use extism_pdk::{FnResult, Json, host_fn, plugin_fn};

use crate::{Case, Finding, Question, Series};

#[host_fn]
extern "ExtismHost" {
    fn query(question: Json<Question>) -> Json<Series>;
}

#[plugin_fn]
pub fn investigate(case: Json<Case>) -> FnResult<Json<Vec<Finding>>> {
    // SAFETY: the host links a function of this type.
    let Json(series) = unsafe { query(Json(crate::question(case.0))) }?;
    Ok(Json(crate::findings(&series)))
}
