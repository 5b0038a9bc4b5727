//! The programs that are compared: how each is started on all pods of a cluster, and how it tells that it has them.

/// One program.
pub struct Program {
    pub name: &'static str,
    /// Where the script put it.
    pub file: String,
    /// What stands after `--kubeconfig FILE`.
    pub args: &'static [&'static str],
    /// Pressed once it has drawn something.
    pub keys: &'static str,
    /// The pods it says it has; none while it says nothing, or says that more are to come.
    pub pods: fn(&str) -> Option<usize>,
}

/// The cockpit, and the peers that stay on the screen.
pub fn on_screen(k9s: String, kubetui: String) -> [Program; 3] {
    [
        Program { name: "sev1", file: env!("CARGO_BIN_EXE_sev1").to_owned(), args: &["-A"], keys: "2", pods: sev1 },
        Program { name: "k9s", file: k9s, args: &["-A", "-c", "pods"], keys: "", pods: k9s_title },
        Program { name: "kubetui", file: kubetui, args: &["-A"], keys: "", pods: kubetui_title },
    ]
}

/// `pods 10,000`, followed by `so far` while more are to come.
fn sev1(screen: &str) -> Option<usize> {
    let title = screen.lines().nth(1)?.split_once("HPAs")?.1;
    if title.contains("so far") { None } else { leading_number(title) }
}

/// `pods(all)[10000]`.
fn k9s_title(screen: &str) -> Option<usize> {
    leading_number(screen.to_lowercase().split_once("pods(all)[")?.1)
}

/// `Pod [1/10000]`.
fn kubetui_title(screen: &str) -> Option<usize> {
    let title = screen.lines().find_map(|line| line.split_once("Pod ["))?.1;
    leading_number(title.split_once('/')?.1)
}

fn leading_number(text: &str) -> Option<usize> {
    let digits = text.trim_start().chars().take_while(|character| character.is_ascii_digit() || *character == ',');
    digits.filter(char::is_ascii_digit).collect::<String>().parse().ok()
}
