//! The lines that each field adds to the request and response types of a new resource.

use super::field::{Field, Type, each, use_line};

impl Field {
    /// Returns the Rust type of the field in a JSON body.
    fn wire_type(&self) -> String {
        match &self.kind {
            Type::Line | Type::Text | Type::Date => "String".to_owned(),
            Type::Money => "i64".to_owned(),
            Type::Reference(target) => format!("IdField<{}>", target.id_type),
        }
    }

    fn doc(&self) -> String {
        match &self.kind {
            Type::Line => "Without line breaks.".to_owned(),
            Type::Text => "May have several lines.".to_owned(),
            Type::Money => "In the minor unit of the currency, for example cents.".to_owned(),
            Type::Date => "A day, for example 2030-12-31.".to_owned(),
            Type::Reference(target) => format!("One of your {}.", target.table.replace('_', " ")),
        }
    }

    /// Returns the validation rules for garde, with one `inner` for each `Option` around the value.
    fn rules(&self, options: usize) -> String {
        let rules: &[&str] = match &self.kind {
            Type::Line => &["length(chars, max = 200)", "custom(rules::line)"],
            Type::Text => &["length(chars, max = 2000)", "custom(rules::paragraph)"],
            Type::Money => &["range(min = 0, max = MAX_MINOR_UNITS)"],
            Type::Date => &["custom(rules::day)"],
            Type::Reference(_) => return "skip".to_owned(),
        };
        each(rules, ", ", |rule| format!("{}{rule}{}", "inner(".repeat(options), ")".repeat(options)))
    }

    /// Returns the `schema` attribute of the field. `more` contains further parts of it.
    fn schema(&self, more: &[&str]) -> String {
        let own = match &self.kind {
            Type::Line => "min_length = 1, max_length = 200, format = \"line\"",
            Type::Text => "max_length = 2000, format = \"paragraph\"",
            Type::Money => "minimum = 0, maximum = 9_007_199_254_740_991_i64",
            Type::Date => "format = Date",
            Type::Reference(_) => "format = Uuid",
        };
        [&[own], more].concat().join(", ")
    }

    fn value_type(&self, is_option: bool) -> String {
        let inner = if self.is_money() { "i64" } else { "String" };
        if is_option { format!("value_type = Option<{inner}>") } else { format!("value_type = {inner}") }
    }

    pub(super) fn in_new(&self) -> String {
        let serde = match (&self.kind, self.is_optional) {
            (Type::Line | Type::Text, false) => "#[serde(deserialize_with = \"user_text\")]",
            (Type::Line | Type::Text, true) => "#[serde(default, deserialize_with = \"user_text\")]",
            (Type::Money, false) => "#[serde(deserialize_with = \"integer\")]",
            (Type::Money, true) => "#[serde(default, deserialize_with = \"optional_integer\")]",
            (Type::Date | Type::Reference(_), _) => "",
        };
        let value_type = self.target().map(|_| self.value_type(self.is_optional));
        let schema = self.schema(value_type.as_deref().as_slice());
        let rules = self.rules(self.is_optional.into());
        self.lines(serde, &format!("#[garde({rules})]"), &schema, &self.optional(&self.wire_type()))
    }

    pub(super) fn in_update(&self) -> String {
        let present = match (&self.kind, self.is_optional) {
            (Type::Line | Type::Text, _) => "present_user_text",
            (Type::Money, false) => "present_integer",
            (Type::Money, true) => "present_optional_integer",
            (Type::Date | Type::Reference(_), _) => "present",
        };
        let value_type = self.value_type(true);
        let mut more = Vec::new();
        more.extend((self.is_optional || self.target().is_some()).then_some(value_type.as_str()));
        more.extend((!self.is_optional).then_some("nullable = false"));
        let rules = self.rules(1 + usize::from(self.is_optional));
        let wire = format!("Option<{}>", self.optional(&self.wire_type()));
        let serde = format!("#[serde(default, deserialize_with = \"{present}\")]");
        self.lines(&serde, &format!("#[garde({rules})]"), &self.schema(&more), &wire)
    }

    pub(super) fn in_view(&self) -> String {
        let value_type = self.value_type(self.is_optional);
        let mut more = Vec::new();
        more.extend(self.target().is_some().then_some(value_type.as_str()));
        more.extend(self.is_optional.then_some("required = true"));
        // `NaiveDate`, the type in the view, already has the format `Date`.
        let schema = self.schema(&more).replace("min_length = 1, ", "").replace("format = Date", "");
        self.lines("", "", &schema, &self.model_type())
    }

