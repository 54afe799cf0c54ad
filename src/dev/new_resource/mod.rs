//! Writes the files of a new resource.
//! Example: `strongroom dev new-resource projects name:line customer_id:customer? budget:money`.
//!
//! The templates have the structure of `features/customers`. [`field`] and [`views`] write the lines of each field.
//! The command computes all texts before it writes the first file, so that a refused command changes nothing.

mod checkout;
mod field;
mod names;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use uuid::Uuid;

pub use checkout::Refused;
use checkout::{PLAN, Tree, fault, refused};
use field::{Field, Target, each, use_line, wrapped};
use names::{Names, capitalized};

const MOD: &str = "src/features/mod.rs";
const ROUTES: &str = "src/app/routes.rs";
const DEMO: &str = "src/features/demo/objects.rs";

const FOLDER: [(&str, &str); 6] = [
    ("mod.rs", include_str!("templates/mod.rs.txt")),
    ("id.rs", include_str!("templates/id.rs.txt")),
    ("model.rs", include_str!("templates/model.rs.txt")),
    ("views.rs", include_str!("templates/views.rs.txt")),
    ("store.rs", include_str!("templates/store.rs.txt")),
    ("docs.rs", include_str!("templates/docs.rs.txt")),
];
const MIGRATION: &str = include_str!("templates/migration.sql.txt");
const ROWS: &str = include_str!("templates/routes.rs.txt");

/// Writes the files of a resource in a Git checkout, and returns the paths of the new and changed files.
///
/// # Errors
/// [`Refused`] if the name or a field cannot be used, or if the checkout lacks an expected file.
pub fn write(checkout: &Path, name: &str, fields: &[String]) -> Result<Vec<PathBuf>, Refused> {
    let tree = Tree(checkout);
    let names = Names::parse(name).map_err(refused)?;
    tree.check_is_new(&names)?;
    let targets = tree.targets()?;
    let mut parsed: Vec<Field> = Vec::new();
    for field in fields {
        let field = Field::parse(field, &targets).map_err(refused)?;
        if parsed.iter().any(|other| other.name == field.name) {
            return Err(refused(format!("there are two fields {}", field.name)));
        }
        parsed.push(field);
    }
    if parsed.is_empty() {
        return Err(refused("name at least one field, for example name:line"));
    }
    let files = files(&tree, &names, &parsed)?;
    for (path, text) in &files {
        let path = checkout.join(path);
        let folder = path.parent().unwrap_or(checkout);
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|error| fault(&path, &error))?;
    }
    if !format(checkout) {
        return Err(Refused("the files were written, but `cargo fmt` failed: run it again".to_owned()));
    }
    Ok(files.into_keys().collect())
}

/// Formats the crate, because the right line breaks depend on the length of the names.
#[allow(clippy::disallowed_methods, reason = "a command of development, which reads no request")]
fn format(checkout: &Path) -> bool {
    Command::new("cargo").arg("fmt").current_dir(checkout).status().is_ok_and(|status| status.success())
}

fn files(tree: &Tree, names: &Names, fields: &[Field]) -> Result<BTreeMap<PathBuf, String>, Refused> {
    let [first, second, foreign] = [(); 3].map(|()| Uuid::new_v4().to_string());
    let texts = texts(names, fields, &first);
    let fill = |template: &str| {
        texts.iter().fold(template.to_owned(), |text, (mark, with)| text.replace(&format!("{{{{{mark}}}}}"), with))
    };
    let mut files = BTreeMap::new();
    files.insert(
        PathBuf::from(format!("migrations/{:04}_{}.sql", tree.next_migration()?, names.plural)),
        fill(MIGRATION),
    );
    for (file, template) in FOLDER {
        files.insert(PathBuf::from(format!("src/features/{}/{file}", names.plural)), fill(template));
    }
    let mut change = |path: &str, places: &[(&str, &str)]| -> Result<(), Refused> {
        let mut text = tree.read(path)?;
        for (before, line) in places {
            let at = text.find(before).ok_or_else(|| refused(format!("{path} has no {before:?}")))?;
            text.insert_str(at, &fill(line));
        }
        files.insert(PathBuf::from(path), text);
        Ok(())
    };
    change(
        MOD,
        &[
            ("pub mod resources;", "pub mod {{projects}};\n"),
            ("];\n\n/// Returns all kinds", "    {{projects}}::docs::REGISTRATION,\n"),
        ],
    )?;
    let [docs, model] = ["docs as {{project}}_docs", "model::{{Project}}"];
    let uses = [docs, model].map(|item| use_line(&format!("features::{{{{projects}}}}::{item}"))).concat();
    change(ROUTES, &[(&use_line("features::resources"), &uses), ("        get(\"/health/live\"", ROWS)])?;
    change(
        DEMO,
        &[
            (&use_line("features::resources::ResourceStore"), &use_line("features::{{projects}}::model::{{Project}}")),
            (
                "        let invoices = InvoiceStore::new",
                "        self.create_all::<{{Project}}>(user, caller, plan::{{PROJECTS}}).await?;\n",
            ),
        ],
    )?;
    let row = |owner: &str, id: &str| {
        let needed: Vec<&Field> = fields.iter().filter(|field| field.is_in_demo()).collect();
        format!("    ({owner}, \"{id}\", r#\"{{{}}}\"#),\n", each(&needed, ", ", |field| field.demo(owner)))
    };
    let rows = [("ANNA", &first), ("ANNA", &second), ("BEN", &foreign)].map(|(owner, id)| row(owner, id)).concat();
    change(PLAN, &[("pub const USERS:", &format!("pub const {{{{PROJECTS}}}}: &[DemoObject] = &[\n{rows}];\n\n"))])?;
    Ok(files)
}

