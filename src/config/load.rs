//! Puts the layers together and remembers for each value where it came from.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use super::{
    file::{self, Entry},
    problem::{Place, Problem, suggest},
    rules,
    settings::{self, Draft, Found, Meaning, SECTIONS},
    shape::Config,
    value::Value,
};
use crate::files;

/// Variables that set something, and what. `KUBECONFIG` is read where clusters are connected, `NO_COLOR` below,
/// `SEV1_CONFIG` and `SEV1_LOG` at the start of the program.
pub const VARIABLES: &[(&str, &str)] = &[
    ("PROMETHEUS_URL", "servers.prometheus.url"),
    ("ALERTMANAGER_URL", "servers.alertmanager.url"),
    ("ELASTICSEARCH_URL", "servers.elasticsearch.url"),
    ("SEV1_THEME", "looks.theme"),
    ("SEV1_ASCII", "looks.ascii"),
    ("SEV1_MOUSE", "looks.mouse"),
    ("SEV1_READ_ONLY", "read_only"),
];

/// Variables of this program that are no setting.
const OTHER_VARIABLES: &[&str] = &["SEV1_CONFIG", "SEV1_LOG"];

/// Strongest first, by POSIX.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// Name of the file in the working directory.
pub const PROJECT_FILE: &str = "sev1.toml";

/// Everything that decides the configuration, handed in so that a test can decide it.
#[derive(Debug, Default)]
pub struct Inputs {
    /// `--config` or `SEV1_CONFIG`: in the place of the user's own file, and it must exist.
    pub explicit_file: Option<PathBuf>,
    /// The user's own file; may be missing.
    pub user_file: Option<PathBuf>,
    pub working_directory: PathBuf,
    pub variables: BTreeMap<String, String>,
    /// Name with dashes, setting, and what was typed.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// A configuration that holds together.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// Worth saying, not worth stopping.
    pub warnings: Vec<Problem>,
    /// Files that were read, the weakest first.
    pub files: Vec<PathBuf>,
    origins: Origins,
}

/// One line of `config show`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Shown {
    pub setting: String,
    pub value: Option<Value>,
    pub from: Place,
}

type Origins = BTreeMap<String, Place>;

/// Reads all layers. Errors are everything that is wrong, not only the first.
pub fn load(inputs: &Inputs) -> Result<Loaded, Vec<Problem>> {
    let mut layers = Layers::default();
    layers.locale(&inputs.variables);
    if let Some(path) = inputs.explicit_file.as_ref().or(inputs.user_file.as_ref()) {
        layers.own_file(path, inputs.explicit_file.is_some());
    }
    layers.project_file(&inputs.working_directory.join(PROJECT_FILE));
    layers.variables(&inputs.variables);
    for (flag, setting, typed) in &inputs.flags {
        layers.words(setting, typed, Place::Flag((*flag).to_owned()));
    }
    layers.finish()
}

#[derive(Default)]
struct Layers {
    /// Weakest first.
    entries: Vec<Entry>,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
    files: Vec<PathBuf>,
}

impl Layers {
    fn own_file(&mut self, path: &Path, must_exist: bool) {
        let Some(text) = self.read_file(path, must_exist) else { return };
        let (entries, problems) = file::parse(path, &text);
        self.entries.extend(entries);
        self.problems.extend(problems);
    }

    /// Anyone may have put this file there (a checked-out repository): what reaches a server, names a secret or changes
    /// what may be written is ignored.
    fn project_file(&mut self, path: &Path) {
        let is_own = self.files.iter().any(|own| same_file(own, path));
        if is_own {
            return;
        }
        let Some(text) = self.read_file(path, false) else { return };
        let (entries, problems) = file::parse(path, &text);
        self.problems.extend(problems);
        for entry in entries {
            if entry.found.section.project_may_set {
                self.entries.push(entry);
            } else {
                let name = name_of(entry.found, &entry.star);
                let remedy =
                    "a file in the working directory sets looks, panes and queries only: put it into your own file, or pass this one by --config";
                self.warnings.push(Problem::new(entry.place, format!("{name} is ignored here: {remedy}")));
            }
        }
    }

