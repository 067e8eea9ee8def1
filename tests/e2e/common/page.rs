//! Pages as a browser reads them.

use html5gum::{DefaultEmitter, Token, Tokenizer};

/// The names of the elements of a page, and its texts; fails where a page would load or run something that is not in it.
pub fn read(page: &str) -> (Vec<String>, String) {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let (mut elements, mut texts) = (Vec::new(), String::new());
    let mut policy = None;
    for token in Tokenizer::new_with_emitter(page, emitter) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match token.unwrap() {
            Token::StartTag(tag) => {
                let attributes: Vec<_> = tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
                for (name, value) in &attributes {
                    assert!(!name.starts_with("on"), "{attributes:?}");
                    let loads = ["src", "srcset", "href", "action", "data", "poster", "xlink:href", "background"];
                    let inside = value.starts_with('#') || value == "data:,";
                    assert!(!loads.contains(&name.as_str()) || inside, "{attributes:?}");
                    assert!(name != "style" || !value.contains("url"), "{attributes:?}");
                    if name == "content" && value.contains("default-src") {
                        policy = Some(value.clone());
                    }
                }
                elements.push(text(&tag.name));
            }
            Token::String(string) => {
                texts += &text(&string);
                texts.push('\n');
            }
            Token::Comment(comment) => panic!("a comment: {comment:?}"),
            Token::Error(error) => panic!("no HTML: {error:?}"),
            Token::EndTag(_) | Token::Doctype(_) => {}
        }
    }
    let policy = policy.expect("the page has a policy");
    assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("script-src 'unsafe"), "{policy}");
    assert!(!texts.contains("@import") && !texts.contains("url("), "styles load nothing");
    (elements, texts)
}
