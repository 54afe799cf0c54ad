//! Renders `docs/problems.md` as HTML, with an anchor for each problem code.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

const SOURCE: &str = include_str!("../../../docs/problems.md");

pub(super) static PAGE: LazyLock<String> = LazyLock::new(|| render(SOURCE));

fn render(markdown: &str) -> String {
    let anchored: String = markdown
        .lines()
        .map(|line| match line.strip_prefix("## ") {
            Some(code) => format!("## {code} {{#{code}}}\n"),
            None => format!("{line}\n"),
        })
        .collect();
    // A relative link names a file that the service does not serve. Replace the link by its text.
    let mut keeps_link = true;
    let events = Parser::new_ext(&anchored, Options::ENABLE_HEADING_ATTRIBUTES).filter(|event| {
        if let Event::Start(Tag::Link { dest_url, .. }) = event {
            keeps_link = dest_url.starts_with("https://");
        }
        keeps_link || !matches!(event, Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link))
    });
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Problems</title></head><body>\n",
    );
    html::push_html(&mut page, events);
    page.push_str("</body></html>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::render;

    #[test]
    fn codes_become_anchors_and_relative_links_become_text() {
        let page = render("## not_json\n\nSee [RFC](https://a.example) and [limits](limits.md), `a < b`.\n");
        let body = "<h2 id=\"not_json\">not_json</h2>\n\
                    <p>See <a href=\"https://a.example\">RFC</a> and limits, <code>a &lt; b</code>.</p>\n</body>";
        assert!(page.contains(body), "{page}");
    }
}
