//! The fields of a new resource, and the lines that each field adds to the generated files.

use super::names::{Names, is_snake_case};

/// Names that a field cannot have: columns of every table, and reserved words of SQL and Rust.
const RESERVED: [&str; 29] = [
    "id",
    "owner_id",
    "version",
    "created_at",
    "updated_at",
    "all",
    "and",
    "as",
    "default",
    "desc",
    "end",
    "fn",
    "for",
    "from",
    "group",
    "if",
    "in",
    "limit",
    "loop",
    "match",
    "mod",
    "move",
    "not",
    "order",
    "ref",
    "table",
    "type",
    "user",
    "where",
];

/// An existing resource to which a field of the new resource can refer.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) kind: String,
    pub(super) table: String,
    pub(super) id_type: String,
    /// The ids of two demo objects: `own` belongs to the first demo user, `foreign` to the second demo user.
    pub(super) own: String,
    pub(super) foreign: String,
}

impl Target {
    pub(super) fn import(&self) -> String {
        use_line(&format!("features::{}::id::{}", self.table, self.id_type))
    }
}

pub(super) enum Type {
    Line,
    Text,
    Money,
    Date,
    Reference(Target),
}

pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Type,
    pub(super) is_optional: bool,
}

pub(super) fn use_line(path: &str) -> String {
    let root = "crate";
    format!("use {root}::{path};\n")
}

pub(super) fn each<T>(items: &[T], separator: &str, line: impl Fn(&T) -> String) -> String {
    items.iter().map(line).collect::<Vec<_>>().join(separator)
}

/// Joins names by commas, and breaks lines after about 100 characters.
pub(super) fn wrapped(names: &[impl AsRef<str>], indent: usize) -> String {
    let (mut text, mut width) = (String::new(), indent);
    for (index, name) in names.iter().map(AsRef::as_ref).enumerate() {
        let end = if index + 1 == names.len() { "" } else { "," };
        if index > 0 && width + name.len() > 98 {
            text.push_str(&format!("\n{}", " ".repeat(indent)));
            width = indent;
        } else if index > 0 {
            text.push(' ');
        }
        text.push_str(&format!("{name}{end}"));
        width += name.len() + 2;
    }
    text
}

impl Field {
    /// Parses a field such as `name:line`, or `notes:text?` if the field is optional.
    pub(super) fn parse(text: &str, targets: &[Target]) -> Result<Self, String> {
        let Some((name, kind)) = text.split_once(':').filter(|(name, _)| is_snake_case(name)) else {
            return Err(format!("{text:?} is not a field such as name:line or notes:text?"));
        };
        if RESERVED.contains(&name) {
            return Err(format!("{name:?} cannot be the name of a field"));
        }
        let required = kind.strip_suffix('?');
        let kind = match required.unwrap_or(kind) {
            "line" => Type::Line,
            "text" => Type::Text,
            "money" => Type::Money,
            "date" => Type::Date,
            other => match targets.iter().find(|target| target.kind == other) {
                Some(_) if !name.ends_with("_id") => {
                    return Err(format!("{name:?} refers to another object, so its name must end with _id"));
                }
                Some(target) => Type::Reference(target.clone()),
                None => {
                    let kinds = each(targets, " or ", |target| target.kind.clone());
                    return Err(format!("{other:?} is no type: use line, text, money, date, or {kinds}"));
                }
            },
        };
        Ok(Self { name: name.to_owned(), kind, is_optional: required.is_some() })
    }

    pub(super) fn target(&self) -> Option<&Target> {
        if let Type::Reference(target) = &self.kind { Some(target) } else { None }
    }

    pub(super) fn is_date(&self) -> bool {
        matches!(self.kind, Type::Date)
    }

