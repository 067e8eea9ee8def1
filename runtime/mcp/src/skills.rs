//! Skills as other agents read them: each granted skill's `SKILL.md`, verbatim, with its digest. Its component is not among the files: it
//! runs here, as a tool.

use negawatt_planner::{Catalog, Entry};
use rmcp::model::{Resource, ResourceContents, Skill, SkillFrontmatter, SkillResource, SkillResources};
use serde_json::Value;

use crate::tools::granted;

const MARKDOWN: &str = "text/markdown";

/// The address of a skill's `SKILL.md`; its name has nothing that an address could not.
fn uri(entry: &Entry) -> String {
    format!("skill://{}/SKILL.md", entry.skill.manifest.name)
}

/// All skills that are served.
pub(crate) fn all(catalog: &Catalog) -> Vec<Skill> {
    granted(catalog).map(described).collect()
}

/// The skill at an address.
pub(crate) fn at(catalog: &Catalog, address: &str) -> Option<Skill> {
    granted(catalog).find(|entry| uri(entry) == address).map(described)
}

fn described(entry: &Entry) -> Skill {
    let (manifest, uri) = (&entry.skill.manifest, uri(entry));
    let mut frontmatter = SkillFrontmatter::new(&manifest.name, &manifest.description);
    // What was read once is read again: it is the same text.
    if let Ok(Value::Object(all)) = manifest.frontmatter() {
        frontmatter.extra = all.into_iter().filter(|(key, _)| key != "name" && key != "description").collect();
    }
    let file = SkillResource::from_bytes(&uri, manifest.text.as_bytes());
    Skill::new(uri, frontmatter, SkillResources::Files(vec![file]))
}

/// The files of all skills, as resources.
pub(crate) fn resources(catalog: &Catalog) -> Vec<Resource> {
    let resource = |entry: &Entry| {
        let manifest = &entry.skill.manifest;
        Resource::new(uri(entry), format!("{}/SKILL.md", manifest.name))
            .with_title(manifest.id())
            .with_mime_type(MARKDOWN)
            .with_size(manifest.text.len() as u64)
    };
    granted(catalog).map(resource).collect()
}

/// The file at an address.
pub(crate) fn read(catalog: &Catalog, address: &str) -> Option<ResourceContents> {
    let entry = granted(catalog).find(|entry| uri(entry) == address)?;
    Some(ResourceContents::text(entry.skill.manifest.text.clone(), address).with_mime_type(MARKDOWN))
}
