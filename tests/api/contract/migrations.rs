//! Released migrations never change, because production databases have applied them.
//! Each release in `CHANGELOG.md` has a file `migrations/VERSION.sha384`, the output of `sha384sum` for its migrations.

use std::fs;
use std::path::Path;

use sqlx::migrate::Migrator;

use crate::support::folder;

/// Returns the releases without checksums, and the released migrations that were edited or removed.
async fn faults(changelog: &str, migrations: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    let current = Migrator::new(migrations).await.unwrap();
    let headings = changelog.lines().filter_map(|line| line.strip_prefix("## [")?.split(']').next());
    for release in headings.filter(|heading| *heading != "Unreleased") {
        let checksums = fs::read_to_string(migrations.join(format!("{release}.sha384"))).unwrap_or_default();
        if checksums.is_empty() {
            let command = format!("cd migrations && sha384sum *.sql > {release}.sha384");
            faults.push(format!("release {release} has no checksums: run `{command}` and commit the file"));
        }
        for line in checksums.lines() {
            let (released, file) = line.split_once("  ").expect("a line is a checksum, two spaces and a file name");
            let version: i64 =
                file.split('_').next().unwrap().parse().expect("the file name begins with a version and `_`");
            let same =
                |checksum: &[u8]| checksum.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == released;
            if !current.iter().any(|migration| migration.version == version && same(&migration.checksum)) {
                faults.push(format!("{file} was released in {release}: restore it, and add a new migration instead"));
            }
        }
    }
    faults
}

#[tokio::test]
async fn released_migrations_are_unchanged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let changelog = fs::read_to_string(root.join("CHANGELOG.md")).unwrap();
    assert_eq!(faults(&changelog, &root.join("migrations")).await, Vec::<String>::new());
}

/// Simulates the first release, because no version is released yet.
#[tokio::test]
async fn edited_or_removed_migration_of_a_release_is_named() {
    let folder = folder::new_path();
    fs::create_dir(&folder).unwrap();
    let (first, second) = (folder.join("0001_one.sql"), folder.join("0002_two.sql"));
    fs::write(&first, "select 1;\n").unwrap();
    fs::write(&second, "select 2;\n").unwrap();

    let none = Vec::<String>::new();
    assert_eq!(faults("# Changelog\n\n## [Unreleased]\n", &folder).await, none, "nothing is released");
    let changelog = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2027-01-04\n";
    let missing =
        "release 0.1.0 has no checksums: run `cd migrations && sha384sum *.sql > 0.1.0.sha384` and commit the file";
    assert_eq!(faults(changelog, &folder).await, [missing]);

    let checksums = "732dd6fa554ee7cf2b12caa7de486d35b60326cbb0fadccc7c537fb9750917e293550610ebffcbd185284ce99600a267  0001_one.sql\n";
    fs::write(folder.join("0.1.0.sha384"), checksums).unwrap();
    assert_eq!(faults(changelog, &folder).await, none);
    fs::write(&second, "select 3;\n").unwrap();
    assert_eq!(faults(changelog, &folder).await, none, "a migration that is in no release may change");
    let changed = "0001_one.sql was released in 0.1.0: restore it, and add a new migration instead";
    fs::write(&first, "select 3;\n").unwrap();
    assert_eq!(faults(changelog, &folder).await, [changed]);
    fs::remove_file(&first).unwrap();
    assert_eq!(faults(changelog, &folder).await, [changed]);
}
