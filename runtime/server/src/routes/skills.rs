//! Skills: which there are, what each may do, and putting one back.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::places::blocking;
use crate::problem::Problem;
use crate::program::{Form, Shown};
use crate::refusals::{Also, Refusals};
use crate::routes::extract::{Asked, Named};
use crate::routes::{show, show_in_turn};
use crate::shown::{Grants, Skills};

/// A skill, by its path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OfSkill {
    /// Its name
    skill: String,
}

/// What is told of skills.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WhatOfSkills {
    /// Also how often the word of each stood in cases of which it is known what became
    #[serde(default)]
    stats: bool,
}

/// List skills
#[utoipa::path(
    get, path = "/v1/skills", operation_id = "list_skills", tag = "skills", params(WhatOfSkills),
    responses(
        (status = 200, description = "As `negawatt skill list` prints them", content(
            (Skills = "application/json"), (String = "text/plain"))),
        Refusals, Also<406>,
    )
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Asked(what): Asked<WhatOfSkills>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (shown, forms) = (Shown::Skills(what.stats), [Form::Json, Form::Text]);
    // How often the word of each stood is in all of the casebook.
    if what.stats {
        show_in_turn(&app, shown, &headers, &forms).await
    } else {
        show(&app, shown, &headers, &forms).await
    }
}

/// Say what a skill may do, and why
#[utoipa::path(
    get, path = "/v1/skills/{skill}/grants", operation_id = "explain_grants", tag = "skills", params(OfSkill),
    responses(
        (status = 200, description = "As `negawatt grants explain` prints it", content(
            (Grants = "application/json"), (String = "text/plain"))),
        Refusals, Also<404>, Also<406>,
    )
)]
pub async fn grants(
    State(app): State<Arc<App>>,
    Named(OfSkill { skill }): Named<OfSkill>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    show(&app, Shown::Grants(&skill), &headers, &[Form::Json, Form::Text]).await
}

/// What was put back.
#[derive(Debug, Serialize, ToSchema)]
pub struct Restored {
    /// The components, which are planned again in new cases.
    pub restored: Vec<RestoredSkill>,
}

/// A component that was put back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestoredSkill {
    /// The skill, as name@version.
    pub skill: String,
    /// Its digest.
    pub digest: String,
    /// How often it had failed in a row.
    pub failures: u32,
}

/// Put a skill back that was put aside because it failed too often in a row
#[utoipa::path(
    post, path = "/v1/skills/{skill}/restore", operation_id = "restore_skill", tag = "skills", params(OfSkill),
    responses((status = 200, description = "It is planned again in new cases", body = Restored), Refusals, Also<404>)
)]
pub async fn restore(
    State(app): State<Arc<App>>,
    Named(OfSkill { skill }): Named<OfSkill>,
) -> Result<Json<Restored>, Problem> {
    blocking(move || {
        let restored = app.book.put_back(&skill)?;
        if restored.is_empty() {
            return Err(Problem::not_found("not-put-aside", format!("no skill {skill:?} is put aside"))
                .help("GET /v1/skills says which are"));
        }
        let one = |standing: &negawatt_casebook::Standing| RestoredSkill {
            skill: standing.skill.clone(),
            digest: standing.digest.to_string(),
            failures: standing.failures,
        };
        Ok(Json(Restored { restored: restored.iter().map(one).collect() }))
    })
    .await
}