    fn read_file(&mut self, path: &Path, must_exist: bool) -> Option<String> {
        // A pipe is read only where somebody named it.
        let bytes = if must_exist { files::read_or_pipe(path, file::LIMIT) } else { files::read(path, file::LIMIT) };
        let text = match bytes {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is not UTF-8 text: save it as UTF-8".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return None,
            Err(error) => Err(match error.kind() {
                io::ErrorKind::NotFound => "does not exist: name another file, or write one by `sev1 config init`".to_owned(),
                io::ErrorKind::IsADirectory => "is a directory: name a file".to_owned(),
                io::ErrorKind::FileTooLarge => format!("is larger than {} KiB, which no configuration is", file::LIMIT >> 10),
                _ => format!("cannot be read: {error}"),
            }),
        };
        match text {
            Ok(text) => {
                self.files.push(path.to_owned());
                Some(text)
            }
            Err(why) => {
                self.problems.push(Problem::new(Place::WholeFile(path.to_owned()), why));
                None
            }
        }
    }

    /// What a terminal can draw where nothing else says it: the first of these that is set decides, as for every program.
    /// Where none is, nothing is known, and most terminals take UTF-8.
    fn locale(&mut self, variables: &BTreeMap<String, String>) {
        let said = LOCALE.iter().find_map(|name| variables.get(*name).filter(|value| !value.is_empty()).map(|value| (*name, value)));
        if let Some((name, locale)) = said
            && !locale.to_lowercase().replace('-', "").contains("utf8")
        {
            self.words("looks.ascii", "true", Place::Environment(name.to_owned()));
        }
    }

    fn variables(&mut self, variables: &BTreeMap<String, String>) {
        if variables.get("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            self.words("looks.theme", "mono", Place::Environment("NO_COLOR".to_owned()));
        }
        for (variable, setting) in VARIABLES {
            if let Some(value) = variables.get(*variable).filter(|value| !value.is_empty()) {
                self.words(setting, value, Place::Environment((*variable).to_owned()));
            }
        }
        let known = || VARIABLES.iter().map(|(name, _)| *name).chain(OTHER_VARIABLES.iter().copied()).filter(|name| name.starts_with("SEV1_"));
        for name in variables.keys().filter(|name| name.starts_with("SEV1_") && !known().any(|known| known == name.as_str())) {
            let message = format!("is no variable of sev1: {}", suggest(name, known().collect::<Vec<_>>()));
            self.warnings.push(Problem::new(Place::Environment(name.clone()), message));
        }
    }

    /// A setting typed as words, outside of a file.
    fn words(&mut self, setting: &str, typed: &str, place: Place) {
        let parts: Vec<String> = setting.split('.').map(str::to_owned).collect();
        match settings::meaning(&parts) {
            Meaning::Setting(found, star) => {
                let like = (found.setting.get)(&Config::default(), &star).or_else(|| example(found));
                self.entries.push(Entry { found, star, value: Value::from_words(typed, like.as_ref()), place });
            }
            Meaning::Section | Meaning::Unknown(_) => self.problems.push(Problem::new(place, format!("{setting} is no setting"))),
        }
    }

    fn finish(mut self) -> Result<Loaded, Vec<Problem>> {
        let mut draft = Draft::default();
        let mut origins = Origins::new();
        for Entry { found, star, value, place } in &self.entries {
            let name = name_of(*found, star);
            let outcome = if holds_secret(*found, value, place) {
                Err("holds a user or a password: leave them out and set user and password_file, or pass the address by the environment".to_owned())
            } else {
                (found.setting.set)(&mut draft, star, value)
            };
            match outcome {
                Ok(()) => drop(origins.insert(name, place.clone())),
                Err(why) => self.problems.push(Problem::new(place.clone(), format!("{name} {why}"))),
            }
        }
        // Rules between settings would only repeat what is wrong with one of them.
        if self.problems.is_empty() {
            let place = |name: &str| rules::place_of(&origins, name);
            let config = rules::finish(draft, &place, &mut self.problems, &mut self.warnings);
            if self.problems.is_empty() {
                return Ok(Loaded { config, warnings: self.warnings, files: self.files, origins });
            }
        }
        Err(self.problems)
    }
}

