//! The forms of a resource's name: plural, singular, and the name of the Rust type.

/// The plural and the singular, in snake_case.
pub(super) struct Names {
    pub(super) plural: String,
    pub(super) singular: String,
}

impl Names {
    /// Parses a plural in snake_case, and derives the singular.
    pub(super) fn parse(plural: &str) -> Result<Self, String> {
        let is_snake_case = is_snake_case(plural);
        let singular = match plural {
            _ if plural.ends_with("ss") || plural.len() < 3 => None,
            _ if plural.ends_with("ies") => plural.strip_suffix("ies").map(|stem| format!("{stem}y")),
            _ if ["sses", "xes", "ches", "shes"].iter().any(|end| plural.ends_with(end)) => {
                plural.strip_suffix("es").map(str::to_owned)
            }
            _ => plural.strip_suffix('s').map(str::to_owned),
        };
        match singular.filter(|_| is_snake_case) {
            Some(singular) => Ok(Self { plural: plural.to_owned(), singular }),
            None => Err(format!("{plural:?} is not a plural in snake_case, such as projects")),
        }
    }

    pub(super) fn type_name(&self) -> String {
        self.singular.split('_').map(capitalized).collect()
    }

    pub(super) fn text(&self) -> String {
        self.singular.replace('_', " ")
    }

    /// Returns the singular with its indefinite article, such as `an order`.
    pub(super) fn with_article(&self) -> String {
        let article = if self.singular.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
        format!("{article} {}", self.text())
    }
}

pub(super) fn is_snake_case(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.split('_').all(is_word)
}

pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singular_follows_the_plural() {
        for (plural, singular) in [
            ("projects", "project"),
            ("purchase_orders", "purchase_order"),
            ("categories", "category"),
            ("boxes", "box"),
            ("branches", "branch"),
            ("addresses", "address"),
            ("invoices", "invoice"),
        ] {
            assert_eq!(Names::parse(plural).ok().map(|names| names.singular).as_deref(), Some(singular));
        }
        for unusable in ["", "s", "project", "address", "Projects", "2projects", "pro__jects", "pro-jects"] {
            assert!(Names::parse(unusable).is_err(), "{unusable}");
        }
    }
}
