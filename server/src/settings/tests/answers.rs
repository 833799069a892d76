//! `--help`, `--version`, `--completions` and `--man`.

use super::*;

#[test]
fn help_and_version_answer() {
    let version = answer(&Config::new(), &["stelo", "--version", "--port", "1"], &[("STELO_PORT", "x")]);
    assert_eq!(version, format!("Running stelo {} on {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS));

    let help = answer(&Config::new().port(3000), &["/bin/shop", "--help"], &[]);
    assert!(help.starts_with("Usage: shop [OPTIONS]"), "{help}");
    for part in ["Listening:", "--no-date-header", "[default: 3000]", "auto, tokio, smol or async-std"] {
        assert!(help.contains(part), "{part} is not in\n{help}");
    }
    for line in help.lines() {
        assert!(line.len() <= 80, "wider than 80 columns: {line}");
    }
}

#[test]
fn every_setting_is_in_the_help_and_has_a_name_of_its_own() {
    let help = answer(&Config::new(), &["shop", "--help"], &[]);
    let mut names = Vec::new();
    for setting in all() {
        assert!(help.contains(&format!("  --{}", setting.name)), "{} is not in the help", setting.name);
        assert!(!setting.help.ends_with('.') && !setting.help.contains(" ["), "{}", setting.help);
        names.extend([setting.name.to_owned(), setting.variable()]);
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn the_help_fits_the_terminal() {
    for (columns, width) in
        [("30", 40), ("50", 50), ("72", 72), ("100", 100), ("500", 120), ("", 80), ("0", 80)]
    {
        let help = answer(&Config::new(), &["shop", "--help"], &[("COLUMNS", columns)]);
        let longest = help.lines().map(str::len).max().unwrap();
        // A long option is not broken.
        assert!(longest <= width || width == 40 && longest < 50, "{columns}: {longest}\n{help}");
        assert!(longest > width - 15, "{columns}: {longest}");
        let words: Vec<_> = help.split_whitespace().collect();
        let wide = answer(&Config::new(), &["shop", "--help"], &[("COLUMNS", "120")]);
        assert_eq!(words, wide.split_whitespace().collect::<Vec<_>>());
    }
}

#[test]
fn the_manual_page_has_every_setting() {
    let page = answer(&Config::new(), &["/bin/my-shop", "--man"], &[]);
    assert!(page.starts_with(".TH MY\\-SHOP 1 \"\" \"stelo "), "{page}");
    for setting in all() {
        let name = setting.name.replace('-', "\\-");
        assert!(page.contains(&format!("\n.B \\-\\-{name}")), "{name}");
        assert!(page.contains(&setting.variable()), "{name}");
    }
    // Every line is a request that the page means, or a text.
    for line in page.lines().filter(|line| line.starts_with(['.', '\''])) {
        let request = line.split(' ').next();
        assert!(
            [Some(".TH"), Some(".SH"), Some(".SS"), Some(".TP"), Some(".B")].contains(&request),
            "{line}"
        );
    }
}

#[test]
fn the_completions_have_every_option() {
    for shell in ["bash", "zsh", "fish"] {
        let script = answer(&Config::new(), &["/bin/my-shop", "--completions", shell], &[]);
        for setting in all() {
            let option = match shell {
                "fish" => format!(" -l {} ", setting.name),
                _ => format!("--{}", setting.name),
            };
            assert!(script.contains(&option), "{shell}: {option}");
        }
        for part in ["my-shop", "no-date-header", "tokio smol async-std", "print-config", "bash zsh fish"] {
            assert!(script.contains(part), "{shell}: {part}");
        }
    }
}
