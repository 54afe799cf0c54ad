//! Reads the source files that the command `dev new-resource` needs.

use std::path::Path;
use std::{fs, io};

use uuid::Uuid;

use super::field::Target;
use super::names::Names;

/// Why the command writes nothing, and what the user can do.
#[derive(Debug, thiserror::Error)]
#[error("no file was written: {0}")]
pub struct Refused(pub(super) String);

pub(super) fn refused(sentence: impl Into<String>) -> Refused {
    Refused(sentence.into())
}

pub(super) const PLAN: &str = "src/features/demo/plan.rs";

pub(super) fn fault(path: &Path, error: &io::Error) -> Refused {
    refused(format!("{}: {error}: run this command in the checkout", path.display()))
}

/// The source files. The field is the root folder of the Git checkout.
pub(super) struct Tree<'a>(pub(super) &'a Path);

impl Tree<'_> {
    pub(super) fn read(&self, path: &str) -> Result<String, Refused> {
        let path = self.0.join(path);
        fs::read_to_string(&path).map_err(|error| fault(&path, &error))
    }

    fn names_in(&self, folder: &str) -> Result<Vec<String>, Refused> {
        let path = self.0.join(folder);
        let entries = fs::read_dir(&path).map_err(|error| fault(&path, &error))?;
        Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    /// Refuses a name that a feature, a table or a kind of object already uses.
    pub(super) fn check_is_new(&self, names: &Names) -> Result<(), Refused> {
        let exists = |what: &str| refused(format!("{what} exists already: choose another name"));
        if self.names_in("src/features")?.iter().any(|name| name.trim_end_matches(".rs") == names.plural) {
            return Err(exists(&format!("src/features/{}", names.plural)));
        }
        for migration in self.names_in("migrations")?.iter().filter(|name| name.ends_with(".sql")) {
            if self.read(&format!("migrations/{migration}"))?.contains(&format!("create table {} (", names.plural)) {
                return Err(exists(&format!("the table {}", names.plural)));
            }
        }
        match self.targets()?.iter().any(|target| target.kind == names.singular) {
            true => Err(exists(&format!("the kind of object {}", names.singular))),
            false => Ok(()),
        }
    }

    pub(super) fn next_migration(&self) -> Result<u32, Refused> {
        let names = self.names_in("migrations")?;
        Ok(names.iter().filter_map(|name| name.split('_').next()?.parse::<u32>().ok()).max().unwrap_or(0) + 1)
    }

    /// Returns the kinds of objects to which a field can refer: those with a list of demo objects in [`PLAN`].
    pub(super) fn targets(&self) -> Result<Vec<Target>, Refused> {
        let plan = self.read(PLAN)?;
        let mut targets = Vec::new();
        for feature in self.names_in("src/features")? {
            let Ok(ids) = self.read(&format!("src/features/{feature}/id.rs")) else { continue };
            let list = format!("pub const {}: &[DemoObject] = &[", feature.to_uppercase());
            let Some((_, rows)) = plan.split_once(&list) else { continue };
            // A test of the examples deletes the first demo object, so refer to the second one.
            let example = quoted_uuid(&self.read(&format!("src/features/{feature}/docs.rs"))?);
            let own = rows.split("ANNA,").nth(2).and_then(|row| quoted_uuid(row.split(',').next()?)).or(example);
            let foreign = rows.split("BEN,").nth(1).and_then(quoted_uuid);
            let declared = ids.lines().find(|line| line.contains("\"/api/v1/")).map(|line| line.replace('"', ""));
            let mut words = declared.as_deref().unwrap_or_default().split_whitespace();
            if let (Some(id_type), Some(kind), Some(own), Some(foreign)) = (words.next(), words.next(), own, foreign) {
                targets.push(Target {
                    kind: kind.to_owned(),
                    table: feature,
                    id_type: id_type.to_owned(),
                    own,
                    foreign,
                });
            }
        }
        Ok(targets)
    }
}

fn quoted_uuid(text: &str) -> Option<String> {
    text.split('"').find(|part| part.len() == 36 && Uuid::try_parse(part).is_ok()).map(str::to_owned)
}