impl Loaded {
    /// Every setting with its value and where that came from, in the order of the file.
    pub fn listing(&self) -> Vec<Shown> {
        let mut listing = Vec::new();
        for section in SECTIONS {
            for star in section.star_names(&self.config) {
                for setting in section.settings {
                    let name = settings::path(section, setting, &star);
                    let from = self.origin(&name);
                    listing.push(Shown { value: (setting.get)(&self.config, &star), setting: name, from });
                }
            }
        }
        listing
    }

    /// Where a setting's value came from.
    pub fn origin(&self, setting: &str) -> Place {
        self.origins.get(setting).cloned().unwrap_or(Place::Default)
    }
}

/// An address with a login: others can read arguments and files; a variable is as private as the process.
fn holds_secret(found: Found, value: &Value, place: &Place) -> bool {
    let is_address = found.section.name == settings::servers::SERVERS.name && found.setting.name == "url";
    is_address && !matches!(place, Place::Environment(_)) && matches!(value, Value::Text(url) if settings::servers::has_login(url))
}

fn name_of(found: Found, star: &str) -> String {
    settings::path(found.section, found.setting, star)
}

fn example(found: Found) -> Option<Value> {
    match found.setting.example {
        "" => None,
        "true" | "false" => Some(Value::Flag(true)),
        other => Some(Value::text(other)),
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::shape::Auth;

    struct Home {
        folder: tempfile::TempDir,
        inputs: Inputs,
    }

    impl Home {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let work = folder.path().join("work");
            fs::create_dir(&work).unwrap();
            let inputs = Inputs { user_file: Some(folder.path().join("config.toml")), working_directory: work, ..Inputs::default() };
            Self { folder, inputs }
        }

        fn user(self, text: &str) -> Self {
            fs::write(self.folder.path().join("config.toml"), text).unwrap();
            self
        }

        fn project(self, text: &str) -> Self {
            fs::write(self.folder.path().join("work/sev1.toml"), text).unwrap();
            self
        }

        fn variable(mut self, name: &str, value: &str) -> Self {
            self.inputs.variables.insert(name.to_owned(), value.to_owned());
            self
        }

        fn flag(mut self, flag: &'static str, setting: &'static str, value: &str) -> Self {
            self.inputs.flags.push((flag, setting, value.to_owned()));
            self
        }

        fn load(&self) -> Loaded {
            load(&self.inputs).unwrap_or_else(|problems| panic!("{problems:?}"))
        }

        fn complaint(&self) -> String {
            let problems = load(&self.inputs).expect_err("it should be refused");
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
    }

    #[test]
    fn nothing_at_all_is_the_default() {
        assert_eq!(Home::new().load().config, Config::default());
    }

    #[test]
    fn a_flag_beats_a_variable_beats_the_project_beats_the_user() {
        let theme = |home: &Home| home.load().config.looks.theme;
        let home = Home::new().user("[looks]\ntheme = 'day'");
        assert_eq!(theme(&home), "day");
        let home = home.project("[looks]\ntheme = 'mono'");
        assert_eq!(theme(&home), "mono");
        let home = home.variable("SEV1_THEME", "war-room");
        assert_eq!(theme(&home), "war-room");
        let home = home.flag("--theme", "looks.theme", "high-contrast");
        assert_eq!(theme(&home), "high-contrast");
        assert_eq!(home.load().origin("looks.theme"), Place::Flag("--theme".to_owned()));
    }

    #[test]
    fn no_color_is_mono_unless_someone_insists() {
        let home = Home::new().user("[looks]\ntheme = 'day'").variable("NO_COLOR", "1");
        assert_eq!(home.load().config.looks.theme, "mono");
        assert_eq!(home.flag("--theme", "looks.theme", "day").load().config.looks.theme, "day");
        assert_eq!(Home::new().variable("NO_COLOR", "").load().config.looks.theme, "night");
    }

    #[test]
    fn a_locale_without_utf_8_means_ascii_unless_someone_insists() {
        let ascii = |home: &Home| home.load().config.looks.ascii;
        for (locale, expected) in
            [("C", Some(true)), ("POSIX", Some(true)), ("de_DE.ISO-8859-1", Some(true)), ("C.UTF-8", None), ("en_GB.utf8", None)]
        {
            assert_eq!(ascii(&Home::new().variable("LANG", locale)), expected, "{locale}");
        }
        assert_eq!(ascii(&Home::new().variable("LANG", "en_GB.UTF-8").variable("LC_ALL", "C")), Some(true));
        assert_eq!(ascii(&Home::new().variable("LANG", "C").variable("LC_CTYPE", "C.UTF-8")), None);
        assert_eq!(ascii(&Home::new().variable("LANG", "C").user("[looks]\nascii = false")), Some(false));
        assert_eq!(ascii(&Home::new().variable("LANG", "C").variable("SEV1_ASCII", "false")), Some(false));
    }

    #[test]
    fn a_file_in_the_working_directory_reaches_no_server_and_loosens_nothing() {
        let home = Home::new().project(
            "read_only = false\n[servers.prometheus]\nurl = 'http://evil.example'\nbearer_file = '/home/me/.ssh/id'\n\
             [production]\npatterns = ['x']\n[keys]\nquit = ['y']\n[mitigations]\nrestart_at_once = 50\n\
             [escalation.critical]\nresponse = '24h'\n[refresh]\nmetrics = '1s'\n[looks]\ntheme = 'day'\n[kpis.error_rate]\ncritical = 0.5\n",
        );
        let loaded = home.load();
        let mut expected = Config::default();
        expected.looks.theme = "day".to_owned();
        expected.kpis[0].critical = Some(0.5);
        assert_eq!(loaded.config, expected);
        let warned: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
        for name in ["read_only", "servers.prometheus.url", "servers.prometheus.bearer_file", "production.patterns", "keys.quit"] {
            assert!(warned.iter().any(|warning| warning.contains(name) && warning.contains("sev1.toml:")), "{name}: {warned:?}");
        }
        assert_eq!(warned.len(), 8, "{warned:?}");
    }

    #[test]
    fn a_device_or_pipe_in_the_working_directory_is_refused_at_once() {
        let home = Home::new();
        let project = home.folder.path().join("work/sev1.toml");
        std::os::unix::fs::symlink("/dev/zero", &project).unwrap();
        let says = |home: &Home| load(&home.inputs).unwrap_err().iter().map(ToString::to_string).collect::<String>();
        assert!(says(&home).contains("it is a device, not a regular file"), "{}", says(&home));
        fs::remove_file(&project).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&project).status().unwrap().success());
        assert!(says(&home).contains("it is a pipe, not a regular file"), "{}", says(&home));
        let mut named = Home::new();
        named.inputs.explicit_file = Some(project);
        assert!(says(&named).contains("it is a pipe that nobody writes to"), "{}", says(&named));
    }

    #[test]
    fn the_same_file_by_config_counts_in_full() {
        let mut home = Home::new().project("[servers.prometheus]\nurl = 'http://localhost:9090'");
        home.inputs.explicit_file = Some(home.inputs.working_directory.join("sev1.toml"));
        let loaded = home.load();
        assert_eq!(loaded.config.servers.prometheus.as_ref().map(|server| &*server.url), Some("http://localhost:9090"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert_eq!(loaded.files.len(), 1);
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_its_place() {
        let home =
            Home::new().user("[looks]\ntheme = 'nigth'\nmouse = 'yes'\n[refresh]\nmetrics = '5 parsecs'\n[kpis.error_rate]\ncritical = 'much'\n");
        let complaint = home.complaint();
        for part in [
            "config.toml:2:9: looks.theme is \"nigth\", which is no theme: did you mean night?",
            "config.toml:3:9: looks.mouse is the text \"yes\", but must be true or false",
            "config.toml:5:11: refresh.metrics is \"5 parsecs\", which is no duration",
            "config.toml:7:12: kpis.error_rate.critical is the text \"much\", but must be a number",
        ] {
            assert!(complaint.contains(part), "{part}\nin\n{complaint}");
        }
    }

    #[test]
    fn variables_and_flags_are_checked_like_lines() {
        let complaint = Home::new().variable("PROMETHEUS_URL", "localhost:9090").complaint();
        assert!(complaint.starts_with("environment PROMETHEUS_URL: servers.prometheus.url is \"localhost:9090\""), "{complaint}");
        let complaint = Home::new().variable("SEV1_READ_ONLY", "perhaps").complaint();
        assert!(complaint.contains("true or false"), "{complaint}");
        assert!(Home::new().variable("SEV1_READ_ONLY", "1").load().config.read_only);
        assert_eq!(Home::new().variable("SEV1_ASCII", "true").load().config.looks.ascii, Some(true));
        let warnings = Home::new().variable("SEV1_THEEM", "day").load().warnings;
        assert!(warnings[0].to_string().contains("did you mean SEV1_THEME?"), "{warnings:?}");
    }

    #[test]
    fn a_login_in_an_address_comes_from_the_environment_only_and_is_never_shown() {
        let complaint = Home::new().flag("--elasticsearch", "servers.elasticsearch.url", "http://elastic:hunter2@localhost").complaint();
        assert!(complaint.contains("password_file") && !complaint.contains("hunter2"), "{complaint}");
        let loaded = Home::new().variable("ELASTICSEARCH_URL", "http://elastic:hunter2@localhost").load();
        assert!(loaded.config.servers.elasticsearch.as_ref().is_some_and(|server| server.url.contains("hunter2")));
        let listing = format!("{:?}", loaded.listing());
        assert!(listing.contains("http://localhost") && !listing.contains("hunter2"), "{listing}");
    }

    #[test]
    fn a_named_file_must_exist_and_be_text() {
        let mut home = Home::new();
        home.inputs.explicit_file = Some(home.folder.path().join("missing.toml"));
        assert!(home.complaint().contains("missing.toml: does not exist"));
        home.inputs.explicit_file = Some(home.folder.path().to_owned());
        assert!(home.complaint().contains("is a directory"));
        let binary = home.folder.path().join("binary.toml");
        fs::write(&binary, [0xff, 0xfe]).unwrap();
        home.inputs.explicit_file = Some(binary);
        assert!(home.complaint().contains("is not UTF-8"));
    }

    #[test]
    fn an_indicator_is_added_by_its_name() {
        let home = Home::new().user("[kpis.logins]\nquery = 'sum(rate(logins_total[5m]))'\nunit = 'per_second'\nworse = 'lower'\ncritical = 1\n");
        let kpis = home.load().config.kpis;
        assert_eq!(kpis.len(), 7);
        assert_eq!((&*kpis[6].id, &*kpis[6].title), ("logins", "logins"));
        assert!(Home::new().user("[kpis.logins]\ncritical = 1\n").complaint().contains("kpis.logins has no query"));
    }

    #[test]
    fn tiles_choose_and_order() {
        let home = Home::new().user("[panes]\ntiles = ['sync_p95', 'error_rate']");
        let ids: Vec<_> = home.load().config.kpis.iter().map(|kpi| kpi.id.to_string()).collect();
        assert_eq!(ids, ["sync_p95", "error_rate"]);
        let complaint = Home::new().user("[panes]\ntiles = ['eror_rate']").complaint();
        assert!(complaint.contains("config.toml:2:9: panes.tiles names eror_rate, which is no indicator: did you mean error_rate?"), "{complaint}");
    }

    #[test]
    fn a_server_s_login_is_put_together() {
        let home = Home::new().user("[servers.elasticsearch]\nurl = 'https://logs'\nuser = 'me'\npassword_env = 'LOGS_PASSWORD'");
        let server = home.load().config.servers.elasticsearch.unwrap();
        assert!(matches!(server.auth, Some(Auth::Basic { .. })));
        let complaint = Home::new().user("[servers.elasticsearch]\nurl = 'https://logs'\nuser = 'me'").complaint();
        assert!(complaint.contains("config.toml:2:7: servers.elasticsearch has a user without password_file"), "{complaint}");
    }

    #[test]
    fn show_says_where_each_value_came_from() {
        let listing = Home::new().user("[looks]\ntheme = 'day'").variable("PROMETHEUS_URL", "http://localhost:9090").load().listing();
        let of = |name: &str| listing.iter().find(|shown| shown.setting == name).unwrap();
        assert!(of("looks.theme").from.to_string().ends_with("config.toml:2:9"));
        assert_eq!(of("servers.prometheus.url").from, Place::Environment("PROMETHEUS_URL".to_owned()));
        assert_eq!(of("refresh.metrics").from, Place::Default);
        assert_eq!(of("refresh.metrics").value, Some(Value::text("5s")));
        assert_eq!(of("looks.ascii").value, None);
    }
}