    fn lines(&self, serde: &str, garde: &str, schema: &str, wire: &str) -> String {
        let schema = schema.trim_start_matches(", ");
        let schema = if schema.is_empty() { String::new() } else { format!("#[schema({schema})]") };
        let field = format!("pub {}: {wire},", self.name);
        let lines = [&format!("/// {}", self.doc()), serde, garde, &schema, &field];
        lines.into_iter().filter(|line| !line.is_empty()).map(|line| format!("    {line}\n")).collect()
    }

    /// Returns the Rust expression that converts this field of a create request (`new`) to the value of the model.
    pub(super) fn new_value(&self) -> String {
        let name = &self.name;
        match (&self.kind, self.is_optional) {
            (Type::Line | Type::Text | Type::Money, _) => format!("new.{name}"),
            (Type::Date, false) => format!("parse_day(\"/{name}\", &new.{name})?"),
            (Type::Date, true) => {
                format!("new.{name}.map(|text| parse_day(\"/{name}\", &text)).transpose()?")
            }
            (Type::Reference(_), false) => format!("new.{name}.0"),
            (Type::Reference(_), true) => format!("new.{name}.map(|id| id.0)"),
        }
    }

    /// Returns the expression for the field of an update request (`update`). An absent field keeps the `old` value.
    pub(super) fn updated_value(&self) -> String {
        let name = &self.name;
        match (&self.kind, self.is_optional) {
            (Type::Line | Type::Text | Type::Money, _) => format!("update.{name}.unwrap_or(old.{name})"),
            (Type::Date, false) => {
                format!("match update.{name} {{ Some(text) => parse_day(\"/{name}\", &text)?, None => old.{name} }}")
            }
            (Type::Date, true) => format!(
                "match update.{name} {{ Some(text) => text.map(|text| parse_day(\"/{name}\", &text)).transpose()?, None => old.{name} }}"
            ),
            (Type::Reference(_), false) => format!("update.{name}.map_or(old.{name}, |id| id.0)"),
            (Type::Reference(_), true) => format!("update.{name}.map_or(old.{name}, |id| id.map(|id| id.0))"),
        }
    }
}

pub(super) fn imports(fields: &[Field]) -> String {
    let any = |holds: &dyn Fn(&Field) -> bool| fields.iter().any(holds);
    let money = |is_optional: bool| any(&|field| field.is_money() && field.is_optional == is_optional);
    let integers = match (money(false), money(true)) {
        (false, false) => "",
        (true, false) => "http::values::integer",
        (false, true) => "http::values::optional_integer",
        (true, true) => "http::values::{integer, optional_integer}",
    };
    let uses = [
        (any(&Field::is_date), "base::day"),
        (any(&Field::is_money), "base::money::MAX_MINOR_UNITS"),
        (any(&|field| field.target().is_some()), "http::params::IdField"),
        (any(&|field| field.is_date() || field.target().is_some()), "http::partial::present"),
        (any(&|field| field.is_date() || field.is_text()), "http::rules"),
        (any(&Field::is_text), "http::user_text::{present_user_text, user_text}"),
        (!integers.is_empty(), integers),
    ];
    uses.into_iter().filter(|(is_used, _)| *is_used).map(|(_, path)| use_line(path)).collect()
}

pub(super) fn functions(fields: &[Field]) -> String {
    let money = |is_optional: bool| fields.iter().any(|field| field.is_money() && field.is_optional == is_optional);
    let present = |name: &str, inner: &str| {
        format!(
            "\n/// Deserializes a present integer as `Some`.\nfn present_{name}<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<{inner}>, D::Error> {{\n    {name}(deserializer).map(Some)\n}}\n"
        )
    };
    let mut functions = String::new();
    if money(false) {
        functions += &present("integer", "i64");
    }
    if money(true) {
        functions += &present("optional_integer", "Option<i64>");
    }
    if fields.iter().any(Field::is_date) {
        functions += "\nfn parse_day(pointer: &str, text: &str) -> ApiResult<NaiveDate> {\n    day::parse(text).ok_or_else(|| ApiError::invalid(pointer, \"must be a date from 2000 to 9999\"))\n}\n";
    }
    functions
}
