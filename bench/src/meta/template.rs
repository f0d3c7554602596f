//! Message templates, as far as permission requests need them: created, looked up, and approved at once.

use serde_json::{Value, json};

use super::refusal::Refusal;

/// The account's templates.
#[derive(Debug)]
pub struct Templates(Vec<Template>);

/// One template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// The body's text.
    pub body: String,
    /// Whether it asks for permission to call.
    pub asks: bool,
}

impl Default for Templates {
    fn default() -> Templates {
        Templates(vec![Template {
            id: "1001".to_owned(),
            name: "call_permission".to_owned(),
            language: "en_US".to_owned(),
            category: "UTILITY".to_owned(),
            body: "May we call you?".to_owned(),
            asks: true,
        }])
    }
}

impl Templates {
    /// Takes the body of `POST message_templates`. Errors: what Meta would not approve.
    pub fn create(&mut self, body: &Value) -> Result<Value, Refusal> {
        let text = |key: &str| {
            let value = body.get(key).and_then(Value::as_str).filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or_else(|| bad(&format!("{key} is required and must be a string")))
        };
        let (name, language, category) = (text("name")?, text("language")?, text("category")?.to_ascii_uppercase());
        let components =
            body.get("components").and_then(Value::as_array).ok_or_else(|| bad("components is required"))?;
        let find = |kind: &str| {
            let is =
                |part: &&Value| part.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case(kind));
            components.iter().find(is)
        };
        let words = find("body").and_then(|part| part.get("text")).and_then(Value::as_str).unwrap_or_default();
        let asks = find("call_permission_request").is_some();
        if words.is_empty() {
            return Err(bad("a BODY component with text is required"));
        }
        if asks && !["MARKETING", "UTILITY"].contains(&category.as_str()) {
            return Err(bad("call_permission_request needs the category MARKETING or UTILITY"));
        }
        if asks && find("buttons").is_some() {
            return Err(bad("call_permission_request cannot stand beside other interactive components"));
        }
        if self.find(&name, &language).is_ok() {
            return Err(bad("there is a template of this name and language already"));
        }
        if self.0.len() >= TEMPLATES_MAX {
            return Err(bad("too many templates"));
        }
        let id = (1001 + self.0.len()).to_string();
        let reply = json!({"id": id, "status": "APPROVED", "category": category});
        self.0.push(Template { id, name, language, category, body: words.to_owned(), asks });
        Ok(reply)
    }

    /// The body of `GET message_templates`.
    pub fn read(&self) -> Value {
        let row = |template: &Template| {
            let mut components = vec![json!({"type": "BODY", "text": template.body})];
            if template.asks {
                components.push(json!({"type": "call_permission_request"}));
            }
            json!({"id": template.id, "name": template.name, "language": template.language,
                   "category": template.category, "status": "APPROVED", "components": components})
        };
        json!({"data": self.0.iter().map(row).collect::<Vec<_>>()})
    }

    /// The template of this name and language.
    pub fn find(&self, name: &str, language: &str) -> Result<Template, Refusal> {
        let found = self.0.iter().find(|template| template.name == name && template.language == language);
        found
            .cloned()
            .ok_or_else(|| Refusal::NoTemplate(format!("template name ({name}) does not exist in {language}")))
    }
}

fn bad(details: &str) -> Refusal {
    Refusal::Parameter(details.to_owned())
}

const TEMPLATES_MAX: usize = 250;
