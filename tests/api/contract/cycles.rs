//! The files and subfolders of any folder of `src/` must not import each other in a cycle.
//!
//! A path counts as an import of the module that defines the item, even if another module re-exports the item.
//! A child module may use items of its parent's `mod.rs` only if that `mod.rs` does not use the child.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::sources;

type Path = Vec<String>;
/// Imports within one folder: the outer key imports the inner key. The value describes each import, for example
/// `http/error imports base/clock`.
type Edges = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// A `use` declaration: the path, and its local name.
struct Import {
    path: Path,
    name: String,
    is_reexport: bool,
}

struct Module {
    /// For example `["security", "crypto", "keys"]`. A `mod.rs` has the path of its folder.
    path: Path,
    is_folder: bool,
    code: String,
}

fn path(text: &str) -> Path {
    text.split("::").map(|segment| segment.trim().to_owned()).filter(|segment| !segment.is_empty()).collect()
}

fn modules() -> Vec<Module> {
    let module = |(name, code): (String, String)| {
        let is_folder = name.ends_with("/mod.rs") || name == "lib.rs";
        let path = name.trim_end_matches("mod.rs").trim_end_matches("lib.rs").trim_end_matches(".rs");
        Module { path: path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(), is_folder, code }
    };
    sources().into_iter().filter(|(name, _)| name != "main.rs").map(module).collect()
}

/// Splits a `use` tree at the commas outside of braces.
fn parts(tree: &str) -> Vec<&str> {
    let mut depth = 0;
    let at_comma = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    tree.split(at_comma).filter(|part| !part.trim().is_empty()).collect()
}

/// Collects the paths of a `use` tree, such as `a::{b, c::{self, D as E}}`.
fn expand(prefix: &str, tree: &str, is_reexport: bool, found: &mut Vec<Import>) {
    if let Some((head, rest)) = tree.split_once('{') {
        let (inside, _) = rest.rsplit_once('}').unwrap();
        parts(inside)
            .into_iter()
            .for_each(|part| expand(&format!("{prefix}{}", head.trim()), part, is_reexport, found));
        return;
    }
    let (named, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path = path(&format!("{prefix}{named}"));
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = if alias.is_empty() { path.last().unwrap().clone() } else { alias.trim().to_owned() };
    found.push(Import { path, name, is_reexport });
}

/// Returns the `use` declarations of a file, and the rest of its code.
fn uses(code: &str) -> (Vec<Import>, String) {
    let (mut imports, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim_start();
        let start = trimmed.split_once("use ").filter(|(visibility, tree)| {
            let is_visibility = visibility.is_empty() || (visibility.starts_with("pub") && !visibility.contains('{'));
            is_visibility && tree.split(' ').next().is_some_and(|first| first.contains("::"))
        });
        let Some((visibility, tree)) = start else {
            rest.extend([line, "\n"]);
            continue;
        };
        let mut tree = tree.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap());
        }
        expand("", tree.split(';').next().unwrap(), !visibility.is_empty(), &mut imports);
    }
    (imports, rest)
}

/// Returns all paths in code without `use` declarations. A visibility such as `pub(in crate::…)` is no path.
fn paths(code: &str) -> Vec<Path> {
    let code = code.replace("pub(in crate::", "");
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    words.map(path).filter(|path| path.len() > 1).collect()
}

struct Graph {
    modules: BTreeMap<Path, Module>,
    reexports: BTreeMap<(Path, String), Path>,
}

impl Graph {
    fn read() -> Self {
        let modules: BTreeMap<Path, Module> =
            modules().into_iter().map(|module| (module.path.clone(), module)).collect();
        let mut graph = Self { modules, reexports: BTreeMap::new() };
        for module in graph.modules.values() {
            for import in uses(&module.code).0.into_iter().filter(|import| import.is_reexport) {
                if let Some(path) = graph.absolute(module, &import.path) {
                    graph.reexports.insert((module.path.clone(), import.name), path);
                }
            }
        }
        graph
    }

    /// Returns the full path, or `None` for a path of another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Path> {
        let first = path.first()?.as_str();
        let mut base = match first {
            "crate" => Path::new(),
            "self" | "super" => module.path.clone(),
            child => {
                let base = module.path.clone();
                let is_child = self.modules.contains_key(&[base.clone(), vec![child.to_owned()]].concat());
                return is_child.then(|| [base, path.to_vec()].concat());
            }
        };
        let mut rest = if first == "super" { path } else { &path[1..] };
        while rest.first().is_some_and(|segment| segment == "super") {
            base.pop();
            rest = &rest[1..];
        }
        Some([base, rest.to_vec()].concat())
    }

    fn definer(&self, path: &[String]) -> &Module {
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth])).unwrap();
        let module = &self.modules[&path[..depth]];
        let item = path.get(depth).map(|item| (module.path.clone(), item.clone()));
        match item.and_then(|item| self.reexports.get(&item)) {
            Some(target) => self.definer(target),
            None => module,
        }
    }

    fn imports(&self, module: &Module) -> Vec<&Module> {
        let (uses, code) = uses(&module.code);
        let used = uses.into_iter().filter(|import| !import.is_reexport).map(|import| import.path);
        let absolute = used.chain(paths(&code)).filter_map(|path| self.absolute(module, &path));
        absolute.map(|path| self.definer(&path)).filter(|other| other.path != module.path).collect()
    }

    fn by_folder(&self) -> BTreeMap<Path, Edges> {
        let mut folders: BTreeMap<Path, Edges> = BTreeMap::new();
        let place = |module: &Module| {
            let own = module.is_folder.then(|| "mod.rs".to_owned());
            module.path.iter().cloned().chain(own).collect::<Path>()
        };
        for module in self.modules.values() {
            for other in self.imports(module) {
                let (from, to) = (place(module), place(other));
                let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
                let edges = folders.entry(from[..shared].to_vec()).or_default();
                let why = format!("{} imports {}", from.join("/"), to.join("/"));
                let target = edges.entry(from[shared].clone()).or_default().entry(to[shared].clone());
                target.or_default().insert(why);
            }
        }
        folders
    }
}

/// Returns whether imports lead from `from` to `to`, also through other modules.
fn leads(edges: &Edges, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(one) = next.pop() {
        for other in edges.get(one).into_iter().flat_map(BTreeMap::keys) {
            if other == to {
                return true;
            }
            if seen.insert(other) {
                next.push(other);
            }
        }
    }
    false
}

#[test]
fn no_files_or_folders_import_each_other_in_a_cycle() {
    let mut cycles = Vec::new();
    for edges in Graph::read().by_folder().values() {
        for (from, targets) in edges {
            let backward = targets.iter().filter(|(to, _)| leads(edges, to, from));
            cycles.extend(backward.flat_map(|(_, imports)| imports.clone()));
        }
    }
    assert!(cycles.is_empty(), "these imports are part of a cycle: {cycles:#?}");
}

#[test]
fn imports_are_read_from_all_forms_of_paths() {
    let (imports, rest) = uses("pub(super) use a::{b, c::{self, D as E},\n    f};\nfn g() { super::h::i(); }");
    let read: Vec<_> =
        imports.iter().map(|import| (import.path.join("/"), import.name.as_str(), import.is_reexport)).collect();
    let of = |path: &str, name| (path.to_owned(), name, true);
    assert_eq!(read, [of("a/b", "b"), of("a/c", "c"), of("a/c/D", "E"), of("a/f", "f")]);
    assert_eq!(paths(&rest), [path("super::h::i")]);
    assert!(Graph::read().modules.values().filter(|module| module.path.len() == 1).count() > 5);
}