/// Returns the placeholders of the templates with their texts.
fn texts(names: &Names, fields: &[Field], example_id: &str) -> BTreeMap<&'static str, String> {
    let plural = names.plural.replace('_', " ");
    let mut texts = BTreeMap::from([
        ("projects", names.plural.clone()),
        ("project", names.singular.clone()),
        ("PROJECTS", names.plural.to_uppercase()),
        ("Project", names.type_name()),
        ("path", format!("/api/v1/{}", names.plural.replace('_', "-"))),
        ("Projects", capitalized(&plural)),
        ("projects text", plural),
        ("project text", names.text()),
        ("a project", names.with_article()),
        ("A project", capitalized(&names.with_article())),
        ("example id", example_id.to_owned()),
        ("example", each(fields, ",\n", |field| format!("    {}", field.demo("ANNA")))),
    ]);
    texts.extend(sql_texts(names, fields));
    texts.extend(rust_texts(names, fields));
    texts
}

fn sql_texts(names: &Names, fields: &[Field]) -> Vec<(&'static str, String)> {
    let columns: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let list = |before: &[&str], after: &[&str], indent| wrapped(&[before, &columns, after].concat(), indent);
    let numbered = |(name, n): (&str, usize)| format!("{name} = ${n}");
    let assigned: Vec<String> =
        [&columns[..], &["version", "updated_at"]].concat().into_iter().zip(3..).map(numbered).collect();
    let values: Vec<String> = (1..=columns.len() + 5).map(|n| format!("${n}")).collect();
    let times = ["version", "created_at", "updated_at"];
    vec![
        ("columns", each(fields, "", |field| field.column(names))),
        ("keys", each(fields, "", |field| field.key(names))),
        ("indexes", each(fields, "", |field| field.index(names))),
        ("updatable", list(&[], &["version", "updated_at"], 21)),
        ("selected", list(&["id"], &times, 20)),
        ("inserted", list(&["id", "owner_id"], &times, 18)),
        ("values", wrapped(&values, 21)),
        ("assigned", wrapped(&assigned, 17)),
        ("version parameter", format!("${}", columns.len() + 3)),
    ]
}

fn rust_texts(names: &Names, fields: &[Field]) -> Vec<(&'static str, String)> {
    let references: Vec<&Field> = fields.iter().filter(|field| field.target().is_some()).collect();
    let imports: BTreeSet<String> = references.iter().filter_map(|field| field.target()).map(Target::import).collect();
    let imports: String = imports.into_iter().collect();
    let has_date = fields.iter().any(Field::is_date);
    let has_reference = !references.is_empty();
    let value =
        |of: fn(&Field) -> String| each(fields, "", |field| format!("            {}: {},\n", field.name, of(field)));
    let typed = |of: fn(&Field) -> String| each(fields, "", |field| format!("    {}: {},\n", field.name, of(field)));
    let choose = |condition: bool, yes: &str, no: &str| if condition { yes.to_owned() } else { no.to_owned() };
    vec![
        ("NaiveDate", choose(has_date, ", NaiveDate", "")),
        ("view imports", format!("{}{imports}", views::imports(fields))),
        ("view errors", choose(has_date, "{ApiError, ApiResult}", "ApiResult")),
        ("functions", views::functions(fields)),
        ("details", typed(Field::model_type).replace("    ", "    pub ")),
        ("row fields", typed(Field::row_type)),
        ("new fields", each(fields, "", Field::in_new)),
        ("update fields", each(fields, "", Field::in_update)),
        ("view fields", each(fields, "", Field::in_view)),
        ("from new", value(Field::new_value)),
        ("from update", value(Field::updated_value)),
        ("from row", value(Field::row_value)),
        ("to view", value(|field| format!("details.{}", field.name))),
        ("bound", each(fields, "", |field| format!("            {},\n", field.bound()))),
        ("id imports", imports),
        ("db import", choose(references.len() > 1, "{OwnerTx, owner_query_as, violates}", "{OwnerTx, owner_query_as}")),
        ("reference import", choose(has_reference, ", map_reference_error", "")),
        ("store errors", choose(has_reference, "{ApiError, ApiResult}", "ApiResult")),
        ("map reference", choose(has_reference, "\n        .map_err(|error| map_error(error, details))", "")),
        ("reference function", field::reference_function(names, &references)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_name_or_field_is_refused() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
        let write = |name, field: &str| write(checkout, name, &[field.to_owned()]).unwrap_err().to_string();
        for (name, field, sentence) in [
            ("Project", "name:line", "\"Project\" is not a plural in snake_case, such as projects"),
            ("address", "name:line", "\"address\" is not a plural in snake_case, such as projects"),
            ("customers", "name:line", "src/features/customers exists already: choose another name"),
            ("payments", "name:line", "the table payments exists already: choose another name"),
            ("unicorns", "name", "\"name\" is not a field such as name:line or notes:text?"),
            ("unicorns", "owner_id:text", "\"owner_id\" cannot be the name of a field"),
            ("unicorns", "name:word", "\"word\" is no type: use line, text, money, date, or customer"),
            ("unicorns", "buyer:customer", "\"buyer\" refers to another object, so its name must end with _id"),
        ] {
            assert_eq!(write(name, field), format!("no file was written: {sentence}"));
        }
    }
}