    pub(super) fn is_money(&self) -> bool {
        matches!(self.kind, Type::Money)
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Type::Line | Type::Text)
    }

    // Lines of the migration.

    pub(super) fn column(&self, names: &Names) -> String {
        let (table, name) = (&names.plural, &self.name);
        let null = if self.is_optional { "" } else { " not null" };
        match &self.kind {
            Type::Line => format!(
                "    {name} text{null} constraint {table}_{name}_length check (char_length({name}) between 1 and 200),\n"
            ),
            Type::Text => {
                format!("    {name} text{null} constraint {table}_{name}_length check (char_length({name}) <= 2000),\n")
            }
            // 2^53 - 1 is the largest integer that JavaScript represents exactly.
            Type::Money => format!(
                "    {name} bigint{null}\n        constraint {table}_{name}_range check ({name} between 0 and 9007199254740991),\n"
            ),
            Type::Date => format!("    {name} date{null},\n"),
            Type::Reference(_) => format!("    {name} uuid{null},\n"),
        }
    }

    fn key_name(&self, names: &Names) -> String {
        format!("{}_{}", names.plural, self.name.trim_end_matches("_id"))
    }

    pub(super) fn key(&self, names: &Names) -> String {
        let Some(Target { table, .. }) = self.target() else { return String::new() };
        let (key, name) = (self.key_name(names), &self.name);
        format!(",\n    constraint {key} foreign key (owner_id, {name}) references {table} (owner_id, id)")
    }

    pub(super) fn index(&self, names: &Names) -> String {
        let (table, name) = (&names.plural, &self.name);
        if self.target().is_none() {
            return String::new();
        }
        format!("create index {table}_of_{} on {table} (owner_id, {name});\n", name.trim_end_matches("_id"))
    }

    // Types in the generated code.

    pub(super) fn optional(&self, inner: &str) -> String {
        if self.is_optional { format!("Option<{inner}>") } else { inner.to_owned() }
    }

    pub(super) fn model_type(&self) -> String {
        self.optional(match &self.kind {
            Type::Line | Type::Text => "String",
            Type::Money => "i64",
            Type::Date => "NaiveDate",
            Type::Reference(target) => &target.id_type,
        })
    }

    pub(super) fn row_type(&self) -> String {
        if self.target().is_some() { self.optional("Uuid") } else { self.model_type() }
    }

    // Lines of the store.

    pub(super) fn row_value(&self) -> String {
        let name = &self.name;
        match (self.target(), self.is_optional) {
            (None, _) => format!("row.{name}"),
            (Some(_), false) => format!("row.{name}.into()"),
            (Some(_), true) => format!("row.{name}.map(Into::into)"),
        }
    }

    pub(super) fn bound(&self) -> String {
        let name = &self.name;
        match (self.target(), self.is_optional) {
            (None, _) => format!("details.{name}"),
            (Some(_), false) => format!("details.{name}.uuid()"),
            (Some(_), true) => format!("details.{name}.map(|id| id.uuid())"),
        }
    }

    fn mapped_error(&self, names: &Names) -> String {
        let (key, name) = (self.key_name(names), &self.name);
        let id = if self.is_optional { format!("details.{name}") } else { format!("Some(details.{name})") };
        format!("map_reference_error(error, \"{key}\", \"/{name}\", {id})")
    }

    // Examples and demo data.

    pub(super) fn is_in_demo(&self) -> bool {
        !self.is_optional || self.target().is_some()
    }

    /// Returns the field with an example value, as a member of the JSON body of a demo object.
    pub(super) fn demo(&self, owner: &str) -> String {
        let value = match &self.kind {
            Type::Line => "\"An example\"".to_owned(),
            Type::Text => "\"First line.\\nSecond line.\"".to_owned(),
            Type::Money => "150000".to_owned(),
            Type::Date => "\"2030-12-31\"".to_owned(),
            Type::Reference(target) => format!("\"{}\"", if owner == "BEN" { &target.foreign } else { &target.own }),
        };
        format!("\"{}\": {value}", self.name)
    }
}

/// Returns the source of the function that maps violated foreign keys to field errors.
pub(super) fn reference_function(names: &Names, references: &[&Field]) -> String {
    let Some((last, others)) = references.split_last() else { return String::new() };
    let checks = each(others, "", |field| {
        let (key, mapped) = (field.key_name(names), field.mapped_error(names));
        format!("    if violates(&error, \"{key}\") {{\n        return {mapped};\n    }}\n")
    });
    let last = last.mapped_error(names);
    format!("\nfn map_error(error: sqlx::Error, details: &Details) -> ApiError {{\n{checks}    {last}\n}}\n")
}
